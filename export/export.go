// Package export is stage 4: it writes balanced examples in the form that
// trainers read. [LLaMAFactory] is the one target there is; each target is one file.
//
// It promises: no problem is in both splits, in whatever written form its rows
// are; every row written is one the trainer's own loader keeps.
package export

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"tinyv/internal/rows"
	"tinyv/verify/model"
)

// The splits.
const (
	Train = "train"
	Eval  = "eval"
)

// split puts a problem into a split by its question alone, white space aside, so
// that it does not depend on which other problems there are.
func split(seed int64, question string, evalShare float64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "split %d\n%s", seed, strings.Join(strings.Fields(question), " ")))
	// 53 bits make a uniform number in [0, 1).
	if float64(binary.BigEndian.Uint64(sum[:8])>>11)/(1<<53) < evalShare {
		return Eval
	}
	return Train
}

// The words of the verifier's reply, as published.
const (
	replyTrue  = "True"
	replyFalse = "False"
)

// prompt is what the trained verifier is asked, and reply what it shall answer.
func prompt(template string, e rows.Example) string {
	return model.Fill(template, e.Question, e.GroundTruth, e.Answer)
}

func reply(e rows.Example) string {
	if e.Label {
		return replyTrue
	}
	return replyFalse
}
