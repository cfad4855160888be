package train

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// program is the command of LLaMA-Factory.
const program = "llamafactory-cli"

// Trainer is the LLaMA-Factory that a plan is for.
type Trainer struct {
	Version   string            `json:"version"`
	Installed bool              `json:"installed"`          // false: none is here, and the newest that is known is taken
	Python    string            `json:"python,omitempty"`   // the interpreter that runs it; empty if it could not be told
	Packages  map[string]string `json:"packages,omitempty"` // versions, of those in packages that are there; none without Python
	Note      string            `json:"note,omitempty"`     // why the keys may not be those of this version
}

// packages are those on whose version training depends.
var packages = []string{
	"llamafactory", "transformers", "torch", "datasets", "accelerate", "peft", "trl", "tokenizers", "deepspeed", "liger-kernel", "bitsandbytes",
}

var (
	//go:embed keys/versions.py
	versionsScript string
	//go:embed keys/ask.py
	keysScript string
)

// The limits of asking the installed one. An import of torch takes most of a minute
// on a busy machine, and longer from a network file system.
const (
	versionsLimit = time.Minute
	keysLimit     = 5 * time.Minute
)

// ask tells which LLaMA-Factory is on PATH and which keys it takes. kept is an
// earlier answer's keys; they are taken if they are of the same versions, since the
// keys take an import of torch to list.
func ask(ctx context.Context, kept *keys) (Trainer, *keys, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		newest := tables()[len(tables())-1]
		return Trainer{Version: newest.version, Note: fmt.Sprintf("no %s is on PATH; the keys are those of version %s", program, newest.version)}, newest, nil
	}
	python, err := interpreter(path)
	if err != nil {
		return Trainer{}, nil, err
	}
	if python == "" {
		return askCommand(ctx, path)
	}
	out, err := runFor(ctx, versionsLimit, append([]string{python, "-c", versionsScript}, packages...)...)
	if err != nil {
		return Trainer{}, nil, fmt.Errorf("asking %s for the version of LLaMA-Factory: %w", python, err)
	}
	t := Trainer{Installed: true, Python: python, Packages: pairs(out)}
	if t.Version = t.Packages["llamafactory"]; t.Version == "" {
		return Trainer{}, nil, fmt.Errorf("%s is run by %s, which has no package llamafactory: install LLaMA-Factory again (pip install llamafactory), or put the right environment first on PATH", path, python)
	}
	if kept != nil && kept.version == t.Version && kept.transformers == t.Packages["transformers"] {
		return t, kept, nil
	}
	out, err = runFor(ctx, keysLimit, python, "-c", keysScript)
	if err != nil {
		return Trainer{}, nil, fmt.Errorf("asking LLaMA-Factory %s for its keys, which imports it as training does: %w\nMend the environment of %s: training would end the same way", t.Version, err, python)
	}
	k, err := parseKeys(out)
	if err != nil {
		return Trainer{}, nil, fmt.Errorf("the keys of LLaMA-Factory %s: %w", t.Version, err)
	}
	return t, k, nil
}

var versionWord = regexp.MustCompile(`version (\d+(?:\.\d+)+\S*)`)

// askCommand asks a command whose interpreter is not known for its version.
func askCommand(ctx context.Context, path string) (Trainer, *keys, error) {
	out, err := runFor(ctx, keysLimit, path, "version")
	if err != nil {
		return Trainer{}, nil, fmt.Errorf("asking %s for its version: %w", path, err)
	}
	found := versionWord.FindSubmatch(out)
	if found == nil {
		return Trainer{}, nil, fmt.Errorf("`%s version` names no version, but says %q: is it LLaMA-Factory? put the right one first on PATH", path, tail(out))
	}
	t := Trainer{Version: string(found[1]), Installed: true}
	known := tables()
	for _, k := range known {
		if k.version == t.Version {
			return t, k, nil
		}
	}
	newest := known[len(known)-1]
	t.Note = fmt.Sprintf("LLaMA-Factory %s is not known and could not be asked; the keys are those of version %s", t.Version, newest.version)
	return t, newest, nil
}

// interpreter returns the Python that runs a script; empty if it is none.
func interpreter(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	in := bufio.NewReader(io.LimitReader(f, 4096))
	first, _ := in.ReadString('\n')
	words := strings.Fields(strings.TrimPrefix(first, "#!"))
	if !strings.HasPrefix(first, "#!") || len(words) == 0 {
		return "", nil
	}
	switch name := filepath.Base(words[len(words)-1]); {
	case filepath.Base(words[0]) == "env" && strings.HasPrefix(name, "python"):
		python, err := exec.LookPath(name)
		if err != nil {
			return "", fmt.Errorf("%s is run by %s, which is not on PATH: %w", path, name, err)
		}
		return python, nil
	case strings.HasPrefix(filepath.Base(words[0]), "python"):
		return words[0], nil
	}
	// pip writes '''exec' "/path/python" "$0" "$@" where the path is too long or odd for a first line.
	second, _ := in.ReadString('\n')
	if rest, ok := strings.CutPrefix(second, "'''exec' "); ok {
		if python, _, ok := strings.Cut(strings.TrimPrefix(rest, `"`), `"`); ok && strings.HasPrefix(rest, `"`) {
			return python, nil
		}
		return strings.Fields(rest + " ")[0], nil
	}
	return "", nil
}

// runFor runs a command for at most limit and returns what it wrote. The error has the
// last words of its standard error. It sees no GPU: a question must not take memory there.
func runFor(ctx context.Context, limit time.Duration, command ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "CUDA_VISIBLE_DEVICES=", "HF_HUB_OFFLINE=1", "USE_V1=0")
	cmd.WaitDelay = time.Second // for a grandchild that keeps the pipes open
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("%s gave no answer within %v", filepath.Base(command[0]), limit)
	case err != nil:
		return nil, fmt.Errorf("%w: %s", err, tail(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// tail is the last line of an output that says something.
func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	const most = 400
	last := strings.TrimSpace(lines[len(lines)-1])
	return last[:min(len(last), most)]
}

// pairs reads lines of a name and a value; those that begin with # are comments.
func pairs(out []byte) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name != "#" {
			all[name] = value
		}
	}
	return all
}
