package rows

import (
	"fmt"
	"iter"
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

// An annotation and an example of some 400 bytes of text, as the published set
// has them: several rows of one problem follow one another.
func annotations(n int) (rows []Annotation) {
	random := rand.New(rand.NewPCG(3, 4))
	rows = make([]Annotation, n)
	var problem Annotation
	for i := range rows {
		if i%4 == 0 {
			problem = Annotation{
				ProblemID: fmt.Sprintf("%016x", random.Uint64()), Source: "big_math", Domain: []string{"Mathematics -> Algebra -> Other"},
				Question: prose(random, 25), GroundTruth: fmt.Sprint(random.IntN(1000)), Rule: "prime", Origin: OriginSampled,
			}
		}
		label, decided := random.IntN(2) == 0, random.IntN(10) > 0
		a := problem
		a.Sample, a.Answer, a.LabelReason = int32(i%4), fmt.Sprintf(`\frac{%d}{%d}`, random.IntN(1000), random.IntN(1000)), "majority"
		a.Extracted = a.Answer
		if decided {
			a.Label = &label
		}
		a.Votes = []AnnotatorVote{{Annotator: "judge", Model: "a-model-7b", Correct: a.Label, Reason: "same", Reply: prose(random, 10), FinishReason: "stop",
			PromptSHA256: fmt.Sprintf("%016x", random.Uint64()), PromptTokens: 200, CompletionTokens: 30}}
		rows[i] = a
	}
	return rows
}

func examples(n int) (rows []Example) {
	random := rand.New(rand.NewPCG(5, 6))
	for i, a := range annotations(n) {
		rows = append(rows, Example{
			ProblemID: a.ProblemID, Source: a.Source, Domain: a.Domain, Question: a.Question + prose(random, 15), GroundTruth: a.GroundTruth,
			Sample: a.Sample, Answer: a.Answer, Label: i%2 == 0, Origin: a.Origin, Kind: "", Category: "format",
		})
	}
	return rows
}

func prose(random *rand.Rand, n int) string {
	var s strings.Builder
	for range n {
		fmt.Fprintf(&s, "w%x ", random.Uint64N(1+random.Uint64N(1<<20)))
	}
	return s.String()
}

// conversation is a row of the files that LLaMA-Factory reads.
type conversation struct {
	Conversations []turn `json:"conversations" parquet:"conversations,list"`
}

type turn struct {
	From  string `json:"from" parquet:"from"`
	Value string `json:"value" parquet:"value"`
}

func conversations(n int) (rows []conversation) {
	for _, e := range examples(n) {
		rows = append(rows, conversation{[]turn{{"human", "Question: " + e.Question + "\nGround truth: " + e.GroundTruth + "\nAnswer: <" + e.Answer + ">\n"}, {"gpt", "True"}}})
	}
	return rows
}

func BenchmarkWriteRows(b *testing.B) {
	b.Run("Example/parquet", func(b *testing.B) { benchmarkWriting(b, "parquet", examples(200_000)) })
	b.Run("Annotation/parquet", func(b *testing.B) { benchmarkWriting(b, "parquet", annotations(200_000)) })
	b.Run("Example/jsonl", func(b *testing.B) { benchmarkWriting(b, "jsonl", examples(200_000)) })
	b.Run("conversation/jsonl", func(b *testing.B) { benchmarkWriting(b, "jsonl", conversations(200_000)) })
}

func benchmarkWriting[T any](b *testing.B, ext string, rows []T) {
	for b.Loop() {
		writeAll(b, b.TempDir(), ext, 0, rows)
	}
	b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkReadRows(b *testing.B) {
	b.Run("Example", func(b *testing.B) { benchmarkRows(b, examples, Read[Example]) })
	b.Run("Annotation", func(b *testing.B) { benchmarkRows(b, annotations, Read[Annotation]) })
	b.Run("Annotation/columns", func(b *testing.B) { benchmarkRows(b, annotations, ReadColumns[verdict]) })
}

// verdict is what of an annotation does not grow with the replies.
type verdict struct {
	ProblemID   string   `parquet:"problem_id" json:"problem_id"`
	Source      string   `parquet:"source" json:"source"`
	Domain      []string `parquet:"domain,list" json:"domain"`
	Question    string   `parquet:"question" json:"question"`
	GroundTruth string   `parquet:"ground_truth" json:"ground_truth"`
	Answer      string   `parquet:"answer" json:"answer"`
	Label       *bool    `parquet:"label,optional" json:"label"`
	Origin      string   `parquet:"origin" json:"origin"`
	Kind        string   `parquet:"kind" json:"kind"`
}

func benchmarkRows[T, Row any](b *testing.B, make func(n int) []T, read func(path string) iter.Seq2[Row, error]) {
	const want = 200_000
	dir := b.TempDir()
	writeAll(b, dir, "parquet", 0, make(want))
	for b.Loop() {
		n := 0
		for _, err := range read(dir) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != want {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(want*b.N)/b.Elapsed().Seconds(), "rows/s")
}
