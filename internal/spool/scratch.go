package spool

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"tinyv/internal/durable"
)

// scratch is a temporary file that is written behind, a part of the memory at a
// time, by one goroutine that does not outlive close. It has no name once it is
// made, so that nothing is left of it however the process ends.
type scratch struct {
	dir, pattern string

	file *os.File // nil until there is something to write
	end  int64    // of what is in the file

	writing sync.WaitGroup
	failed  error // of what was being written; read after writing.Wait
	broken  error // what ended the use of it
}

// chunk is a part of the file.
type chunk struct{ from, to int64 }

var errClosed = errors.New("the spool is closed")

// behind writes in a goroutine of its own, once what was being written before is.
func (s *scratch) behind(write func() error) error {
	if err := s.wait(); err != nil {
		return err
	}
	if s.file == nil {
		file, err := os.CreateTemp(s.dir, s.pattern)
		if err != nil {
			s.broken = fmt.Errorf("making a temporary file to sort rows in, in %q: %w", s.dir, durable.Cause(err))
			return s.broken
		}
		s.file = file
		if err := os.Remove(file.Name()); err != nil {
			s.broken = fmt.Errorf("taking its name from the temporary file %q, so that it goes with us: %w", file.Name(), durable.Cause(err))
			return s.broken
		}
	}
	s.writing.Go(func() { s.failed = write() })
	return nil
}

// wait waits until what was being written is, and returns what went wrong.
func (s *scratch) wait() error {
	s.writing.Wait()
	if s.failed != nil && s.broken == nil {
		s.broken = fmt.Errorf("writing the temporary file %q, which rows are sorted in: %w; make room there, or name another output directory", s.file.Name(), durable.Cause(s.failed))
	}
	return s.broken
}

// unreadable is the error of a file that cannot be read back.
func (s *scratch) unreadable(err error) error {
	return fmt.Errorf("reading the temporary file %q, which rows are sorted in: %w", s.file.Name(), durable.Cause(err))
}

// close lets go of the file. Closing again does nothing.
func (s *scratch) close() error {
	s.writing.Wait()
	s.broken = errClosed
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	if err := file.Close(); err != nil {
		return fmt.Errorf("closing the temporary file %q: %w", file.Name(), durable.Cause(err))
	}
	return nil
}

var errForeign = errors.New("it is damaged; does something else write to it?")
