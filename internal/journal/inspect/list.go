package inspect

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tinyv/internal/journal"
)

// Filter says which replies List prints.
type Filter struct {
	Model string    // identity, or what the server calls itself; "" = any
	Since time.Time // the earliest; zero = any
	Limit int       // at most so many; 0 = all
}

func (f Filter) takes(r journal.Reply) bool {
	return (f.Model == "" || f.Model == r.Identity || f.Model == r.Model) && !r.Time.Before(f.Since)
}

// ParseSince reads a time (2026-11-21, 2026-11-21T10:00:00Z) or a duration before
// now (90m, 24h).
func ParseSince(s string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time; give a date (2026-11-21), a time (2026-11-21T10:00:00Z) or how long ago (24h)", s)
}

const keyDigits = 16 // of 64; enough to name a record in any journal

// List prints one line for each reply that counts, in the order in which they
// were kept, and on notes what could not be read.
func List(dir string, f Filter, w, notes io.Writer) error {
	r, err := journal.OpenReader(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := fmt.Fprintf(w, "%-*s  %-20s  %-24s  %-14s  %8s  %8s  %10s  %s\n", keyDigits, "key", "time", "model", "finish", "in", "out", "cost", "content"); err != nil {
		return err
	}
	listed, damaged := 0, 0
	for rec, err := range r.All() {
		if damage := (*journal.Damage)(nil); errors.As(err, &damage) {
			damaged++
			continue
		}
		if err != nil {
			return fmt.Errorf("listing the journal %q: %w", dir, err)
		}
		if rec.Superseded || !f.takes(rec.Reply) {
			continue
		}
		if err := listOne(w, rec); err != nil {
			return err
		}
		if listed++; listed == f.Limit {
			break
		}
	}
	if damaged > 0 {
		_, err = fmt.Fprintf(notes, "%d damaged places are left out; tinyv journal verify names them\n", damaged)
	}
	return err
}

func listOne(w io.Writer, rec journal.Record) error {
	r := rec.Reply
	model := cut(name(r), 24)
	if r.Simulated && !strings.HasPrefix(model, "simulated") {
		model = cut("simulated: "+name(r), 24)
	}
	price := "-"
	if r.CostUSD != nil {
		price = fmt.Sprintf("$%.6f", *r.CostUSD)
	}
	_, err := fmt.Fprintf(w, "%s  %s  %-24s  %-14s  %8d  %8d  %10s  %s\n", rec.Key.String()[:keyDigits], r.Time.UTC().Format(time.RFC3339), model,
		cut(r.FinishReason, 14), r.PromptTokens, r.CompletionTokens, price, cut(r.Content, 60))
	return err
}

// Get prints the one reply whose key begins with prefix, as JSON.
func Get(dir, prefix string, w io.Writer) error {
	r, err := journal.OpenReader(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	const most = 10
	keys, err := r.Find(prefix, most+1)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return fmt.Errorf("no reply of the journal %q has a key that begins with %s; tinyv journal ls lists them", dir, prefix)
	}
	if len(keys) > 1 {
		more := ""
		if len(keys) > most {
			keys, more = keys[:most], "\n  and more"
		}
		var names strings.Builder
		for _, k := range keys {
			names.WriteString("\n  " + k.String())
		}
		return fmt.Errorf("%s could be several keys; give more digits:%s%s", prefix, &names, more)
	}
	reply, _, err := r.Get(keys[0])
	if err != nil {
		return err
	}
	data, err := cleanJSON(exported{keys[0].String(), reply})
	if err != nil {
		return fmt.Errorf("printing %s: %w", keys[0], err)
	}
	_, err = w.Write(data)
	return err
}
