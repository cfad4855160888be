package train

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"tinyv/train/trainerlog"
)

// Card is what the model card says that training ran with.
type Card struct {
	Hyperparameters map[string]string `json:"hyperparameters"`
	Framework       map[string]string `json:"framework"` // versions, by name
}

// ReadCard reads the README.md that transformers writes beside a trained model.
func ReadCard(path string) (*Card, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the model card: %w", err)
	}
	defer f.Close()
	c := &Card{Hyperparameters: map[string]string{}, Framework: map[string]string{}}
	var list map[string]string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "### Training hyperparameters":
			list = c.Hyperparameters
		case line == "### Framework versions":
			list = c.Framework
		case strings.HasPrefix(line, "#"):
			list = nil
		case list != nil && strings.HasPrefix(line, "- "):
			name, value, ok := strings.Cut(line[2:], ": ")
			if !ok {
				name, value, _ = strings.Cut(line[2:], " ")
			}
			list[name] = value
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the model card %s: %w", path, err)
	}
	if len(c.Hyperparameters) == 0 {
		return nil, fmt.Errorf("the model card %s lists no hyperparameters", path)
	}
	return c, nil
}

// Difference is something that ran otherwise than it was asked for.
type Difference struct {
	Name  string `json:"name"`
	Asked string `json:"asked"`
	Ran   string `json:"ran"`
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: asked %s, ran %s", d.Name, d.Asked, d.Ran)
}

// optimizer finds the parts of the card's line on the optimizer.
var optimizer = regexp.MustCompile(`OptimizerNames\.(\w+) with betas=\(([^,()]+),([^,()]+)\) and epsilon=(\S+)`)

// differences compares what ran with what the plan asked for. The card leaves out
// what is one: a device, an accumulation.
func (p *Plan) differences(c *Card, state *trainerlog.State, examples int64) []Difference {
	var all []Difference
	compare := func(name, asked, ran string) {
		if !same(asked, ran) {
			all = append(all, Difference{name, asked, ran})
		}
	}
	ran := func(name, otherwise string) string {
		if value, ok := c.Hyperparameters[name]; ok {
			return value
		}
		return otherwise
	}
	asked := func(name string) (string, bool) {
		value, ok := p.Keys[name]
		return fmt.Sprint(value), ok
	}
	const missing = "not in the card"
	for _, pair := range [][2]string{ // of the card, of the YAML
		{"learning_rate", "learning_rate"}, {"train_batch_size", "per_device_train_batch_size"}, {"eval_batch_size", "per_device_eval_batch_size"},
		{"seed", "seed"}, {"lr_scheduler_type", "lr_scheduler_type"},
	} {
		if want, ok := asked(pair[1]); ok {
			compare(pair[0], want, ran(pair[0], missing))
		}
	}
	compare("gradient_accumulation_steps", strconv.Itoa(p.Options.GradAccumulation), ran("gradient_accumulation_steps", "1"))
	compare("num_devices", strconv.Itoa(p.WorldSize), ran("num_devices", "1"))
	if p.WorldSize > 1 {
		compare("distributed_type", "multi-GPU", ran("distributed_type", "not distributed")) // so called on CPUs, too
	}
	compare("total_train_batch_size", strconv.Itoa(p.Options.RowsPerStep), ran("total_train_batch_size", ran("train_batch_size", missing)))

	line := ran("optimizer", missing)
	parts := optimizer.FindStringSubmatch(line)
	for i, name := range []string{"optim", "adam_beta1", "adam_beta2", "adam_epsilon"} {
		want, ok := asked(name)
		switch {
		case !ok:
		case parts == nil:
			compare(name, want, line)
		default:
			compare(name, want, strings.ToLower(parts[i+1]))
		}
	}
	if want, ok := asked("warmup_ratio"); ok {
		// transformers 5 has one key for both and takes what is below 1 for the ratio.
		compare("warmup_ratio", want, ran("lr_scheduler_warmup_ratio", ran("lr_scheduler_warmup_steps", "0")))
	}
	if p.Options.MaxSteps > 0 {
		compare("training_steps", strconv.Itoa(p.Options.MaxSteps), ran("training_steps", missing))
	} else {
		compare("num_epochs", float(p.Options.Epochs), ran("num_epochs", missing))
	}
	if _, early := p.Keys["early_stopping_steps"]; !early {
		compare("steps", strconv.FormatInt(p.Steps, 10), strconv.Itoa(state.GlobalStep))
	}
	if rows := p.examples(); rows != 0 && examples != 0 {
		compare("rows", strconv.FormatInt(rows, 10), strconv.FormatInt(examples, 10))
	}
	if n := notFiniteLosses(state.Points); n > 0 {
		all = append(all, Difference{"losses that are finite", strconv.Itoa(len(state.Points)), strconv.Itoa(len(state.Points) - n)})
	}
	return all
}

// examples is the number of rows that the trainer should say it trains on; 0 if
// other keys change it.
func (p *Plan) examples() int64 {
	for _, name := range []string{"max_samples", "val_size", "packing", "neat_packing", "streaming"} {
		if value, ok := p.Keys[name]; ok && value != false {
			return 0
		}
	}
	return p.Rows
}

// same compares numbers as numbers: the card has Python's way of writing them.
func same(asked, ran string) bool {
	x, errX := strconv.ParseFloat(asked, 64)
	y, errY := strconv.ParseFloat(ran, 64)
	if errX == nil && errY == nil {
		return x == y
	}
	return asked == ran
}

func notFiniteLosses(points []trainerlog.Point) int {
	n := 0
	for _, p := range points {
		for _, loss := range []*trainerlog.Float{p.Loss, p.EvalLoss} {
			if loss != nil && !loss.Finite() {
				n++
			}
		}
	}
	return n
}
