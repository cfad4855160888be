package trainerlog

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func ref(x float64) *Float { f := Float(x); return &f }

func TestParsePoint(t *testing.T) {
	for line, want := range map[string]Point{
		`{"current_steps": 15, "total_steps": 30, "loss": 4.5, "lr": 0.0006, "epoch": 0.25, "percentage": 50.0, "elapsed_time": "0:01:02", "remaining_time": "1 day, 0:00:01", "total_tokens": 25024}`: {
			Step: 15, Total: 30, Epoch: 0.25, Loss: ref(4.5), LearningRate: ref(0.0006), Elapsed: Duration(62 * time.Second), Remaining: Duration(24*time.Hour + time.Second)},
		`{"current_steps": 15, "total_steps": 30, "eval_loss": "4.5", "epoch": "0.25"}`:                 {Step: 15, Total: 30, Epoch: 0.25, EvalLoss: ref(4.5)},
		`{"current_steps": 6, "total_steps": 6, "loss": -Infinity, "note": "NaN \" NaN", "epoch": 1e9}`: {Step: 6, Total: 6, Epoch: 1e9, Loss: ref(math.Inf(-1))},
	} {
		got, err := ParsePoint([]byte(line))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", line, err, diff)
		}
	}
	p, err := ParsePoint([]byte(`{"current_steps": 6, "loss": NaN}`))
	if err != nil || !math.IsNaN(float64(*p.Loss)) || p.Loss.Finite() {
		t.Errorf("NaN: %+v, %v", p, err)
	}
	for _, line := range []string{"", "{}", "[]", "null", `{"current_steps": 1, "loss": nan}`, `{"current_steps": 1.5}`, `{"current_steps": 1, "elapsed_time": "soon"}`, `{"current_steps": 1, "elapsed_time": "1 week, 0:00:00"}`, `{"current_steps": 1`} {
		if p, err := ParsePoint([]byte(line)); err == nil {
			t.Errorf("%q is read as %+v", line, p)
		}
	}
}

// The resumed log is of the real trainer, killed at step 25 and 45.
func TestCurve(t *testing.T) {
	var c Curve
	if _, err := c.Read(Follow(filepath.Join("testdata", "resumed.jsonl"))); err != nil {
		t.Fatal(err)
	}
	if c.Restarts != 2 || c.Bad != 0 {
		t.Errorf("%d restarts, %d bad lines", c.Restarts, c.Bad)
	}
	step := 0
	for _, p := range c.Points {
		if p.Loss != nil {
			step++
			if p.Step != step {
				t.Fatalf("step %d is at the place of %d", p.Step, step)
			}
		}
	}
	if last := c.LastLoss(); last == nil || last.Step != step || step < 45 || c.Last.Total != 120 {
		t.Errorf("last loss %+v after %d steps of %d", last, step, c.Last.Total)
	}
}

func TestCurveTakesTheLaterRun(t *testing.T) {
	var c Curve
	for _, p := range []Point{
		{Step: 10, Loss: ref(9)}, {Step: 10, EvalLoss: ref(9)}, {Step: 20, Loss: ref(8)}, {Step: 25, EvalLoss: ref(8)}, {Step: 30, Loss: ref(7)},
		{Step: 25, EvalLoss: ref(1)}, {Step: 30, Loss: ref(2)}, {Step: 30, EvalLoss: ref(3)}, {Step: 30},
	} {
		c.Add(p)
	}
	want := []Point{{Step: 10, Loss: ref(9)}, {Step: 10, EvalLoss: ref(9)}, {Step: 20, Loss: ref(8)}, {Step: 25, EvalLoss: ref(1)}, {Step: 30, Loss: ref(2)}, {Step: 30, EvalLoss: ref(3)}}
	if diff := cmp.Diff(want, c.Points); diff != "" || c.Restarts != 1 {
		t.Errorf("%d restarts (-want +got)\n%s", c.Restarts, diff)
	}
	if e := c.LastEval(); e == nil || *e.EvalLoss != 3 {
		t.Errorf("last evaluation %+v", e)
	}
}

// A training that goes on from a checkpoint is at its step, not at the one where the
// run before was cut off.
func TestCurveBack(t *testing.T) {
	var c Curve
	for _, p := range []Point{{Step: 10, Loss: ref(3)}, {Step: 10, EvalLoss: ref(4)}, {Step: 11, Loss: ref(2)}, {Step: 15, EvalLoss: ref(5)}} {
		c.Add(p)
	}
	c.Back(10)
	if last := c.LastLoss(); last.Step != 10 || c.Last.Step != 10 || c.LastEval().Step != 10 || len(c.Points) != 2 {
		t.Errorf("%+v", c)
	}
}

// Entries as 0.9.2 and 0.9.5 write them.
func TestReadStateEvalLoss(t *testing.T) {
	for _, name := range []string{"eval_tinyv_eval_loss", "eval_loss"} {
		path := filepath.Join(t.TempDir(), "trainer_state.json")
		content := `{"global_step": 10, "log_history": [{"epoch": 0.17, "step": 10, "loss": 4.7386},
			{"epoch": 0.17, "` + name + `": 4.4435, "eval_tinyv_eval_runtime": 0.5, "num_input_tokens_seen": 16576, "step": 10},
			{"epoch": 0.17, "step": 10, "train_loss": 5.1, "train_runtime": 9.3}]}`
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := ReadState(path)
		if err != nil || len(s.Points) != 2 || s.Points[1].Loss != nil || *s.Points[1].EvalLoss != 4.4435 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func TestReadState(t *testing.T) {
	s, err := ReadState(filepath.Join("testdata", "nan_state.json"))
	if err != nil {
		t.Fatal(err)
	}
	if s.GlobalStep != 6 || s.MaxSteps != 6 || s.BatchPerDevice != 4 || len(s.Points) != 6 || s.Points[5].Loss.Finite() || s.Points[5].GradNorm == nil {
		t.Errorf("%+v", s)
	}
	data, err := json.Marshal(s.Points[5])
	var back Point
	if err != nil || !strings.Contains(string(data), `"loss":"NaN"`) || json.Unmarshal(data, &back) != nil || back.Loss.Finite() {
		t.Errorf("%s, %v, %+v", data, err, back)
	}
	bad := filepath.Join(t.TempDir(), "trainer_state.json")
	for _, content := range []string{"", "{}", `{"global_step": 3, "log_his`} {
		if err := os.WriteFile(bad, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := ReadState(bad); err == nil {
			t.Errorf("%q is read as %+v", content, s)
		}
	}
}

func TestLinesFollowAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := Follow(path)
	var got []string
	next := func(want bool) {
		t.Helper()
		grew, err := l.Next(func(n int, line []byte) { got = append(got, strings.Repeat("+", n)+string(line)) })
		if err != nil || grew != want {
			t.Fatalf("grew %v, %v", grew, err)
		}
	}
	appendTo := func(s string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString(s)
		}
		if err != nil || f.Close() != nil {
			t.Fatal(err)
		}
	}
	next(false)
	appendTo("one\ntw")
	next(true)
	next(false)
	appendTo("o\n\n10%\r20%\r" + strings.Repeat("x", 300<<10))
	next(true)
	if diff := cmp.Diff([]string{"+one", "++two", "++++10%", "++++20%"}, got); diff != "" || len(l.Rest()) != longestLine {
		t.Errorf("%d bytes kept, (-want +got)\n%s", len(l.Rest()), diff)
	}
	if err := os.WriteFile(path, []byte("new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	next(true)
	if got[len(got)-1] != "+new" {
		t.Errorf("after it was replaced: %q", got)
	}
}

func output(t *testing.T, lines string) *Output {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	var o Output
	if _, err := Follow(path).Next(func(n int, line []byte) { o.Add(n, line) }); err != nil {
		t.Fatal(err)
	}
	return &o
}

func TestOutput(t *testing.T) {
	recorded := func(name string) string {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	traceback := "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    raise MemoryError('out of memory')\n"
	for name, c := range map[string]struct {
		log  string
		kind Kind
		line int
		text string
	}{
		"a checkpoint without state (real)": {recorded("no_state.txt"), Exception, strings.Count(recorded("no_state.txt"), "\n"), "FileNotFoundError"},
		"a worker killed (real)":            {recorded("worker_killed.txt"), Killed, 0, "exitcode  : -9"},
		"CUDA":                              {"step 1\n" + traceback + "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.\n", OutOfMemory, 5, "Tried to allocate"},
		"CUDA under torchrun":               {"[rank0]: Traceback (most recent call last):\n[rank1]: Traceback (most recent call last):\n[rank0]:   File \"x\"\n[rank1]: ValueError: of rank 1\n[rank0]: torch.OutOfMemoryError: CUDA out of memory.\nTraceback (most recent call last):\n  x\nsubprocess.CalledProcessError: Command\n", OutOfMemory, 5, "torch.OutOfMemoryError: CUDA"},
		"the true error of torchrun":        {"[rank0]: Traceback (most recent call last):\n[rank0]:   File \"x\"\n[rank0]: ValueError: true\nTraceback (most recent call last):\n  x\nsubprocess.CalledProcessError: Command\n", Exception, 3, "ValueError: true"},
		"machine memory":                    {"RuntimeError: [enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.\n", OutOfMemory, 1, "alloc_cpu"},
		"NCCL":                              {"[rank1]:[E1121 ProcessGroupNCCL.cpp:616] [Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=4)\n", Communication, 1, "Watchdog"},
		"gloo":                              {"RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:1\n", Communication, 1, "closed by peer"},
		"the kernel":                        {"10%\r20%\nKilled\n", Killed, 2, "Killed"},
		"nothing known":                     {"one\n\n----\n", "", 1, "one"},
		"nothing at all":                    {"", "", 0, ""},
		"data that talks of it":             {"training example:\ninput_ids:\n[1]\ninputs:\nKilled\nCUDA out of memory\nlabel_ids:\n[2]\nlabels:\nTrue\n", "", 10, "True"},
	} {
		got := output(t, c.log).Cause()
		if got.Kind != c.kind || c.line > 0 && got.Line != c.line || !strings.Contains(got.Text, c.text) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestOutputFiguresAndNaN(t *testing.T) {
	o := output(t, "[INFO|trainer.py:1] >> ***** Running Evaluation *****\n[INFO] >>   Num examples = 5\n[INFO|trainer.py:1469] >> ***** Running training *****\n[INFO|trainer.py:1470] >>   Num examples = 1,673\n"+
		"***** Running Evaluation *****\n  Num examples = 69\n{'loss': '0', 'grad_norm': 'nan', 'epoch': '0.1'}\n{'loss': nan, 'grad_norm': 1}\n{'loss': '1.5', 'grad_norm': 'inf'}\n")
	if o.Examples != 1673 {
		t.Errorf("%d examples", o.Examples)
	}
	if len(o.Events) != 2 || o.Events[0].Kind != NotFinite || o.Events[0].Line != 7 {
		t.Errorf("%+v", o.Events)
	}
	o = output(t, strings.Repeat("CUDA out of memory\n", 100))
	if len(o.Events) != eventsKept || len(o.Tail) != tailKept || o.Last().Line != 100 {
		t.Errorf("%d events, %d lines, last %+v", len(o.Events), len(o.Tail), o.Last())
	}
}

// However a growing file is cut, its lines are the same.
func TestLinesDoNotDependOnTheReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.StringMatching(`([a-z]|\n|\r){0,5}`)).Draw(t, "parts")
		read := func(parts []string) (got []string) {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			l, all := Follow(path), ""
			for _, part := range parts {
				all += part
				if err := os.WriteFile(path, []byte(all), 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := l.Next(func(n int, line []byte) { got = append(got, strings.Repeat("+", n)+string(line)) }); err != nil {
					t.Fatal(err)
				}
			}
			return append(got, string(l.Rest()))
		}
		if diff := cmp.Diff(read([]string{strings.Join(parts, "")}), read(parts)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzTrainerLog(f *testing.F) {
	for _, name := range []string{"resumed.jsonl", "nan.jsonl", "old.jsonl", "no_state.txt", "worker_killed.txt"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:min(len(data), 4000)])
	}
	f.Add([]byte(`{"current_steps": 1, "loss": NaN, "elapsed_time": "-1 day, 23:59:59"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Curve
		var o Output
		n := 0
		for line := range bytes.Lines(data) {
			n++
			o.Add(n, line)
			p, err := ParsePoint(line)
			if err != nil {
				continue
			}
			c.Add(p)
			if _, err := json.Marshal(p); err != nil {
				t.Fatalf("%q gives a point that cannot be written: %v", line, err)
			}
		}
		for i := 1; i < len(c.Points); i++ {
			if c.Points[i].Step < c.Points[i-1].Step {
				t.Fatalf("the curve goes back: %+v, %+v", c.Points[i-1], c.Points[i])
			}
		}
		if e := o.Cause(); len(o.Tail) > tailKept || len(e.Text) > textKept+3 {
			t.Fatalf("%d lines kept, %d bytes", len(o.Tail), len(e.Text))
		}
	})
}
