package train

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// BatchFile is the name of the file that sbatch reads.
const BatchFile = "train.sbatch"

// Batch is what Slurm is to know of a training beside its plan.
type Batch struct {
	Name   string        // of the job
	Time   time.Duration // after which Slurm ends the job, which then goes on in a new one; 0: the partition's own limit
	Lines  []string      // further options of sbatch, such as --partition=gpu
	Launch []string      // the command that starts the training
	Resume []string      // the command that goes on after a requeue; from the start if there is no checkpoint yet
}

// notice is how long before its limit Slurm warns a job: enough to end the trainer
// and to ask for another turn.
const notice = 120 * time.Second

// Slurm returns the text of the batch file that runs a plan: one task on each node,
// each of which runs Launch, or Resume when the job was requeued. With several nodes
// the commands are given --node and --master of the rendezvous.
func (p *Plan) Slurm(b Batch) ([]byte, error) {
	if b.Time != 0 && b.Time <= 2*notice {
		return nil, fmt.Errorf("train: %v is too short a limit for a Slurm job, which is warned %v before it ends; give it more", b.Time, notice)
	}
	var out bytes.Buffer
	fmt.Fprintln(&out, "#!/bin/bash")
	options := []string{
		"--job-name=" + b.Name, fmt.Sprintf("--nodes=%d", p.Options.Nodes), "--ntasks-per-node=1",
	}
	if p.Options.GPUs > 0 {
		options = append(options, fmt.Sprintf("--gpus-per-node=%d", p.Options.GPUs))
	}
	if b.Time > 0 {
		options = append(options, "--time="+slurmTime(b.Time))
	}
	options = append(options, "--requeue", "--open-mode=append", "--output="+filepath.Join(p.Dir, "slurm-%j.log"),
		fmt.Sprintf("--signal=B:USR1@%d", int(notice.Seconds())))
	for _, option := range append(options, b.Lines...) {
		if strings.ContainsAny(option, "\n\r\"") {
			return nil, fmt.Errorf("train: %q cannot stand in a batch file of Slurm: leave out quotes and line breaks", option)
		}
		if strings.ContainsAny(option, " \t'#\\") {
			option = `"` + option + `"`
		}
		fmt.Fprintf(&out, "#SBATCH %s\n", option)
	}
	rendezvous := ""
	if p.Options.Nodes > 1 {
		fmt.Fprintf(&out, `
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
MASTER_PORT=$((20000 + SLURM_JOB_ID %% 10000))
export MASTER_ADDR MASTER_PORT
`)
		// bash -c runs on each node, where SLURM_NODEID is that node's. The trainer's own
		// names are taken away: it is told them by tinyv.
		rendezvous = ` bash -c 'host=$MASTER_ADDR port=$MASTER_PORT; unset MASTER_ADDR MASTER_PORT; exec "$@" --node "$SLURM_NODEID" --master "$host:$port"' --`
	}
	fmt.Fprintf(&out, `
if [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ]; then
    command=(%s)
else
    command=(%s)
fi

# Slurm sends USR1 before the time is up: end the training, which leaves it
# resumable, and ask for another turn. scancel hands the signal to the step; srun
# would kill the step instead.
again=
trap 'again=1; scancel --signal=TERM "$SLURM_JOB_ID"' USR1

srun --kill-on-bad-exit=1%s "${command[@]}" &
step=$!
wait "$step"
code=$?
if [ -n "$again" ]; then
    wait "$step" # the first was cut short by the signal
    code=$?
    if [ "$code" -ne 0 ]; then
        scontrol requeue "$SLURM_JOB_ID"
        exit 0
    fi
fi
exit "$code"
`, shell(b.Resume), shell(b.Launch), rendezvous)
	return out.Bytes(), nil
}

// slurmTime writes a duration as sbatch reads it, rounded up to minutes.
func slurmTime(d time.Duration) string {
	minutes := int((d + time.Minute - 1) / time.Minute)
	return fmt.Sprintf("%d-%02d:%02d", minutes/(24*60), minutes/60%24, minutes%60)
}

// plainWord is a word that a shell takes as it stands.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shell quotes a command for bash.
func shell(command []string) string {
	quoted := make([]string, len(command))
	for i, word := range command {
		if quoted[i] = word; !plainWord.MatchString(word) {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// Submit hands a batch file to sbatch and returns the job's id. A file that cannot be
// submitted leaves no job.
func Submit(ctx context.Context, file string) (string, error) {
	if _, err := exec.LookPath("sbatch"); err != nil {
		return "", fmt.Errorf("submitting %s: sbatch is not on PATH: run this where Slurm is, or hand the file over yourself (%w)", file, err)
	}
	cmd := exec.CommandContext(ctx, "sbatch", "--parsable", file)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("submitting %s: %w: %s", file, err, strings.TrimSpace(stderr.String()))
	}
	// JOBID, or JOBID;CLUSTER. sbatch may warn in lines before it.
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	id, _, _ := strings.Cut(lines[len(lines)-1], ";")
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return "", fmt.Errorf("sbatch took %s, but names no job: %q; look for it with squeue", file, out)
	}
	return id, nil
}
