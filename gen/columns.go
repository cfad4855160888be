package gen

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tinyv/internal/rows"
)

// candidates lists, for every column, the names it is looked for under, in
// order, when the config does not name it: the published layouts (Big-Math,
// TinyV), then those of RL trainers.
var candidates = map[string][]string{
	"problem_id":         {"problem_id"},
	"question":           {"question", "problem", "extra_info.question"},
	"ground_truth":       {"ground_truth", "answer", "reward_model.ground_truth"},
	"source":             {"source"},
	"domain":             {"domain"},
	"llama8b_solve_rate": {"llama8b_solve_rate"},
	"response":           {"response"},
	"responses":          {"responses"},
	"sample":             {"sample"},
	"model":              {"model"},
	"finish_reason":      {"finish_reason"},
	"known_correct":      {"known_correct"},
}

// The reasons for which input rows are dropped.
const (
	reasonBadRow           = "bad_row"           // not a JSON object, or not UTF-8
	reasonBadType          = "bad_type"          // a column holds something else than it should
	reasonNoQuestion       = "no_question"       // absent, null or empty
	reasonNoGroundTruth    = "no_ground_truth"   // absent, null or empty
	reasonNoMarker         = "no_marker"         // ground_truth_after does not occur in the ground truth
	reasonNoResponse       = "no_response"       // absent or null
	reasonDuplicateProblem = "duplicate_problem" // the question came before
	reasonSelfTest         = "self_test_failed"  // the rule verifier refuses the ground truth itself
)

// columns finds our columns in foreign rows.
type columns struct {
	in      Input
	section string // of the config, for messages: problems or gen.import
}

// rowError is why one row is dropped.
type rowError struct{ reason, detail string }

func (e *rowError) Error() string { return e.reason + ": " + e.detail }

func badType(column string, v any, want string) error {
	return &rowError{reasonBadType, fmt.Sprintf("%s is %s, not %s", column, kind(v), want)}
}

// find returns the value of one of our columns and the path it was found at.
func (c *columns) find(r rows.Record, name string) (value any, path string) {
	if path, named := c.in.Columns[name]; named {
		v, _ := r.Lookup(path)
		return v, path
	}
	for _, path := range candidates[name] {
		if v, ok := r.Lookup(path); ok {
			return v, path
		}
	}
	return nil, ""
}

// require fails if the first row of the input lacks a column altogether: then
// it is the file that is wrong, not a row.
func (c *columns) require(r rows.Record, alternatives ...string) error {
	var looked []string
	for _, name := range alternatives {
		if path, named := c.in.Columns[name]; named {
			if _, ok := r.Lookup(path); ok {
				return nil
			}
			looked = append(looked, path)
			continue
		}
		for _, path := range candidates[name] {
			if _, ok := r.Lookup(path); ok {
				return nil
			}
			looked = append(looked, path)
		}
	}
	return fmt.Errorf("%s: no column for %s (looked for %s); the file has: %s. Name it in the config:\n  %s:\n    columns:\n      %s: NAME",
		c.in.Path, strings.Join(alternatives, " or "), strings.Join(looked, ", "), strings.Join(r.Columns(), ", "), c.section, alternatives[0])
}

// problem makes a Problem of a row. It returns the paths it used, so that the
// rest can pass through.
func (c *columns) problem(r rows.Record) (rows.Problem, []string, error) {
	var p rows.Problem
	var used []string
	text := func(name string) (string, error) {
		v, path := c.find(r, name)
		if path != "" {
			used = append(used, path)
		}
		return asText(name, v)
	}
	var err error
	if p.ProblemID, err = text("problem_id"); err != nil {
		return p, nil, err
	}
	if p.Source, err = text("source"); err != nil {
		return p, nil, err
	}
	if p.Question, err = text("question"); err != nil {
		return p, nil, err
	}
	if p.GroundTruth, err = text("ground_truth"); err != nil {
		return p, nil, err
	}

	domain, path := c.find(r, "domain")
	used = append(used, path)
	if p.Domain, err = asTexts("domain", domain); err != nil {
		return p, nil, err
	}
	rate, path := c.find(r, "llama8b_solve_rate")
	used = append(used, path)
	if p.SolveRate, err = asNumber("llama8b_solve_rate", rate); err != nil {
		return p, nil, err
	}

	if suffix := c.in.QuestionSuffix; suffix != "" {
		p.Question = strings.TrimSuffix(strings.TrimSpace(p.Question), suffix)
	}
	p.Question = strings.TrimSpace(p.Question)
	if p.Question == "" {
		return p, nil, &rowError{reasonNoQuestion, "the question is missing or empty"}
	}
	if marker := c.in.GroundTruthAfter; marker != "" {
		i := strings.LastIndex(p.GroundTruth, marker)
		if i < 0 && strings.TrimSpace(p.GroundTruth) != "" {
			return p, nil, &rowError{reasonNoMarker, fmt.Sprintf("ground_truth_after %q does not occur in the ground truth", marker)}
		}
		if i >= 0 {
			p.GroundTruth = p.GroundTruth[i+len(marker):]
		}
	}
	p.GroundTruth = strings.TrimSpace(p.GroundTruth)
	if p.GroundTruth == "" {
		return p, nil, &rowError{reasonNoGroundTruth, "the ground truth is missing or empty"}
	}
	if p.ProblemID == "" {
		p.ProblemID = problemID(p.Question, p.GroundTruth)
	}
	return p, used, nil
}

// problemID names a problem that came without a name by its content.
func problemID(question, groundTruth string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%s%s", len(question), question, groundTruth)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// questionKey stands for a question in the set of those seen: 16 bytes of its
// hash, white space aside. 40 bytes of memory per problem, set included.
type questionKey [16]byte

func keyOf(question string) questionKey {
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(question), " ")))
	return questionKey(sum[:16])
}

// asText returns a text; null is empty. Numbers count as text, since answers
// such as 42 are often written so in JSON.
func asText(column string, v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", badType(column, v, "text")
}

func asTexts(column string, v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "" {
			return nil, nil
		}
		return []string{v}, nil
	case []any:
		texts := make([]string, 0, len(v))
		for _, element := range v {
			s, ok := element.(string)
			if !ok {
				return nil, badType(column, element, "a list of texts")
			}
			texts = append(texts, s)
		}
		return texts, nil
	}
	return nil, badType(column, v, "a list of texts")
}

func asNumber(column string, v any) (*float64, error) {
	var x float64
	switch v := v.(type) {
	case nil:
		return nil, nil
	case float64:
		x = v
	case int64:
		x = float64(v)
	case json.Number:
		var err error
		if x, err = v.Float64(); err != nil {
			return nil, badType(column, v, "a number")
		}
	case string: // Big-Math's null is an empty text in some copies
		if v == "" {
			return nil, nil
		}
		return nil, badType(column, v, "a number")
	default:
		return nil, badType(column, v, "a number")
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil, nil
	}
	return &x, nil
}

func asInt32(column string, v any) (int32, error) {
	x, err := asNumber(column, v)
	if err != nil || x == nil {
		return 0, err
	}
	if *x != math.Trunc(*x) || *x < 0 || *x > math.MaxInt32 {
		return 0, badType(column, v, "a whole number, 0 or more")
	}
	return int32(*x), nil
}

func asBool(column string, v any) (*bool, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case bool:
		return &v, nil
	}
	return nil, badType(column, v, "true or false")
}

func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "a truth value"
	case json.Number, float64, int64:
		return fmt.Sprintf("the number %v", v)
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("a %T", v)
}

// extra returns the input's other columns as they pass through.
func extra(r rows.Record, used []string) (string, error) {
	used = slices.DeleteFunc(used, func(path string) bool { return path == "" })
	return r.Extra(used...)
}
