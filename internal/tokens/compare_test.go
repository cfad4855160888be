package tokens

import (
	"bufio"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"
)

var (
	tokenizerPath = flag.String("tokenizer", "", "a tokenizer.json for TestCompare and the benchmarks, in place of the small one")
	compareIn     = flag.String("texts", "", "for TestCompare: JSON lines with a text each")
	compareOut    = flag.String("ids", "", "for TestCompare: where to write the tokens of each text and its bound")
)

// TestCompare is testdata/check_tokens.py's way to the package.
func TestCompare(t *testing.T) {
	if *compareIn == "" {
		t.Skip("run by testdata/check_tokens.py, with -tokenizer, -texts and -ids")
	}
	tok, err := Load(*tokenizerPath)
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(*compareIn)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(*compareOut)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w := bufio.NewWriter(out)
	encoder, decoder := json.NewEncoder(w), json.NewDecoder(bufio.NewReader(in))
	var spent time.Duration
	for decoder.More() {
		var text string
		if err := decoder.Decode(&text); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		ids := encoded(tok, text)
		spent += time.Since(start)
		if err := encoder.Encode(map[string]any{"ids": ids, "count": tok.Count(text), "bound": Bound(text)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("Encode took %.3f s", spent.Seconds())
}
