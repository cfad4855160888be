package rows

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// replies makes rows with replies of some 3 kB, of words of a Zipf law, so that
// they compress about as prose does; and the bytes of their text.
func replies(n int) (rows []Response, text int64) {
	random := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(random, 1.1, 8, 5000)
	words := func(n int) string {
		var s strings.Builder
		for range n {
			fmt.Fprintf(&s, "w%x ", zipf.Uint64()*2654435761%1048576)
		}
		return s.String()
	}
	rate, no := 0.25, false
	rows = make([]Response, n)
	for i := range rows {
		boxed := fmt.Sprint(random.IntN(1000))
		rows[i] = Response{
			ProblemID: fmt.Sprintf("%016x", i/4), Source: "big_math", Domain: []string{"Mathematics -> Algebra -> Other"},
			Question: words(40), GroundTruth: boxed, SolveRate: &rate, Sample: int32(i % 4), Model: "a-model-7b", Response: words(500),
			FinishReason: "stop", PromptTokens: 60, CompletionTokens: 700, Boxed: &boxed, Extracted: boxed, Rule: "prime",
			RuleCorrect: &no, RuleReason: "unequal",
		}
		r := &rows[i]
		text += int64(len(r.ProblemID) + len(r.Source) + len(r.Domain[0]) + len(r.Question) + len(r.GroundTruth) + len(r.Model) +
			len(r.Response) + len(r.FinishReason) + 2*len(boxed) + len(r.Rule) + len(r.RuleReason))
	}
	return rows, text
}

func BenchmarkWrite(b *testing.B) {
	rows, text := replies(10_000)
	for _, ext := range ownFormats {
		b.Run(ext, func(b *testing.B) {
			b.SetBytes(text)
			for b.Loop() {
				writeAll(b, b.TempDir(), ext, 0, rows)
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	benchmarkReading(b, func(path string) (n int, err error) {
		for _, err = range Read[Response](path) {
			n++
		}
		return n, err
	})
}

func BenchmarkRecords(b *testing.B) {
	benchmarkReading(b, func(path string) (n int, err error) {
		for _, err = range Records(path) {
			n++
		}
		return n, err
	})
}

func benchmarkReading(b *testing.B, read func(path string) (int, error)) {
	rows, text := replies(10_000)
	for _, ext := range ownFormats {
		b.Run(ext, func(b *testing.B) {
			dir := b.TempDir()
			writeAll(b, dir, ext, 0, rows)
			b.SetBytes(text)
			b.ReportAllocs()
			for b.Loop() {
				if n, err := read(dir); n != len(rows) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
