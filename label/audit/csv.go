package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// utf8Mark makes spreadsheets read a CSV file as UTF-8.
const utf8Mark = "\ufeff"

// table is the CSV file that a person fills in.
func table(items []item, blind bool) ([]byte, error) {
	header := []string{"id", "question", "ground_truth", "answer", "label", "human", "note"}
	if blind {
		header = slices.Delete(header, 4, 5)
	}
	var out bytes.Buffer
	out.WriteString(utf8Mark)
	w := csv.NewWriter(&out)
	records := [][]string{header}
	for _, it := range items {
		record := []string{it.id, guard(it.question), guard(it.groundTruth), guard(it.answer)}
		if !blind {
			record = append(record, labelWord(it.label))
		}
		records = append(records, append(record, "", ""))
	}
	if err := w.WriteAll(records); err != nil {
		return nil, fmt.Errorf("writing %s: %w", CSVFile, err)
	}
	return out.Bytes(), nil
}

func labelWord(label bool) string {
	if label {
		return "True"
	}
	return "False"
}

// judgement is what a person says of an answer.
type judgement int8

const (
	unanswered judgement = iota
	correct
	incorrect
	unsure
)

// judgements are the ways to write one; other spellings are refused, not guessed at.
var judgements = map[string]judgement{
	"": unanswered, "y": correct, "yes": correct, "n": incorrect, "no": incorrect, "?": unsure,
}

// answer is one filled-in row.
type answer struct {
	judgement judgement
	note      string
	line      int
}

// maxFaults is how many faults of a file are told at once.
const maxFaults = 10

// readAnswers reads a filled-in CSV file, as spreadsheets leave it too: columns in
// any order and others beside them, separated by comma, semicolon or tab, with a
// byte order mark, with CRLF. Rows may be missing, or in any order. It is an error if a
// row is not of the sample, occurs twice, or has a judgement that is none.
func readAnswers(path string, sample *Sample) (map[string]answer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the filled-in sample: %w", err)
	}
	defer f.Close()
	return parseAnswers(f, path, sample)
}

func parseAnswers(in io.Reader, name string, sample *Sample) (map[string]answer, error) {
	b := bufio.NewReaderSize(in, 64<<10)
	start, err := b.Peek(len(utf8Mark))
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	switch {
	case bytes.HasPrefix(start, []byte{0xff, 0xfe}), bytes.HasPrefix(start, []byte{0xfe, 0xff}):
		return nil, fmt.Errorf("%s:1: the file is UTF-16: save it as CSV UTF-8", name)
	case string(start) == utf8Mark:
		b.Discard(len(utf8Mark))
	}
	r := csv.NewReader(b)
	r.Comma = separator(b)
	r.FieldsPerRecord = -1 // spreadsheets drop empty cells at the end
	header, err := r.Read()
	if err != nil {
		return nil, unreadable(name, err)
	}
	columns, err := columnsOf(header)
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", name, err)
	}
	p := parser{name: name, columns: columns, known: map[string]bool{}, answers: map[string]answer{}}
	for _, it := range sample.Items {
		p.known[it.ID] = true
	}
	for len(p.faults) < maxFaults {
		record, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			p.faults = append(p.faults, unreadable(name, err))
			break // what follows a quote that is not closed makes no sense
		}
		line, _ := r.FieldPos(0)
		p.add(record, line)
	}
	return p.answers, errors.Join(p.faults...)
}

// separator looks at the first line: quoted commas are not in a header of ours.
func separator(b *bufio.Reader) rune {
	start, _ := b.Peek(b.Size()) // fewer are all there are
	line, _, _ := bytes.Cut(start, []byte("\n"))
	best := ','
	for _, c := range ";\t" {
		if bytes.Count(line, []byte(string(c))) > bytes.Count(line, []byte(string(best))) {
			best = c
		}
	}
	return best
}

type columns struct{ id, human, note int }

func columnsOf(header []string) (columns, error) {
	find := func(name string) (int, error) {
		found := -1
		for i, cell := range header {
			if !strings.EqualFold(strings.TrimSpace(cell), name) {
				continue
			}
			if found >= 0 {
				return 0, fmt.Errorf("there are two columns %q: remove one", name)
			}
			found = i
		}
		return found, nil
	}
	id, idErr := find("id")
	human, humanErr := find("human")
	note, noteErr := find("note")
	if err := cmp.Or(idErr, humanErr, noteErr); err != nil {
		return columns{}, err
	}
	if id < 0 || human < 0 {
		return columns{}, fmt.Errorf("wanted columns \"id\" and \"human\", found %.200q", header)
	}
	return columns{id, human, note}, nil
}

type parser struct {
	name    string
	columns columns
	known   map[string]bool
	answers map[string]answer
	faults  []error
}

func (p *parser) add(record []string, line int) {
	cell := func(column int) string {
		if column < 0 || column >= len(record) {
			return ""
		}
		return strings.TrimSpace(record[column])
	}
	id, human := cell(p.columns.id), strings.ToLower(cell(p.columns.human))
	judgement, ok := judgements[human]
	switch earlier, twice := p.answers[id]; {
	case id == "" && human == "":
		return // spreadsheets leave empty rows
	case !p.known[id]:
		p.fault(line, "row %.40q is not in the sample: this is the CSV of another sample, or the id was changed", id)
	case twice:
		p.fault(line, "row %s occurs a second time, after line %d: remove one", id, earlier.line)
	case !ok:
		p.fault(line, "human is %.40q: write y (the answer is correct), n (it is not), ? (cannot tell) or nothing", human)
	default:
		note := strings.ToValidUTF8(unguard(cell(p.columns.note)), "\ufffd")
		p.answers[id] = answer{judgement, note, line}
	}
}

func (p *parser) fault(line int, format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf("%s:%d: %s", p.name, line, fmt.Sprintf(format, args...)))
}

func unreadable(name string, err error) error {
	if err == io.EOF {
		return fmt.Errorf("%s:1: the file is empty", name)
	}
	if fault := (*csv.ParseError)(nil); errors.As(err, &fault) {
		return fmt.Errorf("%s:%d: column %d: %w", name, fault.Line, fault.Column, fault.Err)
	}
	return fmt.Errorf("reading %s: %w", name, err)
}
