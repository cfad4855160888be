package traintest

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// group keeps the workers in step, as the collective operations of training do: one
// that dies takes the others with it. Rank 0 listens where torchrun says.
type group struct{ others []net.Conn }

// meet waits until every worker is there.
func meet(rank, world int) (*group, error) {
	g := &group{}
	if world == 1 {
		return g, nil
	}
	address := net.JoinHostPort(os.Getenv("MASTER_ADDR"), os.Getenv("MASTER_PORT"))
	if rank == 0 {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, err
		}
		defer l.Close()
		for len(g.others) < world-1 {
			conn, err := l.Accept()
			if err != nil {
				return nil, err
			}
			g.others = append(g.others, conn)
		}
		return g, g.step(rank)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			g.others = []net.Conn{conn}
			return g, g.step(rank)
		}
		if time.Now().After(end) {
			return nil, err
		}
	}
}

// step returns when every worker has called it as often.
func (g *group) step(rank int) error {
	one := make([]byte, 1)
	said := func(conn net.Conn) error {
		if _, err := io.ReadFull(conn, one); err != nil {
			return fmt.Errorf("RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by peer [%s]", conn.RemoteAddr())
		}
		return nil
	}
	tell := func(conn net.Conn) error {
		if _, err := conn.Write(one); err != nil {
			return fmt.Errorf("RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by peer [%s]", conn.RemoteAddr())
		}
		return nil
	}
	first, second := said, tell
	if rank != 0 {
		first, second = tell, said
	}
	for _, do := range []func(net.Conn) error{first, second} {
		for _, conn := range g.others {
			if err := do(conn); err != nil {
				return err
			}
		}
	}
	return nil
}
