// Package processes finds every process that something started, those included that
// have left its group or session: by a mark in their environment, which all inherit.
//
// It needs /proc, so elsewhere than on Linux it finds none.
//
// And it says how a process ended.
package processes

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// Mark is a variable of the environment, NAME=value, that no other processes carry.
type Mark string

// Findable reports whether processes can be found by their mark here.
func Findable() bool {
	_, err := os.Stat("/proc/self/environ")
	return err == nil
}

// Living lists the processes that carry the mark, ascending. One that has ended and
// is not yet waited for has no environment, and is not among them.
func (m Mark) Living() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && m.on(pid) {
			found = append(found, pid)
		}
	}
	slices.Sort(found)
	return found
}

func (m Mark) on(pid int) bool { return slices.Contains(environ(strconv.Itoa(pid)), string(m)) }

// environ is the environment of a process of /proc, none if it is another's or gone.
func environ(entry string) []string {
	content, err := os.ReadFile("/proc/" + entry + "/environ")
	if err != nil {
		return nil
	}
	return strings.Split(string(content), "\x00")
}

// Signal sends a signal to a process that carries the mark. It takes hold of the
// process before it looks at the mark, so that a number that is given to another one
// in between does no harm.
func (m Mark) Signal(pid int, s os.Signal) {
	process, err := os.FindProcess(pid)
	if err != nil {
		return
	}
	defer process.Release()
	if m.on(pid) {
		_ = process.Signal(s) // it may have ended
	}
}
