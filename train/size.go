package train

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// modelConfig is what config.json says of a model's shape.
type modelConfig struct {
	Hidden       float64  `json:"hidden_size"`
	Layers       float64  `json:"num_hidden_layers"`
	Intermediate float64  `json:"intermediate_size"`
	Vocabulary   float64  `json:"vocab_size"`
	Heads        float64  `json:"num_attention_heads"`
	KeyHeads     *float64 `json:"num_key_value_heads"`
	Tied         bool     `json:"tie_word_embeddings"`
}

// shape reads config.json of a model that is a directory.
func (p *Plan) shape() (modelConfig, bool) {
	var c modelConfig
	data, err := os.ReadFile(filepath.Join(p.model, "config.json"))
	if err != nil || !filepath.IsAbs(p.model) || json.Unmarshal(data, &c) != nil {
		return c, false
	}
	return c, c.Hidden > 0 && c.Layers > 0 && c.Vocabulary > 0 && c.Heads > 0
}

// parameters counts those of a dense transformer with gated feed-forward layers, from
// its config.
func (c modelConfig) parameters() float64 {
	keys := c.Heads
	if c.KeyHeads != nil {
		keys = *c.KeyHeads
	}
	attention := 2*c.Hidden*c.Hidden + 2*c.Hidden*c.Hidden*keys/c.Heads
	embeddings := c.Vocabulary * c.Hidden
	if !c.Tied {
		embeddings *= 2
	}
	return embeddings + c.Layers*(attention+3*c.Hidden*c.Intermediate)
}

var sizeInName = regexp.MustCompile(`(?i)(?:^|[-_/])(\d+(?:\.\d+)?)([bm])(?:$|[-_/.])`)

// parameters is about how many parameters the model has: by its config, else by the
// size in its name, such as 1.5B.
func (p *Plan) parameters() (float64, bool) {
	if c, ok := p.shape(); ok {
		return c.parameters(), true
	}
	found := sizeInName.FindStringSubmatch(filepath.Base(p.model))
	if found == nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		return 0, false
	}
	if found[2] == "m" || found[2] == "M" {
		return n * 1e6, true
	}
	return n * 1e9, true
}

// memory is what one GPU needs, in bytes.
type memory struct {
	state       float64 // weights, gradients, optimizer
	activations float64 // at most, for a batch of full rows
	how         string  // the state was estimated
}

// Qwen2.5's vocabulary, where the config is not at hand.
const usualVocabulary = 152_000

// need estimates the memory of a model with so many parameters. AdamW in mixed
// precision keeps 16 bytes a parameter: 4 of the weight, 4 of its gradient, 8 of
// moments; with DeepSpeed 2 of the bf16 weight and 14 of the rest, which z2 divides by
// the processes, and z3 all 16. LoRA keeps the bf16 weight, 2 bytes, and about 1 % of
// it trained; qlora its bits. Activations with gradient checkpointing: each layer's
// input in bf16, and the logits, which are 10 bytes a token and word of the vocabulary
// (bf16, then float32 with its gradient), or none with liger.
func (p *Plan) need(parameters float64) memory {
	o, world := p.Options, float64(p.WorldSize)
	perParameter, how := 16.0, "16 bytes a parameter"
	switch {
	case o.Method != Full:
		weight := 2.0
		if o.Method == QLoRA {
			weight = float64(o.QuantizationBit) / 8 * 1.1 // constants of the blocks
		}
		if o.DeepSpeed == "z3" {
			weight /= world
		}
		perParameter = weight + 0.16
		how = fmt.Sprintf("%.2f bytes a parameter of the frozen model and 16 of about 1 %% that is trained", weight)
	case o.DeepSpeed == "z2":
		perParameter, how = 2+14/world, fmt.Sprintf("2 bytes a parameter and 14 divided by %d processes", p.WorldSize)
	case o.DeepSpeed == "z3":
		perParameter, how = 16/world, fmt.Sprintf("16 bytes a parameter divided by %d processes", p.WorldSize)
	}
	m := memory{state: parameters * perParameter, how: how}
	tokens := float64(o.BatchPerDevice) * float64(o.CutoffLen)
	vocabulary, width := float64(usualVocabulary), 0.0
	if c, ok := p.shape(); ok {
		vocabulary, width = c.Vocabulary, c.Hidden*c.Layers
	} else {
		// A layer has about 12 hidden² parameters and there are about hidden/64 layers.
		hidden := math.Cbrt(parameters * 64 / 12)
		width = hidden * hidden / 64
	}
	m.activations = tokens * width * 2
	if !o.Liger {
		m.activations += tokens * vocabulary * 10
	}
	return m
}
