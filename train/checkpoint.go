package train

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"tinyv/train/trainerlog"
)

// Checkpoint is a checkpoint-N of an output directory.
type Checkpoint struct {
	Step      int    `json:"step"`
	Path      string `json:"path"`
	Processes int    `json:"processes"`        // that wrote it; 0 if it does not tell
	Broken    string `json:"broken,omitempty"` // why training cannot go on from it; empty if it can
}

var checkpointName = regexp.MustCompile(`^checkpoint-(\d+)$`)

// Checkpoints lists the checkpoints of an output directory by their step, each with
// what is wrong with it. The trainer writes them in place, so one that was being
// written when it was killed is half there.
func Checkpoints(outputDir string) ([]Checkpoint, error) {
	entries, err := os.ReadDir(outputDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Checkpoint
	for _, e := range entries {
		found := checkpointName.FindStringSubmatch(e.Name())
		if found == nil || !e.IsDir() {
			continue
		}
		step, err := strconv.Atoi(found[1])
		if err != nil {
			continue
		}
		c := Checkpoint{Step: step, Path: filepath.Join(outputDir, e.Name())}
		states, err := filepath.Glob(filepath.Join(escapeGlob(c.Path), "rng_state*.pth"))
		if err != nil {
			return nil, err
		}
		c.Processes = len(states)
		if err := c.check(); err != nil {
			c.Broken = err.Error()
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Checkpoint) int { return a.Step - b.Step })
	return all, nil
}

// lastWhole is the last checkpoint that training can go on from, nil if there is none.
func lastWhole(all []Checkpoint) *Checkpoint {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Broken == "" {
			return &all[i]
		}
	}
	return nil
}

// check says what is wrong with a checkpoint. The state is written last; the weights
// and the optimizer are looked into all the same, since a disk may have been full,
// and the trainer goes on with a fresh optimizer where it finds none.
func (c Checkpoint) check() error {
	state, err := trainerlog.ReadState(filepath.Join(c.Path, "trainer_state.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("no trainer_state.json, which is written last")
	case err != nil:
		return fmt.Errorf("trainer_state.json: %w", err)
	case state.GlobalStep != c.Step:
		return fmt.Errorf("trainer_state.json is of step %d", state.GlobalStep)
	}
	if err := c.weights(); err != nil {
		return err
	}
	if c.Processes == 0 {
		return errors.New("no rng_state*.pth")
	}
	if shards, err := filepath.Glob(filepath.Join(escapeGlob(c.Path), "global_step*")); err == nil && len(shards) > 0 {
		return nil // DeepSpeed keeps the optimizer there
	}
	for _, name := range []string{"optimizer.pt", "scheduler.pt"} {
		if err := wholeZip(filepath.Join(c.Path, name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// weights checks the weights: of the model in one file or in several, or an adapter.
func (c Checkpoint) weights() error {
	for _, name := range []string{"model.safetensors", "adapter_model.safetensors"} {
		err := wholeTensors(filepath.Join(c.Path, name))
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	const name = "model.safetensors.index.json"
	content, err := os.ReadFile(filepath.Join(c.Path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("no weights")
	}
	if err != nil {
		return err
	}
	var index struct {
		Shards map[string]string `json:"weight_map"` // by tensor
	}
	if err := json.Unmarshal(content, &index); err != nil || len(index.Shards) == 0 {
		return fmt.Errorf("%s names no shards", name)
	}
	var shards []string
	for _, shard := range index.Shards {
		shards = append(shards, shard)
	}
	slices.Sort(shards)
	for _, shard := range slices.Compact(shards) {
		if err := wholeTensors(filepath.Join(c.Path, filepath.Base(shard))); err != nil {
			return fmt.Errorf("%s: %w", shard, err)
		}
	}
	return nil
}

// wholeTensors checks that a safetensors file has the length that its header says.
func wholeTensors(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var length [8]byte
	if _, err := io.ReadFull(f, length[:]); err != nil {
		return errors.New("cut off in its header")
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > 100<<20 || int64(n) > info.Size()-8 {
		return errors.New("cut off in its header")
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(f, header); err != nil {
		return err
	}
	var tensors map[string]json.RawMessage
	if err := json.Unmarshal(header, &tensors); err != nil {
		return fmt.Errorf("its header is no JSON: %w", err)
	}
	var end int64
	for name, content := range tensors {
		if name == "__metadata__" {
			continue
		}
		var tensor struct {
			Offsets [2]int64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(content, &tensor); err != nil {
			return fmt.Errorf("its header: tensor %q: %w", name, err)
		}
		end = max(end, tensor.Offsets[1])
	}
	if want := 8 + int64(n) + end; info.Size() != want {
		return fmt.Errorf("it has %d bytes of %d", info.Size(), want)
	}
	return nil
}

// wholeZip checks that a file of torch.save has its end: a zip's directory comes last.
func wholeZip(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("it is missing")
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end := make([]byte, min(info.Size(), 64<<10))
	if _, err := f.ReadAt(end, info.Size()-int64(len(end))); err != nil {
		return err
	}
	if !bytes.Contains(end, []byte("PK\x05\x06")) {
		return errors.New("cut off")
	}
	return nil
}

// setAside renames the checkpoints that are half there, so that neither the trainer
// nor a later resume takes one for the newest. It returns their new paths.
func setAside(all []Checkpoint) ([]string, error) {
	var moved []string
	for _, c := range all {
		if c.Broken == "" {
			continue
		}
		// The trainer's own names begin with checkpoint-.
		path := filepath.Join(filepath.Dir(c.Path), "half-"+filepath.Base(c.Path))
		for n := 2; ; n++ {
			if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
				break
			}
			path = filepath.Join(filepath.Dir(c.Path), fmt.Sprintf("half-%s.%d", filepath.Base(c.Path), n))
		}
		if err := os.Rename(c.Path, path); err != nil {
			return moved, fmt.Errorf("setting a half-written checkpoint aside: %w", err)
		}
		moved = append(moved, path)
	}
	return moved, nil
}
