// Package traintest is a stand-in for LLaMA-Factory, for tests: a program that takes
// the command lines, files, environment and signals of llamafactory-cli 0.9.5 as the
// real one was seen to (transformers 5.6, torch 2.6, on CPU), and trains nothing.
//
// It reads the YAML, counts the dataset's rows, writes trainer_log.jsonl line by
// line, checkpoints with the same files in the same order, and at the end
// trainer_state.json, the results and the model card, the card last. It goes on from
// resume_from_checkpoint, and by itself from the highest checkpoint, whole or not.
// FORCE_TORCHRUN=1 makes a torchrun, whose workers are each in a session of their
// own. The loss is a function of the step alone, so a resumed run repeats it.
//
// A test that is named llamafactory-cli by its first argument becomes it: see Main and Install.
package traintest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Program is the command that this package stands in for.
const Program = "llamafactory-cli"

// KnobsVariable is the environment variable that tells the stand-in how to
// misbehave: words with commas between, of
//
//	delay=20ms       time of a step
//	oom=5            CUDA is out of memory in step 5
//	memory=5         the kernel kills the process (a worker, under torchrun) in step 5
//	nan=5            from step 5 on the loss is NaN
//	hang=5           step 5 never ends; of a server, request 5 and all later ones
//	exit=5           step 5 ends with exit code 3, without a word
//	half=10          killed while it writes checkpoint-10: no trainer_state.json
//	drop=3           3 rows of the dataset are dropped
//	card=seed:7      the model card says so
//	deaf             SIGTERM is ignored
//	linger           it does not end when all is written
const KnobsVariable = "TINYV_STANDIN"

// roleVariable tells a process of the stand-in that it is torchrun or its worker.
const roleVariable = "TINYV_STANDIN_ROLE"

// Install puts the stand-in into a directory that is to be first on PATH. The test
// binary's TestMain must call MainIfNamed.
func Install(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, name := range []string{Program, "torchrun"} {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// MainIfNamed runs the stand-in and exits if the process was started as one of its
// programs.
func MainIfNamed() {
	if name := filepath.Base(os.Args[0]); name == Program || name == "torchrun" {
		os.Exit(Main())
	}
}

// Main is the stand-in; it returns the exit code.
func Main() int {
	knobs, err := parseKnobs(os.Getenv(KnobsVariable))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	switch {
	case os.Getenv(roleVariable) == "torchrun":
		return torchrun(knobs)
	case os.Getenv(roleVariable) == "worker":
		return train(os.Args[1], knobs)
	case len(os.Args) == 2 && os.Args[1] == "version":
		fmt.Println("----------------------------------------------------------")
		fmt.Println("| Welcome to LLaMA Factory, version 0.9.5                |")
		fmt.Println("----------------------------------------------------------")
		return 0
	case len(os.Args) > 2 && os.Args[1] == "api":
		return serve(knobs)
	case len(os.Args) == 3 && os.Args[1] == "train":
		if on(os.Getenv("FORCE_TORCHRUN")) {
			return launch(os.Args[2])
		}
		return train(os.Args[2], knobs)
	}
	fmt.Fprintf(os.Stderr, "the stand-in of %s knows `version` and `train FILE.yaml`, not %q\n", Program, os.Args[1:])
	return 2
}

// on reads a flag as LLaMA-Factory does.
func on(value string) bool {
	switch strings.ToLower(value) {
	case "true", "y", "1":
		return true
	}
	return false
}

type knobs struct {
	delay                              time.Duration
	oom, memory, nan, hang, exit, half int // steps; 0 is never
	drop                               int
	cardKey, cardValue                 string
	deaf, linger                       bool
}

func parseKnobs(s string) (knobs, error) {
	k := knobs{}
	steps := map[string]*int{"oom": &k.oom, "memory": &k.memory, "nan": &k.nan, "hang": &k.hang, "exit": &k.exit, "half": &k.half, "drop": &k.drop}
	for word := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		var err error
		switch {
		case name == "":
		case name == "deaf":
			k.deaf = true
		case name == "linger":
			k.linger = true
		case name == "delay":
			k.delay, err = time.ParseDuration(value)
		case name == "card":
			k.cardKey, k.cardValue, _ = strings.Cut(value, ":")
		case steps[name] != nil:
			*steps[name], err = strconv.Atoi(value)
		default:
			err = errors.New("no such knob")
		}
		if err != nil {
			return k, fmt.Errorf("%s: %q: %w", KnobsVariable, word, err)
		}
	}
	return k, nil
}
