package trainerlog

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

// Lines reads the lines of a file that another process appends to.
type Lines struct {
	path   string
	offset int64  // read so far
	rest   []byte // the beginning of a line whose end is not there yet
	number int    // line ends seen
}

// longestLine bounds what is kept of a line. A progress bar is one line of megabytes,
// but its parts end with carriage returns.
const longestLine = 64 << 10

// Follow reads path from its beginning; it need not be there yet.
func Follow(path string) *Lines { return &Lines{path: path} }

// Next hands on the lines that were completed since the last call, each with its
// number from 1, and reports whether the file grew. A carriage return ends a
// part of a line, of the same number. A file that is shorter than before
// is read from its beginning.
func (l *Lines) Next(each func(number int, line []byte)) (grew bool, err error) {
	f, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() < l.offset {
		*l = Lines{path: l.path}
	}
	buffer := make([]byte, 256<<10)
	for {
		n, err := f.ReadAt(buffer, l.offset)
		l.offset += int64(n)
		grew = grew || n > 0
		l.split(buffer[:n], each)
		if err == io.EOF {
			return grew, nil
		}
		if err != nil {
			return grew, err
		}
	}
}

// Rest is the beginning of a line whose end is not there yet.
func (l *Lines) Rest() []byte { return l.rest }

func (l *Lines) split(data []byte, each func(number int, line []byte)) {
	for len(data) > 0 {
		end := bytes.IndexAny(data, "\r\n")
		if end < 0 {
			l.keep(data)
			return
		}
		l.keep(data[:end])
		if len(l.rest) > 0 {
			each(l.number+1, l.rest)
		}
		l.rest = l.rest[:0]
		if data[end] == '\n' {
			l.number++
		}
		data = data[end+1:]
	}
}

// keep adds to the line that is not whole, up to the longest that is kept.
func (l *Lines) keep(data []byte) {
	l.rest = append(l.rest, data[:min(len(data), longestLine-len(l.rest))]...)
}

// Curve is the course of a training over all its launches: where a resumed run
// repeats steps, the later run's points stand.
type Curve struct {
	Points   []Point // with a loss or an evaluation, by step
	Last     Point   // the last line
	Restarts int     // how often the steps went back
	Bad      int     // lines that were no points
}

// Read adds the new lines of a trainer_log.jsonl and reports whether there were any.
func (c *Curve) Read(l *Lines) (bool, error) {
	return l.Next(func(_ int, line []byte) {
		p, err := ParsePoint(line)
		if err != nil {
			c.Bad++
			return
		}
		c.Add(p)
	})
}

// Add takes the next line.
func (c *Curve) Add(p Point) {
	if p.Step < c.Last.Step {
		c.Restarts++
	}
	c.Last = p
	if p.Loss == nil && p.EvalLoss == nil {
		return // the summary at the end
	}
	n := len(c.Points)
	for n > 0 && c.Points[n-1].repeatedBy(p) {
		n--
	}
	c.Points = append(c.Points[:n], p)
}

// Back takes the curve back to a step: a run that goes on from there does all later
// ones again.
func (c *Curve) Back(step int) {
	c.Points = slices.DeleteFunc(c.Points, func(p Point) bool { return p.Step > step })
	c.Last = Point{Step: step}
}

// repeatedBy reports whether a point is of a run that was cut off, and q of the
// one that did its step again. Within a step, training comes before evaluation.
func (p Point) repeatedBy(q Point) bool {
	return p.Step > q.Step || p.Step == q.Step && (q.Loss != nil || p.EvalLoss != nil)
}

// LastLoss is the last training loss, nil before the first.
func (c *Curve) LastLoss() *Point { return c.last(func(p Point) bool { return p.Loss != nil }) }

// LastEval is the last evaluation, nil before the first.
func (c *Curve) LastEval() *Point { return c.last(func(p Point) bool { return p.EvalLoss != nil }) }

func (c *Curve) last(is func(Point) bool) *Point {
	for i := len(c.Points) - 1; i >= 0; i-- {
		if is(c.Points[i]) {
			return &c.Points[i]
		}
	}
	return nil
}
