// Package buffer has a buffer that goroutines write to while a test reads it.
package buffer

import (
	"bytes"
	"sync"
)

// Locked is a buffer for several goroutines. The zero value is an empty one.
type Locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is what was written so far.
func (l *Locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
