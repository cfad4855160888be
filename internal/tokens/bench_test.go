package tokens

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"

	"tinyv/internal/shareddata"
)

// replies are real replies of models: prose with LaTeX.
func replies(b *testing.B) (texts []string, size int64) {
	b.Helper()
	f, err := os.Open(shareddata.Path(b, "data", "math-rollouts.jsonl.gz"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	decoder := json.NewDecoder(bufio.NewReader(z))
	for decoder.More() {
		var row struct{ Responses []string }
		if err := decoder.Decode(&row); err != nil {
			b.Fatal(err)
		}
		for _, text := range row.Responses {
			texts = append(texts, text)
			size += int64(len(text))
		}
	}
	return texts, size
}

func forBench(b *testing.B) *Tokenizer {
	b.Helper()
	if *tokenizerPath == "" {
		return load(b, "qwen")
	}
	tok, err := Load(*tokenizerPath)
	if err != nil {
		b.Fatal(err)
	}
	return tok
}

// BenchmarkCount counts with the words of earlier texts in the cache, as a long run does.
func BenchmarkCount(b *testing.B) {
	tok := forBench(b)
	texts, size := replies(b)
	b.SetBytes(size)
	for b.Loop() {
		for _, text := range texts {
			tok.Count(text)
		}
	}
}

// BenchmarkCold counts with an empty cache.
func BenchmarkCold(b *testing.B) {
	tok := forBench(b)
	texts, size := replies(b)
	b.SetBytes(size)
	for b.Loop() {
		tok.cache = newCache()
		for _, text := range texts {
			tok.Count(text)
		}
	}
}

func BenchmarkBound(b *testing.B) {
	texts, size := replies(b)
	b.SetBytes(size)
	for b.Loop() {
		for _, text := range texts {
			Bound(text)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	path := *tokenizerPath
	if path == "" {
		path = "testdata/qwen.json"
	}
	for b.Loop() {
		if _, err := Load(path); err != nil {
			b.Fatal(err)
		}
	}
}
