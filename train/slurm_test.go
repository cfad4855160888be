package train

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tinyv/internal/stagetest/golden"
)

func TestSlurm(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err)
	}
	emptyPath(t)
	for _, c := range []struct {
		name    string
		options Options
		batch   Batch
	}{
		{"one-node", published, Batch{Name: "tinyv", Launch: []string{"tinyv", "train", "launch", "--out", "/runs/x"}, Resume: []string{"tinyv", "train", "resume", "--out", "/runs/x"}}},
		{"two-nodes", with(func(o *Options) { o.Nodes = 2 }), Batch{
			Name: "tinyv", Time: 26*time.Hour + 90*time.Second, Lines: []string{"--partition=gpu", "--comment=it is mine"},
			Launch: []string{"/opt/tiny v/tinyv", "train", "launch", "it's"}, Resume: []string{"/opt/tiny v/tinyv", "train", "resume"},
		}},
		{"cpu", with(func(o *Options) { o.GPUs = 0 }), Batch{Name: "tiny", Time: time.Hour, Launch: []string{"tinyv", "launch"}, Resume: []string{"tinyv", "resume"}}},
	} {
		p, err := write(t, c.options)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Slurm(c.batch)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(bash, "-n")
		cmd.Stdin = strings.NewReader(string(got))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: bash does not read it: %v %s", c.name, err, out)
		}
		golden.Compare(t, c.name+".sbatch", strings.ReplaceAll(string(got), p.Dir, "/runs/x/train"))
	}
	p := &Plan{Options: published}
	if _, err := p.Slurm(Batch{Time: time.Minute}); err == nil || !strings.Contains(err.Error(), "give it more") {
		t.Errorf("a minute: %v", err)
	}
	if _, err := p.Slurm(Batch{Lines: []string{"--comment=a\nrm -rf x"}}); err == nil {
		t.Error("a line break in an option is taken")
	}
}

// The batch file under bash, with commands that do as Slurm's: USR1 ends the step, and
// the job asks for another turn; one that ends by itself does not.
func TestSlurmRuns(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, step, restarts string
		want                 string // what was called
		code                 int
	}{
		{"ends", "exit 0", "", "srun --kill-on-bad-exit=1 tinyv launch\n", 0},
		{"fails", "exit 7", "", "srun --kill-on-bad-exit=1 tinyv launch\n", 7},
		{"requeued", "exit 0", "1", "srun --kill-on-bad-exit=1 tinyv resume\n", 0},
		{"time is up", `trap 'echo term >> "$LOG"; exit 3' TERM; kill -USR1 "$PPID"; while :; do sleep 0.1; done`, "", "srun --kill-on-bad-exit=1 tinyv launch\nscancel --signal=TERM 17\nterm\nscontrol requeue 17\n", 0},
		{"done as the time is up", `trap 'exit 0' TERM; kill -USR1 "$PPID"; while :; do sleep 0.1; done`, "", "srun --kill-on-bad-exit=1 tinyv launch\nscancel --signal=TERM 17\n", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			bin, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
			script(t, bin, "srun", `echo srun "$@" >> "$LOG"; echo $$ > "$LOG.step"`+"\n"+c.step)
			script(t, bin, "scancel", `echo scancel "$@" >> "$LOG"; kill -TERM "$(cat "$LOG.step")"`)
			script(t, bin, "scontrol", `echo scontrol "$@" >> "$LOG"`)
			p := &Plan{Dir: "/x", Options: with(func(o *Options) { o.Nodes = 1 })}
			text, err := p.Slurm(Batch{Name: "x", Launch: []string{"tinyv", "launch"}, Resume: []string{"tinyv", "resume"}})
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(bash)
			cmd.Stdin = strings.NewReader(string(text))
			cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin", "LOG=" + log, "SLURM_JOB_ID=17", "SLURM_RESTART_COUNT=" + c.restarts}
			out, _ := cmd.CombinedOutput()
			called := string(readFile(t, log))
			if called != c.want || cmd.ProcessState.ExitCode() != c.code {
				t.Errorf("code %d, called:\n%s%s", cmd.ProcessState.ExitCode(), called, out)
			}
		})
	}
}

func TestSubmit(t *testing.T) {
	bin := emptyPath(t)
	if _, err := Submit(t.Context(), "x.sbatch"); err == nil || !strings.Contains(err.Error(), "sbatch is not on PATH") {
		t.Errorf("no sbatch: %v", err)
	}
	for _, c := range []struct{ body, id, problem string }{
		{`[ "$1" = --parsable ] && [ "$2" = x.sbatch ] && echo 4711`, "4711", ""},
		{`echo 12;`, "12", ""},
		{`echo '13;cluster'`, "13", ""},
		{`echo "sbatch: warning"; echo 14`, "14", ""},
		{`echo "sbatch: error: invalid partition specified: x" >&2; exit 1`, "", "invalid partition"},
		{`echo "Submitted batch job 15"`, "", "squeue"},
		{``, "", "squeue"},
	} {
		script(t, bin, "sbatch", c.body)
		id, err := Submit(t.Context(), "x.sbatch")
		if id != c.id || (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%q: %q, %v", c.body, id, err)
		}
	}
}
