package export

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"tinyv/internal/manifest"
	"tinyv/internal/stagetest/golden"
	"tinyv/internal/version"
)

var hashed = regexp.MustCompile("(?m)\\| `(data/[^`]+)` \\| (\\d+) \\| `([0-9a-f]{64})` \\|$")

// hostileCard is the card of a set whose every text attacks it.
func hostileCard(t *testing.T) (text, dir string) {
	t.Helper()
	in := hostile()
	for i, source := range []string{"big_math", "a | b\n---\n# Owned", "<script>alert(1)</script>", "![x](http://tracker)", "`code`", "", "big_math"} {
		in[i].Source = source
	}
	in[2].Origin = "made | <b>up</b>"
	_, dir, err := runTargets(t, in, Options{
		Seed: 3, Prompt: "```\n" + template + "\n````", System: "Be just.\n---\n# No", Dataset: "tinyv: \"x\"\n---\nlicense: mit",
		Funnel: "problems 300 -> 290\n```", Statistics: "True 50%\n",
	}, "hugging_face")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, CardFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(data), dir
}

func TestCardGolden(t *testing.T) {
	text, dir := hostileCard(t)
	files := hashed.FindAllStringSubmatch(text, -1)
	if len(files) != 3 {
		t.Fatalf("the card lists %d files, want 3:\n%s", len(files), text)
	}
	for _, f := range files {
		got, err := manifest.Hash(filepath.Join(dir, f[1]))
		if err != nil {
			t.Fatal(err)
		}
		if got.SHA256 != f[3] {
			t.Errorf("%s: the card's hash is %s, the file's is %s", f[1], f[3], got.SHA256)
		}
	}
	// Sizes and hashes change with the Parquet library, and the version with a release.
	text = hashed.ReplaceAllString(text, "| `$1` | BYTES | `SHA-256` |")
	text = regexp.MustCompile(`download_size: \d+`).ReplaceAllString(text, "download_size: BYTES")
	golden.Compare(t, "hostile."+CardFile, strings.Replace(text, markdown(version.String()), "VERSION", 1))
}

func TestCardHeader(t *testing.T) {
	text, _ := hostileCard(t)
	rest, ok := strings.CutPrefix(text, "---\n")
	header, body, closed := strings.Cut(rest, "\n---\n")
	if !ok || !closed {
		t.Fatalf("no header:\n%s", text)
	}
	var h struct {
		PrettyName string   `yaml:"pretty_name"`
		License    string   `yaml:"license"`
		Size       []string `yaml:"size_categories"`
		Info       struct {
			Features []struct {
				Name     string `yaml:"name"`
				Dtype    string `yaml:"dtype"`
				Sequence string `yaml:"sequence"`
				List     []struct{ Name, Dtype string }
			}
			Splits []struct {
				Name     string
				Bytes    int64 `yaml:"num_bytes"`
				Examples int64 `yaml:"num_examples"`
			}
			Download int64 `yaml:"download_size"`
			Size     int64 `yaml:"dataset_size"`
		} `yaml:"dataset_info"`
		Configs []struct {
			Files []struct{ Split, Path string } `yaml:"data_files"`
		}
	}
	if err := yaml.Unmarshal([]byte(header), &h); err != nil {
		t.Fatalf("%v in\n%s", err, header)
	}
	if h.PrettyName != "tinyv: \"x\"\n---\nlicense: mit" || h.License != "unknown" || len(h.Size) != 1 || h.Size[0] != "n<1K" {
		t.Errorf("header %+v", h)
	}
	var total int64
	for i, want := range []struct {
		name string
		rows int64
	}{{"train", 5}, {"validation", 1}, {"held_out", 1}} {
		s, f := h.Info.Splits[i], h.Configs[0].Files[i]
		if s.Name != want.name || s.Examples != want.rows || s.Bytes <= 0 || f.Split != want.name || f.Path != "data/"+want.name+"-*" {
			t.Errorf("split %+v of %+v, want %+v", s, f, want)
		}
		total += s.Bytes
	}
	if h.Info.Download <= 0 || h.Info.Size != total {
		t.Errorf("sizes %d and %d, the splits sum to %d", h.Info.Download, h.Info.Size, total)
	}
	var columns []string
	for _, f := range h.Info.Features {
		columns = append(columns, f.Name)
	}
	if diff := cmp.Diff(publishedColumns(), columns); diff != "" {
		t.Errorf("the columns of the card are not those of the rows (-rows +card):\n%s", diff)
	}
	for _, forbidden := range []string{"<script>", "![x]", "\n# Owned"} {
		if strings.Contains(body, forbidden) {
			t.Errorf("the card has %q", forbidden)
		}
	}
	if strings.Contains(text, "Simulated.") {
		t.Error("a set that is not simulated says that it is")
	}
}

func TestCardOfSimulatedSet(t *testing.T) {
	j := job{upstream: &manifest.Manifest{Simulated: true}, Options: Options{Dataset: "d"}}
	var text strings.Builder
	if err := (&card{job: j, tally: newTally()}).write(&text); err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(text.String(), "## ")
	if !strings.Contains(head, "\n- simulated\n") || !strings.Contains(head, "**Simulated.**") {
		t.Errorf("the top does not say that the set is simulated:\n%s", head)
	}
}

func TestSizeCategory(t *testing.T) {
	for n, want := range map[int64]string{0: "n<1K", 999: "n<1K", 1000: "1K<n<10K", 159136: "100K<n<1M", 1e7: "10M<n<100M", 1e9: "n>1B"} {
		if got := sizeCategory(n); got != want {
			t.Errorf("%d rows are %s, want %s", n, got, want)
		}
	}
}

func TestEscapes(t *testing.T) {
	for in, want := range map[string]string{
		"plain text, 1.5": "plain text, 1.5", "a_b": `a\_b`, "x|y\nz": `x\|y z`, "&lt;": `\&lt\;`, "\u202eevil": " evil", "répönse": "répönse",
		strings.Repeat("é", 101): strings.Repeat("é", 100) + "…",
	} {
		if got := markdown(in); got != want {
			t.Errorf("markdown(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"a": "```text\na\n```\n", "a\n": "```text\na\n```\n", "```": "````text\n```\n````\n", "a````b`": "`````text\na````b`\n`````\n", "\x1b[1m\r": "```text\n[1m\n```\n"} {
		if got := fenced(in); got != want {
			t.Errorf("fenced(%q) = %q, want %q", in, got, want)
		}
	}
	for _, in := range []string{"", "a", `"\`, "\n\x00\x7f\u0085\u2028\ufeff🎲", "a: b # c", "---", "%y"} {
		var got string
		if err := yaml.Unmarshal([]byte(yamlString(in)), &got); err != nil || got != in {
			t.Errorf("yamlString(%q) = %s reads as %q, %v", in, yamlString(in), got, err)
		}
	}
}
