// Package protocol is the JSON-lines protocol of `tinyv verify`: any program that
// can write and read lines can use a verifier.
//
// A row is an object with `ground_truth` and either `prediction` (an answer) or
// `response` (a full reply, from which the answer is extracted), and optionally
// `question`. Every row is written back, in order, with `correct` (true, false or
// null for undecided), `extracted` and `reason` added; its other members stay as
// they are. A row that cannot be read is written as null with the error as its
// reason, so that output line n always answers row n.
package protocol

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"

	"tinyv/internal/ordered"
	"tinyv/internal/rows"
	"tinyv/verify"
)

// Counts says what became of the rows.
type Counts struct {
	Rows, Correct, Incorrect, Undecided int64
	Bad                                 int64 // rows that could not be read
}

// window is the number of rows in flight. It bounds memory to that many rows.
const window = 512

// answered is one row and what is written for it.
type answered struct {
	line    []byte
	outcome verify.Outcome
	row     int64
	bad     error
}

// Run answers every line of in with v, on all cores, and writes to out. bad is
// told of each row that could not be read, with its line number; Run goes on.
func Run(ctx context.Context, v verify.Verifier, in iter.Seq2[rows.Line, error], out io.Writer, bad func(line int64, err error)) (Counts, error) {
	var counts Counts
	w := bufio.NewWriterSize(out, 256<<10)
	answer := func(ctx context.Context, l item) (answered, error) { return answerOne(ctx, v, l) }
	for a, err := range ordered.Map(ctx, items(in), runtime.GOMAXPROCS(0), window, answer) {
		if err != nil {
			return counts, errors.Join(err, w.Flush())
		}
		counts.Rows++
		switch {
		case a.bad != nil:
			counts.Bad++
			bad(a.row, a.bad)
		case a.outcome == verify.Correct:
			counts.Correct++
		case a.outcome == verify.Incorrect:
			counts.Incorrect++
		default:
			counts.Undecided++
		}
		if _, err := w.Write(a.line); err != nil {
			return counts, fmt.Errorf("writing verdicts: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return counts, fmt.Errorf("writing verdicts: %w", err)
	}
	return counts, nil
}

// item is a line, or why it could not be read.
type item struct {
	rows.Line
	bad error
}

func items(in iter.Seq2[rows.Line, error]) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for line, err := range in {
			var bad *rows.RowError
			if errors.As(err, &bad) {
				line.Row, err = bad.Row, nil
				if !yield(item{line, bad.Err}, nil) {
					return
				}
				continue
			}
			if !yield(item{Line: line}, err) || err != nil {
				return
			}
		}
	}
}

func answerOne(ctx context.Context, v verify.Verifier, l item) (answered, error) {
	if l.bad == nil {
		c, err := parse(l.Data)
		if err == nil {
			verdict, err := v.Verify(ctx, c)
			if err != nil {
				return answered{}, fmt.Errorf("line %d: %w", l.Row, err)
			}
			line, err := extend(l.Data, verdict)
			return answered{line: line, outcome: verdict.Outcome, row: l.Row}, err
		}
		l.bad = err
	}
	line, err := encode(struct {
		Correct   *bool   `json:"correct"`
		Extracted *string `json:"extracted"`
		Reason    string  `json:"reason"`
	}{Reason: fmt.Sprintf("error: line %d: %v", l.Row, l.bad)})
	return answered{line: line, row: l.Row, bad: l.bad}, err
}

// parse reads the case of a row.
func parse(data []byte) (verify.Case, error) {
	var c verify.Case
	row, err := rows.ParseObject(data)
	if err != nil {
		return c, err
	}
	text := func(key string, to *string) (bool, error) {
		value, ok := row[key]
		if !ok {
			return false, nil
		}
		s, isText := value.(string)
		if !isText {
			return true, fmt.Errorf("%s is %s, not a string", key, kind(value))
		}
		*to = s
		return true, nil
	}
	hasTruth, err := text("ground_truth", &c.GroundTruth)
	if err != nil {
		return c, err
	}
	if !hasTruth {
		return c, errors.New("there is no ground_truth")
	}
	hasAnswer, err := text("prediction", &c.Answer)
	if err != nil {
		return c, err
	}
	hasResponse, err := text("response", &c.Response)
	if err != nil {
		return c, err
	}
	if hasAnswer == hasResponse {
		return c, errors.New("wanted one of prediction (an answer) and response (a full reply)")
	}
	if _, given := row["question"]; given {
		if _, err := text("question", &c.Question); err != nil {
			return c, err
		}
	}
	return c, nil
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}

// extend writes the row back with the verdict. Members are copied to the letter;
// those of an earlier verdict are replaced.
func extend(data []byte, v verify.Verdict) ([]byte, error) {
	out := bytes.NewBuffer(make([]byte, 0, len(data)+128))
	out.WriteByte('{')
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		if key == "correct" || key == "extracted" || key == "reason" {
			continue
		}
		name, err := encode(key)
		if err != nil {
			return nil, err
		}
		out.Write(bytes.TrimSpace(name))
		out.WriteByte(':')
		out.Write(value)
		out.WriteByte(',')
	}
	verdict, err := encode(struct {
		Correct   *bool  `json:"correct"`
		Extracted string `json:"extracted"`
		Reason    string `json:"reason"`
	}{v.Outcome.Bool(), v.Extracted, v.Reason})
	if err != nil {
		return nil, err
	}
	out.Write(verdict[1:]) // without its opening brace, with its line break
	return out.Bytes(), nil
}

// encode writes v as JSON with a line break, `<` and `&` as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}
