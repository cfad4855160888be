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
	url      string
	stop     context.CancelFunc
	stopped  chan struct{}
	err      error // of stopping; may be read once stopped is closed
	handlers sync.WaitGroup
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
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("starting the simulated model server on %q: %w", addr, err)
	}
	ctx, stop := context.WithCancel(ctx)
	r := &Running{url: baseURL(listener.Addr()), stop: stop, stopped: make(chan struct{})}
	handler := NewServer(w, log).Handler()
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			r.handlers.Add(1)
			defer r.handlers.Done()
			handler.ServeHTTP(w, req)
		}),
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go func() {
		defer close(r.stopped)
		r.err = stopServing(ctx, server, served)
		r.handlers.Wait()
	}()
	return r, nil
}

// stopServing waits until ctx ends or the server fails, gives requests under way
// two seconds to be answered, and cuts off what is left.
func stopServing(ctx context.Context, server *http.Server, served <-chan error) error {
	select {
	case err := <-served:
		return errors.Join(fmt.Errorf("the simulated model server stopped: %w", err), server.Close())
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	<-served
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

// Close stops the server and waits for all its goroutines. It returns what went
// wrong in serving, and the same again if called again.
func (r *Running) Close() error {
	r.stop()
	<-r.stopped
	return r.err
}
