package journal

import (
	"bytes"
	"flag"
	"log/slog"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// The journal is a map, whatever puts, sealing, reopenings, compactions and lost
// indexes come between.
func TestIsAMap(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	root := t.TempDir()
	checkFew(t, func(t *rapid.T) {
		dir, err := mkdirTemp(root)
		if err != nil {
			t.Fatal(err)
		}
		limit := int64(rapid.IntRange(300, 5000).Draw(t, "limit"))
		reopen := func() *Journal {
			j, err := open(dir, quiet, limit)
			if err != nil {
				t.Fatal(err)
			}
			go j.write()
			return j
		}
		j := reopen()
		defer func() { j.Close() }()
		model := map[Key]Reply{}
		var totals Totals // of all that was put and not dropped by compaction
		check := func(g interface {
			getter
			Len() int
			Totals() Totals
		}) {
			if g.Len() != len(model) || g.Totals() != totals {
				t.Fatalf("Len %d, Totals %+v; want %d, %+v", g.Len(), g.Totals(), len(model), totals)
			}
			for i := range 31 {
				want, there := model[keyOf(i)]
				got, ok, err := g.Get(keyOf(i))
				if err != nil || ok != there || !reflect.DeepEqual(got, want) {
					t.Fatalf("Get(%d) = %v, %v, %v; want %v", i, got, ok, err, want)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				for range rapid.IntRange(1, 8).Draw(t, "puts") {
					r := replyOf(rapid.IntRange(0, 1000).Draw(t, "n"), rapid.IntRange(0, 900).Draw(t, "size"))
					if usd := rapid.IntRange(0, 64).Draw(t, "cost"); usd > 0 {
						r.CostUSD = new(float64(usd) / 64) // sums exactly in any order
					}
					key := keyOf(rapid.IntRange(0, 30).Draw(t, "key"))
					if err := j.Put(t.Context(), key, r); err != nil {
						t.Fatal(err)
					}
					model[key] = r
					totals.add(totalsOf(r.PromptTokens, r.CompletionTokens, r.CostUSD))
				}
			},
			"reopen": func(t *rapid.T) {
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = reopen()
			},
			"compact": func(t *rapid.T) {
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				if _, err := Compact(t.Context(), dir, quiet); err != nil {
					t.Fatal(err)
				}
				totals = Totals{}
				for _, r := range model {
					totals.add(totalsOf(r.PromptTokens, r.CompletionTokens, r.CostUSD))
				}
				j = reopen()
			},
			"lose an index": func(t *rapid.T) {
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				if err := removeIndex(dir, rapid.IntRange(0, 5).Draw(t, "index")); err != nil {
					t.Fatal(err)
				}
				j = reopen()
			},
			"read beside": func(t *rapid.T) {
				r, err := OpenReader(dir)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				check(r)
				last := map[Key]Reply{}
				for rec, err := range r.All() {
					if err != nil {
						t.Fatal(err)
					}
					if !rec.Superseded {
						last[rec.Key] = rec.Reply
					}
				}
				if !reflect.DeepEqual(last, model) {
					t.Fatalf("All yields %d replies, want %d", len(last), len(model))
				}
			},
			"": func(t *rapid.T) { check(j) },
		})
	})
}

// checkFew is rapid.Check for properties that wait for the disk: a tenth of the
// usual checks, unless -rapid.checks says how many.
func checkFew(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	checks := flag.Lookup("rapid.checks")
	if usual := checks.Value.String(); usual == checks.DefValue {
		if err := checks.Value.Set("10"); err != nil {
			t.Fatal(err)
		}
		defer checks.Value.Set(usual)
	}
	rapid.Check(t, property)
}

func FuzzParseLine(f *testing.F) {
	value, err := replyOf(1, 10).encode()
	if err != nil {
		f.Fatal(err)
	}
	line := appendLine(nil, keyOf(1), value)
	f.Add(line)
	f.Add(line[:len(line)-1])
	f.Add(bytes.Replace(line, []byte("crc32c"), []byte("CRC32C"), 1))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		key, value, err := parseLine(data)
		if err != nil {
			return
		}
		// Only what the journal itself writes is a record (hex digits in either case).
		if again := appendLine(nil, key, value); !bytes.EqualFold(again, data) {
			t.Errorf("%q was read, and is written %q", data, again)
		}
	})
}

func FuzzParseIndex(f *testing.F) {
	recent := map[Key]span{keyOf(1): {0, 200}, keyOf(2): {200, 300}}
	for _, frames := range [][]frame{nil, {{0, 0, 90, 500}}} {
		data, err := newIndex("journal-00000.jsonl", 500, recent, frames, Totals{Replies: 2}).encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:len(data)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		// The checksum is given: without it no input would come past it.
		x, err := parseIndex(bytes.Clone(sealed(body)))
		if err != nil {
			return
		}
		for i := range x.head.Keys {
			x.find(Key(x.key(i)))
			x.frameOf(x.span(i).off)
		}
		x.find(keyOf(1))
		data, err := x.encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseIndex(data); err != nil || !again.equal(x) {
			t.Errorf("%+v is read back as %+v, %v", x, again, err)
		}
	})
}

func FuzzFrame(f *testing.F) {
	var packed bytes.Buffer
	w, err := newFrameWriter(&packed)
	if err != nil {
		f.Fatal(err)
	}
	for range 3 {
		if _, err := w.line([]byte("a line\n")); err != nil {
			f.Fatal(err)
		}
		if err := w.flush(); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(packed.Bytes())
	f.Add(append([]byte("junk"), packed.Bytes()...))
	d, err := newDecoder()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(d.Close)
	f.Fuzz(func(t *testing.T, data []byte) {
		size := int64(len(data))
		if size == 0 {
			return
		}
		file := bytes.NewReader(data)
		if n, err := frameLength(file, 0, size); err == nil && (n <= 0 || n > size) {
			t.Errorf("a frame of %d bytes in %d", n, size)
		}
		next, err := nextFrame(file, 0, size)
		if err != nil || next < 0 || next > size || next < size && !bytes.HasPrefix(data[next:], []byte(zstdMagic)) {
			t.Errorf("next frame at %d of %d, %v", next, size, err)
		}
	})
}

// The numbers that are skimmed from a record are those that encoding/json reads.
func TestTallyReadsWhatJSONReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Reply{
			Content: rapid.String().Draw(t, "content"), Reasoning: rapid.StringOf(rapid.SampledFrom([]rune(`\"{}[],:a`))).Draw(t, "reasoning"),
			PromptTokens: rapid.Int64().Draw(t, "prompt"), CompletionTokens: rapid.Int64().Draw(t, "completion"),
			LatencyMS: rapid.Float64Range(0, 1e9).Draw(t, "latency"), Simulated: rapid.Bool().Draw(t, "simulated"),
		}
		if rapid.Bool().Draw(t, "priced") {
			r.CostUSD = new(rapid.Float64Range(0, 1e30).Draw(t, "cost"))
		}
		if rapid.Bool().Draw(t, "logprobs") {
			r.Logprobs = []byte(`{"content":[{"token":"}\"","prompt_tokens":7,"cost_usd":[1,{}]}],"prompt_tokens":9}`)
		}
		value, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, ok := skim(value); !ok {
			t.Fatalf("%s goes the slow way", value)
		}
		if got, want := tally(value), totalsOf(r.PromptTokens, r.CompletionTokens, r.CostUSD); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
	for value, want := range map[string]Totals{
		`{"prompt_tokens": 3, "cost_usd":2.5}`: {Replies: 1, PromptTokens: 3, CostUSD: 2.5},
		`{}`:                                   {Replies: 1, Unpriced: 1},
		`[1]`:                                  {Replies: 1, Unpriced: 1},
		`"`:                                    {Replies: 1, Unpriced: 1},
		`{"a`:                                  {Replies: 1, Unpriced: 1},
		`{"prompt_tokens":1.5,"cost_usd":1}`:   {Replies: 1, CostUSD: 1},
		`{"cost_usd":null,"prompt_tokens":4}`:  {Replies: 1, Unpriced: 1, PromptTokens: 4},
	} {
		if got := tally([]byte(value)); got != want {
			t.Errorf("%s: %+v, want %+v", value, got, want)
		}
	}
}

func TestIndexOfKeysThatAreNoHashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		recent := map[Key]span{}
		key := rapid.Custom(func(t *rapid.T) Key {
			return Key{0: rapid.Byte().Draw(t, "first"), 1: rapid.Byte().Draw(t, "second"), 31: rapid.Byte().Draw(t, "last")}
		})
		for i, k := range rapid.SliceOfN(key, 0, 50).Draw(t, "keys") {
			recent[k] = span{int64(i), int32(i)}
		}
		x := newIndex("x", 0, recent, nil, Totals{})
		for k, want := range recent {
			if got, ok := x.find(k); !ok || got != want {
				t.Fatalf("find(%s) = %v, %v; want %v", k, got, ok, want)
			}
		}
		other := key.Draw(t, "other")
		if _, there := recent[other]; !there {
			if _, ok := x.find(other); ok {
				t.Fatalf("%s was found", other)
			}
		}
		y := newIndex("y", 0, map[Key]span{other: {}}, nil, Totals{})
		want := len(recent)
		if _, there := recent[other]; !there {
			want++
		}
		if got := countKeys([]*index{x, y, x}); got != want {
			t.Fatalf("countKeys = %d, want %d", got, want)
		}
	})
}

// Totals lets tests ask a Reader what they ask a Journal.
func (r *Reader) Totals() Totals { return r.store.totals }
