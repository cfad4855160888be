package processes

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Identity tells a process from every other one of this machine, a later one with the
// same number included.
type Identity struct {
	PID       int    `json:"pid"`
	Started   string `json:"started"`   // clock ticks since the machine started
	Namespace string `json:"namespace"` // that the number is of: a container counts its own
}

// Self is the identity of this process.
func Self() Identity {
	i := Identity{PID: os.Getpid(), Namespace: namespace()}
	_, i.Started = stat(i.PID)
	return i
}

// Gone reports whether the process has ended for certain: it is not there, or nothing
// but its exit status is. Where that cannot be told it has not.
func (i Identity) Gone() bool {
	if !Findable() || i.Started == "" || i.Namespace == "" || i.Namespace != namespace() {
		return false
	}
	state, started := stat(i.PID)
	return started != i.Started || strings.Contains("ZX", state)
}

// stat returns the state of a process and when it started, "" if there is none.
func stat(pid int) (state, started string) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", ""
	}
	// The name, in parentheses, may hold blanks and parentheses itself.
	line := string(content)
	fields := strings.Fields(line[strings.LastIndex(line, ")")+1:])
	if len(fields) < 20 {
		return "", ""
	}
	return fields[0], fields[19]
}

// namespace names the processes that see one another's numbers as we do; "" if unknown.
func namespace() string {
	name, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return name
}

// Marks lists the marks of a name that living processes carry, each once.
func Marks(name string) []Mark {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []Mark
	for _, e := range entries {
		for _, variable := range environ(e.Name()) {
			if strings.HasPrefix(variable, name+"=") {
				found = append(found, Mark(variable))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Value is that of the variable.
func (m Mark) Value() string {
	_, value, _ := strings.Cut(string(m), "=")
	return value
}
