package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Running is a server that listens.
type Running struct {
	url     string
	api     *Server
	log     *slog.Logger
	stop    context.CancelFunc
	stopped chan struct{}
	broken  chan error // that ended serving
	err     error      // of stopping; may be read once stopped is closed

	handlers, connections, serving sync.WaitGroup

	mu     sync.Mutex
	addr   string       // that the server listens on again
	server *http.Server // nil while paused
	closed bool
}

// Start serves w on addr, a HOST:PORT, until ctx ends or Close is called. An
// empty addr is a free port of the loopback interface. The server has no
// protection worth the name: it listens on another interface only if addr names
// one, and an address without a host, which would mean all of them, is refused.
func Start(ctx context.Context, w *World, addr string, log *slog.Logger) (*Running, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("starting the simulated model server on %q: %w", addr, err)
	}
	if host == "" {
		return nil, fmt.Errorf("starting the simulated model server on %q: name the interface, as in 127.0.0.1:%s, or 0.0.0.0:%s for all", addr, port, port)
	}
	if err := w.check(); err != nil {
		return nil, fmt.Errorf("starting the simulated model server: %w", err)
	}
	api := NewServer(w, log)
	if err := api.batches.load(); err != nil {
		return nil, fmt.Errorf("starting the simulated model server: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the simulated model server on %q: %w", addr, err), api.batches.close())
	}
	ctx, stop := context.WithCancel(ctx)
	r := &Running{
		url: baseURL(listener.Addr()), addr: listener.Addr().String(), api: api, log: log,
		stop: stop, stopped: make(chan struct{}), broken: make(chan error, 1),
	}
	r.listen(listener)
	go func() {
		defer close(r.stopped)
		r.err = r.end(ctx)
	}()
	return r, nil
}

// listen serves a listener. r.mu must be held, or r be new.
func (r *Running) listen(listener net.Listener) {
	handler := r.api.Handler()
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			r.handlers.Add(1)
			defer r.handlers.Done()
			handler.ServeHTTP(w, req)
		}),
		// Connections are counted, not handlers alone: a handler that has not begun
		// yet cannot be waited for.
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				r.connections.Add(1)
			case http.StateClosed, http.StateHijacked:
				r.connections.Done()
			}
		},
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(r.log.Handler(), slog.LevelDebug),
	}
	r.server = server
	r.serving.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			select {
			case r.broken <- err:
			default: // one cause is enough
			}
		}
	})
}

// Pause takes the server away, as when its machine has gone: every connection is
// cut off, and new ones are refused until Resume. What it knows stays: limits,
// counts, files and batches. It does nothing if the server is paused or closed.
func (r *Running) Pause() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server == nil || r.closed {
		return nil
	}
	err := r.server.Close()
	r.serving.Wait() // the port is free only then
	r.server = nil
	if err != nil {
		return fmt.Errorf("pausing the simulated model server: %w", err)
	}
	return nil
}

// Resume serves again on the same port after Pause. It may fail if another
// process has taken the port by then; calling it again is all right.
func (r *Running) Resume(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server != nil || r.closed {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", r.addr)
	if err != nil {
		return fmt.Errorf("resuming the simulated model server on %s: %w", r.addr, err)
	}
	r.listen(listener)
	return nil
}

// end waits until ctx ends or serving fails, stops serving, and waits for all that
// was started.
func (r *Running) end(ctx context.Context) error {
	var failed error
	select {
	case err := <-r.broken:
		failed = fmt.Errorf("the simulated model server stopped: %w", err)
	case <-ctx.Done():
	}
	r.mu.Lock()
	r.closed = true
	server := r.server
	r.mu.Unlock()

	close(r.api.ending)
	var err error
	if server != nil {
		err = shutDown(ctx, server)
	}
	r.serving.Wait()
	r.connections.Wait()
	r.handlers.Wait()
	return errors.Join(failed, err, r.api.batches.close())
}

// shutDown gives requests under way two seconds to be answered, and cuts off what
// is left.
func shutDown(ctx context.Context, server *http.Server) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	return err
}

// baseURL is where clients on this machine reach a listener.
func baseURL(addr net.Addr) string {
	host := addr.String()
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}).String()
	}
	return "http://" + host + "/v1"
}

// URL returns the base URL that clients are given: http://HOST:PORT/v1.
func (r *Running) URL() string { return r.url }

// Close stops the server and waits for all its goroutines. Clients that are held
// by a fault are let go at once; replies under way get two seconds. It returns what
// went wrong in serving, and the same again if called again.
func (r *Running) Close() error {
	r.stop()
	<-r.stopped
	return r.err
}
