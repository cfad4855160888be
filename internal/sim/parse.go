package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The texts of `tinyv sim`'s flags are lists like "rate=0.1,seed=1": names with
// values, each at most once.

// ParseFaults reads what --faults says, such as
// "rate=0.1,kinds=reset+429:3+hang,seed=1,tries=2". A kind may have a weight after
// a colon; "all" is every kind.
func ParseFaults(text string) (Faults, error) {
	var f Faults
	err := parseList(text, map[string]func(string) error{
		"rate": share(&f.Rate),
		"seed": func(v string) (err error) { f.Seed, err = strconv.ParseUint(v, 10, 64); return err },
		"kinds": func(v string) error {
			for kind := range strings.SplitSeq(v, "+") {
				if kind == "all" {
					for _, each := range FaultKinds() {
						f.Kinds = append(f.Kinds, Fault{Kind: each})
					}
					continue
				}
				name, weight, weighted := strings.Cut(kind, ":")
				one := Fault{Kind: name}
				if weighted {
					var err error
					if one.Weight, err = strconv.ParseFloat(weight, 64); err != nil || !(one.Weight > 0) {
						return fmt.Errorf("the weight %q is not a number above 0", excerpt(weight))
					}
				}
				f.Kinds = append(f.Kinds, one)
			}
			return nil
		},
		"tries": whole(&f.Tries), "retry_after": span(&f.RetryAfter), "hold": span(&f.Hold), "slow": span(&f.Slow),
	})
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return Faults{}, err
	}
	return f, nil
}

// ParseLimits reads what --limits says, such as
// "requests=600,tokens=100000,in_flight=64".
func ParseLimits(text string) (Limits, error) {
	var l Limits
	err := parseList(text, map[string]func(string) error{"requests": whole(&l.Requests), "tokens": whole(&l.Tokens), "in_flight": whole(&l.InFlight)})
	if err != nil {
		return Limits{}, err
	}
	return l, nil
}

// ParseBatch reads what --batch says, such as
// "validating=1s,in_progress=10s,finalizing=1s,expired=0.1,dir=DIR".
func ParseBatch(text string) (Batch, error) {
	var b Batch
	err := parseList(text, map[string]func(string) error{
		"validating": span(&b.Validating), "in_progress": span(&b.InProgress), "finalizing": span(&b.Finalizing),
		"expired": share(&b.Expired), "failed_500": share(&b.Failed500), "failed_429": share(&b.Failed429), "failed_400": share(&b.Failed400),
		"dir": func(v string) error { b.Dir = v; return nil },
	})
	if err == nil {
		err = b.check()
	}
	if err != nil {
		return Batch{}, err
	}
	return b, nil
}

// ParseContextLength reads what --context-length says: "4096", or "4096:vllm" for
// errors in vLLM's words.
func ParseContextLength(text string) (length int, vllm bool, err error) {
	number, words, worded := strings.Cut(text, ":")
	if length, err = strconv.Atoi(number); err != nil || length < 1 || worded && words != "vllm" && words != "openai" {
		return 0, false, fmt.Errorf("%q is no context length; write 4096, or 4096:vllm for errors in vLLM's words", excerpt(text))
	}
	return length, words == "vllm", nil
}

// ParseReasoning reads what --reasoning says: "field" or "tags".
func ParseReasoning(text string) (Reasoning, error) {
	switch way := Reasoning(text); way {
	case ReasoningField, ReasoningTags:
		return way, nil
	}
	return NoReasoning, fmt.Errorf("%q is no way of showing reasoning; write %s for reasoning_content, or %s for <think>…</think>", excerpt(text), ReasoningField, ReasoningTags)
}

// parseList gives each value of "name=value,name=value" to its setter.
func parseList(text string, setters map[string]func(string) error) error {
	seen := map[string]bool{}
	for item := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(item, "=")
		set := setters[name]
		if !ok || set == nil {
			known := make([]string, 0, len(setters))
			for name := range setters {
				known = append(known, name+"=…")
			}
			slices.Sort(known)
			return fmt.Errorf("%q is none of %s; they are separated by commas", excerpt(item), strings.Join(known, ", "))
		}
		if seen[name] {
			return fmt.Errorf("%s is given twice", name)
		}
		seen[name] = true
		if err := set(value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func share(to *float64) func(string) error {
	return func(v string) error {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || !(f >= 0 && f <= 1) {
			return fmt.Errorf("%q is not a share from 0 to 1", excerpt(v))
		}
		*to = f
		return nil
	}
}

func whole(to *int) func(string) error {
	return func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is not a whole number from 1 on", excerpt(v))
		}
		*to = n
		return nil
	}
}

func span(to *time.Duration) func(string) error {
	return func(v string) error {
		d, ok := parseTime(v)
		if !ok {
			return fmt.Errorf("%q is not a time such as 500ms or 2s", excerpt(v))
		}
		*to = d
		return nil
	}
}
