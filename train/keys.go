package train

import (
	"embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"tinyv/internal/spelling"
)

// The keys of each version as keys/ask.py prints them, in the order of versions.
//
//go:embed keys/0.9.2.txt keys/0.9.5.txt keys/renamed.txt
var keyFiles embed.FS

// keys is what one version of LLaMA-Factory takes in its YAML.
type keys struct {
	version      string            // of LLaMA-Factory
	transformers string            // of transformers, from which most of the keys come
	kinds        map[string]string // bool, int, float, text, any
	text         []byte            // what was parsed
}

// tables are the versions that are known here, the newest last.
var tables = sync.OnceValue(func() []*keys {
	var all []*keys
	for _, version := range []string{"0.9.2", "0.9.5"} {
		k, err := parseKeys(embedded("keys/" + version + ".txt"))
		if err != nil {
			panic(fmt.Sprintf("train: the table of keys of LLaMA-Factory %s in this program: %v", version, err))
		}
		all = append(all, k)
	}
	return all
})

func embedded(path string) []byte {
	data, err := keyFiles.ReadFile(path)
	if err != nil {
		panic(fmt.Sprintf("train: %s is not in this program: %v", path, err))
	}
	return data
}

// parseKeys reads what keys/ask.py prints: two lines of versions, an empty one, and
// one line for each key with its kind.
func parseKeys(data []byte) (*keys, error) {
	head, body, ok := strings.Cut(string(data), "\n\n")
	versions := pairs([]byte(head))
	k := &keys{version: versions["llamafactory"], transformers: versions["transformers"], kinds: pairs([]byte(body)), text: data}
	if !ok || k.version == "" || k.transformers == "" || k.kinds["learning_rate"] == "" {
		return nil, fmt.Errorf("a list of keys begins with the versions of llamafactory and transformers and names learning_rate; this one is %d bytes and does not", len(data))
	}
	return k, nil
}

// name returns the name that this version has for a key, and an error that names
// the nearest ones if it has none.
func (k *keys) name(key string) (string, error) {
	if _, ok := k.kinds[key]; ok {
		return key, nil
	}
	for a, b := range pairs(embedded("keys/renamed.txt")) {
		for _, p := range [][2]string{{a, b}, {b, a}} {
			if _, ok := k.kinds[p[1]]; ok && p[0] == key {
				return p[1], nil
			}
		}
	}
	hint := ""
	if near := k.near(key); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	for _, other := range tables() {
		if _, ok := other.kinds[key]; ok && other.version != k.version {
			hint = fmt.Sprintf("; version %s has it", other.version)
		}
	}
	return "", fmt.Errorf("%s is no key of LLaMA-Factory %s (transformers %s), which would end at once%s", key, k.version, k.transformers, hint)
}

// near is the key whose spelling is nearest, if it is near enough to be meant.
func (k *keys) near(key string) string {
	best, least := "", 1+len(key)/4
	for name := range k.kinds {
		if d := spelling.Distance(key, name); d < least || d == least && best != "" && name < best {
			best, least = name, d
		}
	}
	return best
}

// takes says whether a value is of a key's kind.
func (k *keys) takes(name string, value any) error {
	kind := k.kinds[name]
	ok := true
	switch v := value.(type) {
	case bool:
		ok = kind == "bool" || kind == "any"
	case int, int64:
		ok = kind == "int" || kind == "float" || kind == "any"
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s is %v, which is no number", name, v)
		}
		ok = kind == "float" || kind == "any"
	case string:
		ok = kind == "text" || kind == "any"
	default:
		return fmt.Errorf("%s is a %T; a text, a number, true or false can be handed to LLaMA-Factory (it takes lists as texts with commas)", name, value)
	}
	if !ok {
		return fmt.Errorf("%s is %v, but LLaMA-Factory %s takes %s there", name, value, k.version, kindNames[kind])
	}
	return nil
}

var kindNames = map[string]string{"bool": "true or false", "int": "a whole number", "float": "a number", "text": "a text"}

// versionBefore says whether a version is before another: by the numbers of its
// first three places.
func versionBefore(a, b string) bool {
	return slices.Compare(places(a), places(b)) < 0
}

func places(version string) []int {
	var all []int
	for word := range strings.SplitSeq(version, ".") {
		n := 0
		for _, digit := range word {
			if digit < '0' || digit > '9' || n > 1e6 {
				break
			}
			n = n*10 + int(digit-'0')
		}
		all = append(all, n)
	}
	return all[:min(len(all), 3)]
}
