package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"tinyv/internal/journal"
)

// Stats sums a journal up.
type Stats struct {
	Dir           string  `json:"dir"`
	Segments      int     `json:"segments"`
	Keys          int     `json:"keys"`
	Duplicates    int64   `json:"duplicates"` // replies that a later one of the same key supersedes
	Damaged       int64   `json:"damaged"`    // places that hold no reply though they should
	Simulated     int64   `json:"simulated"`
	Bytes         int64   `json:"bytes"` // on disk
	BytesPerReply float64 `json:"bytes_per_reply"`
	journal.Totals
	First        *time.Time `json:"first"` // nil = no reply
	Last         *time.Time `json:"last"`
	Identity     []Group    `json:"identity"`
	Host         []Group    `json:"host"`
	FinishReason []Group    `json:"finish_reason"`
}

// Group is the replies that have something in common.
type Group struct {
	Name string `json:"name"`
	journal.Totals
}

// Summarize reads the whole journal in dir.
func Summarize(dir string) (*Stats, error) {
	r, err := journal.OpenReader(dir)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	s := &Stats{Dir: dir}
	s.Segments, s.Bytes = r.Size()
	identity, host, finish := groups{}, groups{}, groups{}
	for rec, err := range r.All() {
		if damage := (*journal.Damage)(nil); errors.As(err, &damage) {
			s.Damaged++
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("summing up the journal %q: %w", dir, err)
		}
		s.count(rec)
		identity.add(name(rec.Reply), rec.Reply)
		host.add(rec.Reply.Host, rec.Reply)
		finish.add(rec.Reply.FinishReason, rec.Reply)
	}
	s.Keys = r.Len()
	if s.Replies > 0 {
		s.BytesPerReply = float64(s.Bytes) / float64(s.Replies)
	}
	s.Identity, s.Host, s.FinishReason = identity.sorted(), host.sorted(), finish.sorted()
	return s, nil
}

func (s *Stats) count(rec journal.Record) {
	s.Totals = plus(s.Totals, rec.Reply)
	if rec.Superseded {
		s.Duplicates++
	}
	if rec.Reply.Simulated {
		s.Simulated++
	}
	t := rec.Reply.Time
	if t.IsZero() {
		return
	}
	if s.First == nil || t.Before(*s.First) {
		s.First = &t
	}
	if s.Last == nil || t.After(*s.Last) {
		s.Last = &t
	}
}

// name is what a reply's model is known by; old journals have only what the
// server called itself.
func name(r journal.Reply) string { return cmp.Or(r.Identity, r.Model) }

func plus(t journal.Totals, r journal.Reply) journal.Totals {
	t.Replies++
	t.PromptTokens += r.PromptTokens
	t.CompletionTokens += r.CompletionTokens
	if r.CostUSD == nil {
		t.Unpriced++
	} else {
		t.CostUSD += *r.CostUSD
	}
	return t
}

// groupsMost bounds the memory that names made up by a server can take.
const groupsMost = 10_000

const others = "(others)"

type groups map[string]journal.Totals

func (g groups) add(name string, r journal.Reply) {
	if _, known := g[name]; !known && len(g) >= groupsMost {
		name = others
	}
	g[name] = plus(g[name], r)
}

func (g groups) sorted() []Group {
	list := make([]Group, 0, len(g))
	for _, name := range slices.Sorted(maps.Keys(g)) {
		list = append(list, Group{name, g[name]})
	}
	slices.SortStableFunc(list, func(a, b Group) int { return cmp.Compare(b.Replies, a.Replies) })
	return list
}

// JSON writes the sums as JSON.
func (s *Stats) JSON(w io.Writer) error {
	data, err := cleanJSON(s)
	if err != nil {
		return fmt.Errorf("encoding the sums: %w", err)
	}
	_, err = w.Write(data)
	return err
}

// Text writes the sums for people.
func (s *Stats) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	line("journal", "%s", clean(s.Dir))
	line("replies", "%d", s.Replies)
	if s.Simulated > 0 {
		line("simulated", "%d (from the simulated server, not a model)", s.Simulated)
	}
	line("keys", "%d", s.Keys)
	line("duplicates", "%d", s.Duplicates)
	if s.Damaged > 0 {
		line("damaged", "%d (tinyv journal verify names them)", s.Damaged)
	}
	line("on disk", "%d bytes in %d segments, %.0f a reply", s.Bytes, s.Segments, s.BytesPerReply)
	line("tokens", "%d in, %d out", s.PromptTokens, s.CompletionTokens)
	line("cost", "%s", cost(s.Totals))
	if s.First != nil {
		line("first", "%s", s.First.Format(time.RFC3339))
		line("last", "%s", s.Last.Format(time.RFC3339))
	}
	for _, by := range []struct {
		title  string
		groups []Group
	}{{"model", s.Identity}, {"host", s.Host}, {"finish reason", s.FinishReason}} {
		fmt.Fprintf(t, "\n%s\treplies\ttokens in\ttokens out\tcost\n", by.title)
		for _, g := range by.groups {
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\n", cmp.Or(cut(g.Name, 100), "(none)"), g.Replies, g.PromptTokens, g.CompletionTokens, cost(g.Totals))
		}
	}
	return t.Flush()
}

func cost(t journal.Totals) string {
	switch {
	case t.Unpriced == t.Replies:
		return "no price"
	case t.Unpriced > 0:
		return fmt.Sprintf("%s and %d without price", dollars(t.CostUSD), t.Unpriced)
	}
	return dollars(t.CostUSD)
}

func dollars(usd float64) string { return "$" + strconv.FormatFloat(usd, 'f', 4, 64) }
