package rows

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tinyv/internal/durable"
)

type encoding int8

const (
	encParquet encoding = iota
	encLines            // one JSON object a line
	encJSON             // one JSON array of objects, or JSON lines
)

type compression int8

const (
	plain compression = iota
	gzipped
	zstded
)

// format is what a file's extension says of its content.
type format struct {
	ext string // without the leading dot
	enc encoding
	cmp compression
}

// The last three are read only: no stage writes a JSON array.
var formats = [...]format{
	{"parquet", encParquet, plain},
	{"jsonl", encLines, plain},
	{"jsonl.gz", encLines, gzipped},
	{"jsonl.zst", encLines, zstded},
	{"json", encJSON, plain},
	{"json.gz", encJSON, gzipped},
	{"json.zst", encJSON, zstded},
}

const extensions = ".parquet, .jsonl, .jsonl.gz, .jsonl.zst, .json, .json.gz, .json.zst"

// again is the advice on a file that is cut off.
const again = "what wrote or copied it did not finish: make it again"

func formatOf(name string) (format, bool) {
	lower := strings.ToLower(filepath.Base(name))
	for _, f := range formats {
		if strings.HasSuffix(lower, "."+f.ext) {
			return f, true
		}
	}
	return format{}, false
}

// sideFiles lie beside the parts of a stage and are none of them.
var sideFiles = []string{"manifest.json", "rejected.jsonl", "gold_refused.jsonl", "stats.json", "taxonomy.json", "decontaminated.jsonl", "overlap.json"}

// Parts returns the files that path stands for: the file itself, or the part
// files of a directory in name order. Directories, names that begin with a dot,
// the side files of a stage (such as manifest.json and rejected.jsonl) and files
// of other extensions (so also .tmp and .md) are not parts; links count as what
// they point to. It is an error if a file has another extension than those read
// here, if a directory has no part, or if its parts are of several formats.
func Parts(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", path, durable.Cause(err))
	}
	if !info.IsDir() {
		if _, ok := formatOf(path); !ok {
			return nil, fmt.Errorf("cannot read %q: its extension is none of %s", path, extensions)
		}
		return []string{path}, nil
	}

	entries, err := os.ReadDir(path) // sorted by name
	if err != nil {
		return nil, fmt.Errorf("listing %q: %w", path, durable.Cause(err))
	}
	var parts []string
	var first format
	for _, e := range entries {
		f, ok := formatOf(e.Name())
		if !ok || strings.HasPrefix(e.Name(), ".") || slices.Contains(sideFiles, e.Name()) {
			continue
		}
		part := filepath.Join(path, e.Name())
		// Stat, not the entry's own type: a Hugging Face cache is made of links.
		info, err := os.Stat(part)
		if err != nil {
			return nil, fmt.Errorf("opening %q: %w", part, durable.Cause(err))
		}
		if info.IsDir() {
			continue
		}
		if len(parts) == 0 {
			first = f
		}
		if f != first {
			return nil, fmt.Errorf("directory %q mixes formats: %q and %q; keep one format, or name one file",
				path, filepath.Base(parts[0]), e.Name())
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("directory %q has no file to read; looked for %s", path, extensions)
	}
	return slices.Clip(parts), nil
}
