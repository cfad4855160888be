package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tinyv/internal/manifest"
	"tinyv/internal/sim"
	"tinyv/internal/stagetest/buffer"
	"tinyv/train/traintest"
)

func TestMain(m *testing.M) {
	traintest.MainIfNamed()
	testscript.Main(m, map[string]func(){"tinyv": main})
}

// TestScripts runs the real command on the scripts of testdata, one a behaviour.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ROOT", root)
			env.Setenv("SHARED", filepath.Join(root, "..", "shared"))
			foundRaces(env)
			// Scripts use the configs that users are given.
			return os.CopyFS(filepath.Join(env.WorkDir, "configs"), os.DirFS(filepath.Join(root, "configs")))
		},
		Condition: func(cond string) (bool, error) {
			if cond == "shared" {
				_, err := os.Stat(filepath.Join(root, "..", "shared", "data"))
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     cmdExits,
			"truncate":  cmdTruncate,
			"gzip":      cmdGzip,
			"bigreply":  cmdBigReply,
			"replace":   cmdReplace,
			"figure":    cmdFigure,
			"sameFiles": cmdSameFiles,
			"htmlsite":  cmdHTMLSite,
			"interrupt": cmdInterrupt,
			"standin":   cmdStandIn,
			"simserver": cmdSimServer,
		},
	})
}

// foundRaces has the race detector, where it is on, write what it finds in a command
// to a file, and looks for one when the script is done: on stderr it would pass for
// the failure that a script wants. Its second of sleep at every end is cut short.
func foundRaces(env *testscript.Env) {
	log := filepath.Join(env.WorkDir, ".race")
	env.Setenv("GORACE", "atexit_sleep_ms=10 log_path="+log)
	env.Defer(func() {
		found, err := filepath.Glob(log + ".*")
		if err != nil {
			env.T().Fatal(err)
		}
		for _, path := range found {
			data, err := os.ReadFile(path)
			env.T().Fatal(string(data), err)
		}
	})
}

// cmdExits runs a command and wants an exit code: exits 2 tinyv run ...
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command [args]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// cmdTruncate cuts a file to a share of its size in percent: truncate FILE PERCENT
func cmdTruncate(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	percent, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(path, info.Size()*percent/100))
}

// cmdGzip compresses a file: gzip FROM TO
func cmdGzip(ts *testscript.TestScript, _ bool, args []string) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b.Bytes(), 0o644))
}

// cmdBigReply writes a rollout whose reply has as many bytes: bigreply FILE BYTES
func cmdBigReply(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	reply := strings.Repeat("so ", n/3) + `\\boxed{8}`
	row := `{"question": "7+1?", "ground_truth": "8", "response": "` + reply + "\"}\n" + `{"question": "7+2?", "ground_truth": "9", "response": "\\boxed{10}"}` + "\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(row), 0o644))
}

// cmdReplace edits a file: replace FILE OLD NEW; \xNN stands for a byte.
func cmdReplace(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	replacement, err := strconv.Unquote(`"` + strings.ReplaceAll(args[2], `"`, `\"`) + `"`)
	ts.Check(err)
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not contain %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], replacement, 1)), 0o644))
}

// cmdFigure compares a number of a manifest: figure DIR KIND.in|KIND.out|KIND.REASON|FIGURE|paid_calls OP N
func cmdFigure(ts *testscript.TestScript, _ bool, args []string) {
	m, err := manifest.Read(ts.MkAbs(args[0]))
	ts.Check(err)
	if !m.Complete {
		ts.Fatalf("%s is incomplete", args[0])
	}
	got, known := m.Figures[args[1]]
	if kind, what, ok := strings.Cut(args[1], "."); ok && m.Rows[kind] != nil {
		known = true
		switch what {
		case "in":
			got = m.Rows[kind].In
		case "out":
			got = m.Rows[kind].Out
		default:
			got = m.Rows[kind].Dropped[what]
		}
	}
	if args[1] == "paid_calls" && m.Spent != nil {
		got, known = m.Spent.PaidCalls, true
	}
	if !known {
		ts.Fatalf("%s has no figure %s", args[0], args[1])
	}
	want, err := strconv.ParseInt(args[3], 10, 64)
	ts.Check(err)
	if ok := map[string]bool{"==": got == want, ">": got > want, "<": got < want}[args[2]]; !ok {
		ts.Fatalf("%s of %s is %d, want %s %d", args[1], args[0], got, args[2], want)
	}
}

// cmdSameFiles wants byte-equal data files in two directories; manifests hold times.
func cmdSameFiles(ts *testscript.TestScript, neg bool, args []string) {
	read := func(dir string) map[string]string {
		files := map[string]string{}
		root := ts.MkAbs(dir)
		ts.Check(filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == manifest.Name || strings.Contains(path, "/train/") || strings.Contains(path, "/journal/") {
				return err
			}
			data, err := os.ReadFile(path)
			files[strings.TrimPrefix(path, root)] = string(data)
			return err
		}))
		return files
	}
	a, b := read(args[0]), read(args[1])
	if len(a) < 5 {
		ts.Fatalf("%s holds %d files only", args[0], len(a))
	}
	if len(a) != len(b) {
		ts.Fatalf("%d files against %d", len(a), len(b))
	}
	for name, data := range a {
		if other, ok := b[name]; !ok || (other != data) != neg {
			ts.Fatalf("%s: there %v, equal %v", name, ok, other == data)
		}
	}
}

// cmdHTMLSite starts a web site that is no API and puts its URL into $HTML.
func cmdHTMLSite(ts *testscript.TestScript, _ bool, _ []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!DOCTYPE html><title>Portal</title>Please log in")
	})}
	go server.Serve(listener)
	ts.Defer(func() { server.Close() })
	ts.Setenv("HTML", "http://"+listener.Addr().String()+"/v1")
}

// cmdSimServer serves the default simulated world as a server of its own, wanting
// a key, and puts its URL into $SIM: simserver KEY
func cmdSimServer(ts *testscript.TestScript, _ bool, args []string) {
	server := sim.NewServer(sim.DefaultWorld(), slog.New(slog.DiscardHandler))
	server.RequireKey = args[0]
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	httpServer := &http.Server{Handler: server.Handler()}
	go httpServer.Serve(listener)
	ts.Defer(func() { httpServer.Close() })
	ts.Setenv("SIM", "http://"+listener.Addr().String()+"/v1")
}

// cmdInterrupt starts a command, sends it SIGINT once a file it writes has as many
// bytes, and wants an exit code: interrupt CODE FILE BYTES command [args]. With the
// code "killed" it sends SIGKILL.
func cmdInterrupt(ts *testscript.TestScript, _ bool, args []string) {
	var stderr buffer.Locked
	code, interrupt := -1, syscall.SIGKILL
	if args[0] != "killed" {
		var err error
		code, err = strconv.Atoi(args[0])
		ts.Check(err)
		interrupt = syscall.SIGINT
	}
	size, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	path := args[3]
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) { // where testscript puts our command
		if candidate := filepath.Join(dir, args[3]); fileSize(candidate) > 0 {
			path = candidate
			break
		}
	}
	cmd := exec.Command(path, args[4:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = os.Environ()
	for _, name := range []string{"PATH", traintest.KnobsVariable} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Stderr = &stderr
	ts.Check(cmd.Start())
	deadline := time.Now().Add(2 * time.Minute)
	for fileSize(ts.MkAbs(args[1])) < size {
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			ts.Fatalf("%s did not grow to %d bytes: %s", args[1], size, stderr.String())
		}
		time.Sleep(2 * time.Millisecond)
	}
	ts.Check(cmd.Process.Signal(interrupt))
	err = cmd.Wait()
	ts.Logf("%s", stderr.String())
	if got := cmd.ProcessState.ExitCode(); got != code {
		ts.Fatalf("exit code %d (%v), want %d", got, err, code)
	}
}

// fileSize is 0 for a file that is not there.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// cmdStandIn puts the stand-in for LLaMA-Factory first on PATH: standin DIR.
func cmdStandIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: standin DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(traintest.Install(dir))
	ts.Setenv("PATH", dir+string(os.PathListSeparator)+ts.Getenv("PATH"))
}
