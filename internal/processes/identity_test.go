package processes

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// A process is gone when it has ended, also while nobody has waited for it; one with
// its number that started at another time is another.
func TestIdentity(t *testing.T) {
	if !Findable() {
		t.Skip("no /proc here")
	}
	self := Self()
	if self.Gone() || self.PID != os.Getpid() {
		t.Errorf("%+v is gone", self)
	}
	for name, change := range map[string]func(*Identity){
		"started at another time": func(i *Identity) { i.Started += "1" },
		"no such number":          func(i *Identity) { i.PID = 1 << 30 },
	} {
		other := self
		change(&other)
		if !other.Gone() {
			t.Errorf("%s: %+v is not gone", name, other)
		}
	}
	for name, change := range map[string]func(*Identity){
		"not known when": func(i *Identity) { i.Started = "" },
		"of a container": func(i *Identity) { i.Namespace = "pid:[1]" },
		"of nowhere":     func(i *Identity) { i.Namespace = "" },
	} {
		other := self
		other.PID = 1 << 30
		change(&other)
		if other.Gone() {
			t.Errorf("%s: %+v is gone for certain", name, other)
		}
	}

	cmd := exec.Command("sh", "-c", "exec sleep 60")
	cmd.Env = append(os.Environ(), "TINYV_TEST_NAME=a=b", "TINYV_TEST_NAMESAKE=c")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child := self
	child.PID = cmd.Process.Pid
	_, child.Started = stat(child.PID)
	if child.Gone() {
		t.Errorf("%+v is gone", child)
	}
	if got := Marks("TINYV_TEST_NAME"); !slices.Equal(got, []Mark{"TINYV_TEST_NAME=a=b"}) || got[0].Value() != "a=b" {
		t.Errorf("%q", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for !child.Gone() { // a zombie, until it is waited for
		time.Sleep(time.Millisecond)
	}
	_ = cmd.Wait() // the signal is its error
	if !child.Gone() || len(Marks("TINYV_TEST_NAME")) > 0 {
		t.Errorf("%+v is there, or its mark", child)
	}
}
