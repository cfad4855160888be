package eval

// Verdict is what the verifier said of one row of the benchmark, as it stands, in
// a variant or attacked.
type Verdict struct {
	ID          string `parquet:"id" json:"id"`             // of the benchmark's row
	Pair        string `parquet:"pair" json:"pair"`         // rows of one question share it
	Source      string `parquet:"source" json:"source"`     // may be empty
	Category    string `parquet:"category" json:"category"` // why a rule rejects it though it is correct; empty if unknown
	Question    string `parquet:"question" json:"question"`
	GroundTruth string `parquet:"ground_truth" json:"ground_truth"`
	Answer      string `parquet:"answer" json:"answer"` // as it was judged: of an attacked row, the attack
	AnswerBytes int32  `parquet:"answer_bytes" json:"answer_bytes"`
	Label       bool   `parquet:"label" json:"label"`     // the answer is correct
	Family      string `parquet:"family" json:"family"`   // of the attack; empty if the row is not attacked
	Variant     string `parquet:"variant" json:"variant"` // how it was rewritten; empty if it was not
	Repeat      int32  `parquet:"repeat" json:"repeat"`   // 0, or the 1-based number of a repetition

	Outcome          string   `parquet:"outcome" json:"outcome"` // correct, incorrect or undecided
	Reason           string   `parquet:"reason" json:"reason"`
	Extracted        string   `parquet:"extracted" json:"extracted"`                // what the verifier took the answer to be
	Reply            string   `parquet:"reply" json:"reply"`                        // of a model, to the letter; empty for a rule
	Confidence       *float64 `parquet:"confidence,optional" json:"confidence"`     // in the outcome, 0 to 1; null if it is not known
	Milliseconds     *float64 `parquet:"milliseconds,optional" json:"milliseconds"` // null if the reply came from the journal
	PromptTokens     int32    `parquet:"prompt_tokens" json:"prompt_tokens"`
	CompletionTokens int32    `parquet:"completion_tokens" json:"completion_tokens"`
	CostUSD          *float64 `parquet:"cost_usd,optional" json:"cost_usd"` // null where there is no price
	Simulated        bool     `parquet:"simulated" json:"simulated"`        // the row or the verifier is simulated
}
