package export

// The prefixes of the files of preference pairs, and of their datasets.
const (
	preferencePrefix    = "preference_"
	trlPreferencePrefix = "trl_preference_"
)

// pair is a row in LLaMA-Factory's sharegpt layout of preferences: the right
// verdict and the wrong one to the same messages.
type pair struct {
	Messages []message `json:"conversations"`
	Chosen   message   `json:"chosen"`
	Rejected message   `json:"rejected"`
}

// openPreference writes pairs for LLaMA-Factory's DPO.
func openPreference(j job) (target, error) {
	return &lines[pair]{
		job: j, prefix: preferencePrefix,
		of: func(r row) pair { return pair{asked(r), message{"gpt", r.reply}, message{"gpt", r.wrong}} },
		describe: func() dataset {
			return dataset{
				Formatting: "sharegpt", Ranking: true,
				Columns: map[string]string{"messages": "conversations", "chosen": "chosen", "rejected": "rejected"}, Tags: shareGPTTags(),
			}
		},
	}, nil
}

// trlPair is a row as TRL's DPOTrainer takes it, in its conversational form.
type trlPair struct {
	Prompt   []turn `json:"prompt"`
	Chosen   []turn `json:"chosen"`
	Rejected []turn `json:"rejected"`
}

// openTRLPreference writes pairs for TRL's DPO.
func openTRLPreference(j job) (target, error) {
	return &lines[trlPair]{
		job: j, prefix: trlPreferencePrefix,
		of: func(r row) trlPair {
			return trlPair{askedTurns(r), []turn{{"assistant", r.reply}}, []turn{{"assistant", r.wrong}}}
		},
	}, nil
}
