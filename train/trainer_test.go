package train

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// python puts a llamafactory-cli on a PATH whose interpreter is a shell script that
// answers as Python would with the given versions. asked counts how often the keys
// were asked for.
func python(t *testing.T, bin, first, llamafactory, transformers string) (asked func() int) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "asked")
	table := filepath.Join(t.TempDir(), "table")
	body := bytes.Replace(embedded("keys/0.9.5.txt"), []byte("llamafactory 0.9.5\ntransformers 5.6.0\n"), []byte("llamafactory "+llamafactory+"\ntransformers "+transformers+"\n"), 1)
	if err := os.WriteFile(table, append(body, "brand_new_key bool\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	answer := `case "$2" in
*dataclasses*) echo keys >> ` + log + `; while read -r line; do echo "$line"; done < ` + table + ` ;;
*) [ -n "` + llamafactory + `" ] && echo llamafactory ` + llamafactory + `; echo transformers ` + transformers + `; echo torch 2.6.0 ;;
esac
exit 0`
	script(t, bin, "python3.11", answer)
	if err := os.WriteFile(filepath.Join(bin, program), []byte(strings.ReplaceAll(first, "BIN", bin)), 0o755); err != nil {
		t.Fatal(err)
	}
	return func() int {
		data, _ := os.ReadFile(log)
		return strings.Count(string(data), "\n")
	}
}

func TestAsk(t *testing.T) {
	for _, first := range []string{
		"#!BIN/python3.11\nimport x\n", "#!/usr/bin/env python3.11\n", "#!/bin/sh\n'''exec' BIN/python3.11 \"$0\" \"$@\"\n' '''\n", "#!/bin/sh\n'''exec' \"BIN/python3.11\" \"$0\" \"$@\"\n",
	} {
		bin := emptyPath(t)
		asked := python(t, bin, first, "0.9.4", "4.57.1")
		got, k, err := ask(t.Context(), nil)
		if err != nil {
			t.Errorf("%q: %v", first, err)
			continue
		}
		if !got.Installed || got.Version != "0.9.4" || got.Packages["torch"] != "2.6.0" || got.Python != filepath.Join(bin, "python3.11") || got.Note != "" {
			t.Errorf("%q: %+v", first, got)
		}
		if name, err := k.name("brand_new_key"); err != nil || name != "brand_new_key" || asked() != 1 {
			t.Errorf("%q: a key of the installed version: %v, asked %d times", first, err, asked())
		}
		if _, again, err := ask(t.Context(), k); err != nil || again != k || asked() != 1 {
			t.Errorf("%q: equal versions are asked again: %v", first, err)
		}
		python(t, bin, first, "0.9.4", "4.57.2")
		if _, again, err := ask(t.Context(), k); err != nil || again == k {
			t.Errorf("%q: another transformers, and the old keys are taken: %v", first, err)
		}
	}
}

func TestAskWithoutPython(t *testing.T) {
	bin := emptyPath(t)
	if got, k, err := ask(t.Context(), nil); err != nil || got.Installed || got.Version != "0.9.5" || k.version != "0.9.5" || !strings.Contains(got.Note, "no llamafactory-cli") {
		t.Errorf("nothing installed: %+v, %v", got, err)
	}
	for _, c := range []struct{ body, version, table, note, problem string }{
		{"echo '-----'; echo '| Welcome to LLaMA Factory, version 0.9.2                |'", "0.9.2", "0.9.2", "", ""},
		{"echo '| Welcome to LLaMA Factory, version 0.9.6.dev0 |'", "0.9.6.dev0", "0.9.5", "0.9.6.dev0 is not known", ""},
		{"echo hello", "", "", "", "names no version"},
		{"echo broken >&2; exit 3", "", "", "", "broken"},
	} {
		script(t, bin, program, c.body)
		got, k, err := ask(t.Context(), nil)
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%q: wanted %q in %v", c.body, c.problem, err)
			}
			continue
		}
		if err != nil || got.Version != c.version || k.version != c.table || !strings.Contains(got.Note, c.note) || c.note == "" && got.Note != "" || got.Python != "" {
			t.Errorf("%q: %+v, %v", c.body, got, err)
		}
	}
}

func TestAskBroken(t *testing.T) {
	bin := emptyPath(t)
	python(t, bin, "#!BIN/python3.11\n", "", "4.49.0")
	if _, _, err := ask(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "has no package llamafactory") {
		t.Errorf("no package: %v", err)
	}
	script(t, bin, "python3.11", `case "$2" in *dataclasses*) echo "Traceback" >&2; echo "ImportError: pyarrow requires NumPy 2.0 or newer" >&2; exit 1 ;; esac; echo llamafactory 0.9.2; echo transformers 4.49.0`)
	if _, _, err := ask(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "pyarrow requires NumPy") || !strings.Contains(err.Error(), "Mend the environment") {
		t.Errorf("it does not import: %v", err)
	}
	if err := os.Remove(filepath.Join(bin, "python3.11")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ask(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "python3.11") {
		t.Errorf("no interpreter: %v", err)
	}
}

func TestKeys(t *testing.T) {
	old, newest := tables()[0], tables()[1]
	for _, c := range []struct {
		k         *keys
		key, want string // want is the name, or part of the error
		ok        bool
	}{
		{old, "evaluation_strategy", "evaluation_strategy", true},
		{newest, "evaluation_strategy", "eval_strategy", true},
		{newest, "no_cuda", "use_cpu", true},
		{old, "use_kv_cache", "use_cache", true},
		{newest, "use_cache", "use_cache", true},
		{old, "use_muon", "version 0.9.5 has it", false},
		{newest, "save_safetensors", "version 0.9.2 has it", false},
		{newest, "warmup_ration", "did you mean warmup_ratio?", false},
		{newest, "device_map", "is no key", false},
	} {
		got, err := c.k.name(c.key)
		if c.ok && (err != nil || got != c.want) {
			t.Errorf("%s in %s: %s, %v", c.key, c.k.version, got, err)
		}
		if !c.ok && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s in %s: wanted %q in %v", c.key, c.k.version, c.want, err)
		}
	}
	if len(old.kinds) != 311 || len(newest.kinds) != 346 {
		t.Errorf("%d and %d keys", len(old.kinds), len(newest.kinds))
	}
	for name, value := range map[string]any{"seed": 7, "learning_rate": 1, "report_to": "none", "packing": true, "max_samples": int64(5), "adam_beta1": 0.5, "deepspeed": "x"} {
		if err := newest.takes(name, value); err != nil {
			t.Error(err)
		}
	}
	for name, value := range map[string]any{"seed": 7.5, "packing": 1, "template": 3, "learning_rate": "1e-5", "lora_target": []any{"a"}, "report_to": nil} {
		if err := newest.takes(name, value); err == nil {
			t.Errorf("%s takes %v", name, value)
		}
	}
	// Every name of a pair is known to some version, else the pair renames nothing.
	for a, b := range pairs(embedded("keys/renamed.txt")) {
		for _, name := range []string{a, b} {
			if old.kinds[name] == "" && newest.kinds[name] == "" {
				t.Errorf("renamed.txt: no version has %s", name)
			}
		}
	}
	if _, err := parseKeys([]byte("Welcome\n")); err == nil {
		t.Error("anything is a list of keys")
	}
}

func TestVersionBefore(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"4.49.0", "4.50", true}, {"4.50.0", "4.50", false}, {"5.6.0", "4.50", false}, {"4.5.0", "4.50", true}, {"4.50.0.dev0", "4.50", false}, {"4.49.0rc1", "4.49.1", true}} {
		if got := versionBefore(c.a, c.b); got != c.want {
			t.Errorf("%s before %s: %v", c.a, c.b, got)
		}
	}
}
