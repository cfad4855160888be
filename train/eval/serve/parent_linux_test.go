package serve

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A server ends with the tinyv that started it, however that ends.
func TestServerEndsWithItsStarter(t *testing.T) {
	install(t, "slow")
	o := options(t, VLLM)
	killedStarter(t, o, func() {})
	for len(orphans(t, o)) > 0 { // only a hang fails
		time.Sleep(5 * time.Millisecond)
	}
}

// The kernel takes a thread for the parent. A server outlives the thread that Start
// was called on.
func TestServerOutlivesAThread(t *testing.T) {
	install(t, "slow")
	var s *Server
	var thread int
	for thread == 0 || thread == os.Getpid() { // the first thread of a program does not end
		if s != nil {
			s.Close()
		}
		done := make(chan error)
		go func() {
			runtime.LockOSThread() // and not unlocked: the thread ends with this goroutine
			thread = syscall.Gettid()
			var err error
			s, err = start(t.Context(), options(t, VLLM))
			done <- err
		}()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	defer s.Close()
	for there := true; there; time.Sleep(time.Millisecond) {
		_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread))
		there = err == nil
	}
	get(t, strings.TrimSuffix(s.URL, "/v1")+"/env") // fails if it is gone
	select {
	case <-s.Done():
		t.Error("the server ended with the thread")
	default:
	}
}
