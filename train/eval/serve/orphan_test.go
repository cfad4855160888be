package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tinyv/internal/processes"
)

// starterOf is the variable by which this program is a tinyv that starts a server, of
// the options in it, and is then killed.
const starterOf = "SERVE_TEST_STARTER"

// starter starts a server, says so, and waits to be killed.
func starter(options string) {
	var o Options
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		panic(err)
	}
	os.Unsetenv(starterOf)
	if _, err := start(context.Background(), o); err != nil {
		panic(err)
	}
	fmt.Println("started")
	time.Sleep(time.Hour)
}

// killedStarter starts a server by another process, which it kills with signal 9.
// while is called before.
func killedStarter(t *testing.T, o Options, while func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	options, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), starterOf+"="+string(options))
	cmd.Stderr = os.Stderr
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(said).ReadString('\n'); line != "started\n" {
		t.Errorf("said %q, %v", line, err)
	}
	while()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the signal is its error
}

func orphans(t *testing.T, o Options) []Orphan {
	t.Helper()
	found, err := Orphans(o)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// What is left of a server whose tinyv was killed, and does not end when it is asked
// to, is found by its log or its port, and ended; that of a living tinyv is let be.
func TestOrphans(t *testing.T) {
	if !processes.Findable() {
		t.Skip("no /proc here")
	}
	install(t, "stubborn")
	o := options(t, VLLM)
	var err error
	if o.Port, err = freePort(0); err != nil {
		t.Fatal(err)
	}
	killedStarter(t, o, func() {
		if found := orphans(t, o); len(found) > 0 {
			t.Errorf("its tinyv is alive: %+v", found)
		}
	})
	other := o
	other.Log, other.Port = filepath.Join(t.TempDir(), "other.log"), 0
	if found := orphans(t, other); len(found) > 0 {
		t.Errorf("of another log: %+v", found)
	}
	for name, same := range map[string]Options{"port": {Log: other.Log, Port: o.Port}, "log": {Log: o.Log}} {
		if found := orphans(t, same); len(found) != 1 || len(found[0].Processes) != 2 || found[0].Log != o.Log || found[0].By == os.Getpid() {
			t.Errorf("by its %s: %+v", name, found)
		}
	}
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("the port is free: %v", err)
	}
	left := orphans(t, o)[0]
	left.grace = 200 * time.Millisecond
	if err := left.End(t.Context()); err != nil {
		t.Error(err)
	}
	if found := left.mark.Living(); len(found) > 0 || len(orphans(t, o)) > 0 {
		t.Errorf("%v are left", found)
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", o.Port))
	if err != nil {
		t.Error(err)
	} else {
		l.Close()
	}
}

// Marks that are none of ours are no orphans.
func TestOrphansOfOthers(t *testing.T) {
	if !processes.Findable() {
		t.Skip("no /proc here")
	}
	log := filepath.Join(t.TempDir(), "server.log")
	for _, value := range []string{"ABCDEF", fmt.Sprintf(`{"log":%q}`, log), fmt.Sprintf(`{"log":%q,"by":{"pid":1073741824,"started":"1","namespace":"pid:[1]"}}`, log)} {
		cmd := exec.Command("sleep", "60")
		cmd.Env = append(os.Environ(), markName+"="+value)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if found := orphans(t, Options{Log: log}); len(found) > 0 {
			t.Errorf("%s: %+v", value, found)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}
