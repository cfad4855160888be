package bench

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"tinyv/internal/rows"
)

// cells finds our columns in one row of a file.
type cells struct {
	rec     rows.Record
	path    string
	columns map[string]string
	prefix  string // of IDs
}

// name is what the file calls one of our columns.
func (c cells) name(column string) string {
	if name, named := c.columns[column]; named {
		return name
	}
	return column
}

func (c cells) has(column string) bool {
	_, there := c.rec.Lookup(c.name(column))
	return there
}

// errorf names the place of a fault.
func (c cells) errorf(column, format string, args ...any) error {
	return fmt.Errorf("the benchmark %s, row %d: its %q %s", c.path, c.rec.Row, c.name(column), fmt.Sprintf(format, args...))
}

func (c cells) missing(column, why string) error {
	return fmt.Errorf("the benchmark %s, row %d: it has no %q, needed %s it; it has: %s. Name the column that holds it", c.path, c.rec.Row, c.name(column), why, strings.Join(c.rec.Columns(), ", "))
}

// text is the text of a column that must be there.
func (c cells) text(column string) (string, error) {
	v, there := c.rec.Lookup(c.name(column))
	if !there {
		return "", c.missing(column, "to judge")
	}
	if v == nil {
		return "", c.errorf(column, "is null: give it a text, or take the row out")
	}
	text, ok := asText(v)
	if !ok {
		return "", c.errorf(column, "is %s, not a text", kind(v))
	}
	return text, nil
}

// optional is the text of a column, empty if it is absent or null.
func (c cells) optional(column string) (string, error) {
	v, there := c.rec.Lookup(c.name(column))
	if _, named := c.columns[column]; named && !there {
		return "", c.missing(column, "where the columns name")
	}
	if v == nil {
		return "", nil
	}
	text, ok := asText(v)
	if !ok {
		return "", c.errorf(column, "is %s, not a text", kind(v))
	}
	return text, nil
}

// kind names what is no text.
func kind(v any) string {
	switch v.(type) {
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "no finite number"
}

// asText takes numbers for text, too: answers such as 42 are often written so.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return "", false
}

// label is the label, in one of the forms that files have for truth.
func (c cells) label() (bool, error) {
	v, there := c.rec.Lookup(c.name("label"))
	if !there {
		return false, c.missing("label", "to score")
	}
	if b, ok := v.(bool); ok {
		return b, nil
	}
	text, _ := asText(v)
	switch strings.ToLower(text) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	if v == nil {
		return false, c.errorf("label", "is null: take rows without a label out")
	}
	return false, c.errorf("label", "is %q: write true or false, or 1 or 0", fmt.Sprint(v))
}

// rows makes the benchmark's rows of a file's.
func (c cells) rows(paired bool) ([]Row, error) {
	var row Row
	var err error
	for _, field := range []struct {
		to       *string
		column   string
		required bool
	}{
		{&row.Question, "question", true}, {&row.GroundTruth, "ground_truth", true},
		{&row.Source, "source", false}, {&row.Category, "category", false},
	} {
		if field.required {
			*field.to, err = c.text(field.column)
		} else {
			*field.to, err = c.optional(field.column)
		}
		if err != nil {
			return nil, err
		}
	}
	if strings.TrimSpace(row.GroundTruth) == "" {
		return nil, c.errorf("ground_truth", "is empty: nothing can be compared with it")
	}
	if simulated, _ := c.rec.Lookup("simulated"); simulated == true {
		row.Simulated = true
	}
	if row.ID, err = c.id(); err != nil {
		return nil, err
	}
	row.ID = c.prefix + row.ID
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(row.Question), " ")))
	row.Pair = hex.EncodeToString(sum[:8])
	if paired {
		return c.pair(row)
	}
	if row.Answer, err = c.text("answer"); err != nil {
		return nil, err
	}
	if row.Label, err = c.label(); err != nil {
		return nil, err
	}
	return []Row{row}, nil
}

// pair makes the correct and the wrong row of HardVerify-Math's layout.
func (c cells) pair(row Row) ([]Row, error) {
	fn, tn := row, row
	var err error
	if fn.Answer, err = c.text("fn_output"); err != nil {
		return nil, err
	}
	if tn.Answer, err = c.text("tn_output"); err != nil {
		return nil, err
	}
	fn.ID, fn.Label = row.ID+"/fn", true
	tn.ID, tn.Category = row.ID+"/tn", "" // a category is of the correct answer
	return []Row{fn, tn}, nil
}

// id is the row's own id; of our examples, which problem, which reply and which
// copy of it; else the row's number.
func (c cells) id() (string, error) {
	id, err := c.optional("id")
	if err != nil || id != "" {
		return id, err
	}
	problem, isExample := c.rec.Values["problem_id"].(string)
	origin, _ := c.rec.Values["origin"].(string)
	sample, numbered := c.rec.Values["sample"].(int64)
	if !isExample || !numbered {
		return strconv.FormatInt(c.rec.Row, 10), nil
	}
	id = fmt.Sprintf("%s/%s/%d", problem, origin, sample)
	if repeated, _ := c.rec.Values["copy"].(int64); repeated > 0 {
		id += fmt.Sprintf("/copy%d", repeated)
	}
	return id, nil
}
