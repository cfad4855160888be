package sim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// batchLine is where a request of a batch stands in the input, and its fate.
type batchLine struct {
	offset int64
	length int32
	fate   fate
}

// batchRequest is a line of the input of a batch.
type batchRequest struct {
	CustomID string          `json:"custom_id"`
	Method   string          `json:"method"`
	URL      string          `json:"url"`
	Body     json.RawMessage `json:"body"`
}

// maxBatchErrors is how many mistakes of an input are told.
const maxBatchErrors = 100

// readBatch reads the input of a batch: where its requests are, and what is wrong
// with them, at most maxBatchErrors.
func readBatch(input io.Reader, most int, fateOf func(customID string) fate) ([]batchLine, []batchError, error) {
	var lines []batchLine
	var mistakes []batchError
	var next, start int64
	scanner := bufio.NewScanner(input)
	scanner.Buffer(make([]byte, 64<<10), maxBody)
	scanner.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		advance, token, err := bufio.ScanLines(data, atEOF)
		start = next
		next += int64(advance)
		return advance, token, err
	})
	v := validator{seen: map[string]int{}}
	for number := 1; len(mistakes) < maxBatchErrors && scanner.Scan(); number++ {
		request, mistake := v.check(scanner.Bytes(), number)
		if mistake != nil {
			mistakes = append(mistakes, *mistake)
			continue
		}
		if number > most {
			mistakes = append(mistakes, mistakeAt(number, "too_many_requests", "", fmt.Sprintf("the input has more than %d requests; split it", most)))
			break
		}
		lines = append(lines, batchLine{start, int32(len(scanner.Bytes())), fateOf(request.CustomID)})
	}
	switch err := scanner.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		mistakes = append(mistakes, mistakeAt(len(lines)+len(mistakes)+1, "invalid_json_line", "", fmt.Sprintf("the line is longer than %d MiB", maxBody>>20)))
	case err != nil:
		return nil, nil, fmt.Errorf("reading the input of a batch: %w", err)
	case len(lines) == 0 && len(mistakes) == 0:
		mistakes = append(mistakes, batchError{Code: "empty_file", Message: "the input file is empty; it takes one request a line"})
	}
	return lines, mistakes, nil
}

// validator checks the lines of an input one after the other.
type validator struct {
	seen  map[string]int // line of each custom_id
	model string         // of the first request
}

func (v *validator) check(line []byte, number int) (batchRequest, *batchError) {
	var r batchRequest
	wrong := func(code, param, format string, args ...any) (batchRequest, *batchError) {
		m := mistakeAt(number, code, param, fmt.Sprintf(format, args...))
		return r, &m
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return wrong("invalid_json_line", "", "This line is not parseable as valid JSON: %s", excerpt(err.Error()))
	}
	var body struct {
		Model string `json:"model"`
	}
	switch {
	case r.CustomID == "":
		return wrong("missing_required_parameter", "custom_id", "custom_id is missing")
	case r.Method != "POST":
		return wrong("invalid_method", "method", "method is %q; it must be POST", excerpt(r.Method))
	case r.URL != chatPath:
		return wrong("invalid_url", "url", "url is %q; it must be the endpoint of the batch, %s", excerpt(r.URL), chatPath)
	case len(r.Body) == 0 || json.Unmarshal(r.Body, &body) != nil:
		return wrong("invalid_request", "body", "body is missing or no chat request")
	}
	if first, ok := v.seen[r.CustomID]; ok {
		return wrong("duplicate_custom_id", "custom_id", "custom_id %q is that of line %d too", excerpt(r.CustomID), first)
	}
	v.seen[r.CustomID] = number
	if v.model == "" {
		v.model = body.Model
	}
	if body.Model != v.model {
		return wrong("mismatched_model", "body.model", "the model is %q, that of the batch is %q; a batch is for one", excerpt(body.Model), excerpt(v.model))
	}
	return r, nil
}

func mistakeAt(line int, code, param, text string) batchError {
	e := batchError{Code: code, Message: text, Line: &line}
	if param != "" {
		e.Param = &param
	}
	return e
}
