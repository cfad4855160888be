package rows

import "math"

// Problem is one mathematics problem with its reference answer.
type Problem struct {
	ProblemID   string   `parquet:"problem_id" json:"problem_id"`     // from the input, or a hash of question and ground truth
	Source      string   `parquet:"source" json:"source"`             // the collection it comes from; may be empty
	Domain      []string `parquet:"domain,list" json:"domain"`        // subject paths, as in Big-Math; may be empty
	Question    string   `parquet:"question" json:"question"`         // never empty
	GroundTruth string   `parquet:"ground_truth" json:"ground_truth"` // never empty
	SolveRate   *float64 `parquet:"llama8b_solve_rate,optional" json:"llama8b_solve_rate"`
	Extra       string   `parquet:"extra" json:"extra"`         // the input's other columns, a JSON object with sorted keys, or empty
	Simulated   bool     `parquet:"simulated" json:"simulated"` // made by internal/sim, not by people or a real model
}

// Response is one model reply to a Problem, and what the rule verifier says of it.
type Response struct {
	ProblemID   string   `parquet:"problem_id" json:"problem_id"`
	Source      string   `parquet:"source" json:"source"`
	Domain      []string `parquet:"domain,list" json:"domain"`
	Question    string   `parquet:"question" json:"question"`
	GroundTruth string   `parquet:"ground_truth" json:"ground_truth"`
	SolveRate   *float64 `parquet:"llama8b_solve_rate,optional" json:"llama8b_solve_rate"`

	Sample           int32    `parquet:"sample" json:"sample"`       // 0-based number of the reply to this problem
	Model            string   `parquet:"model" json:"model"`         // who replied; empty if imported without saying
	Response         string   `parquet:"response" json:"response"`   // the whole reply, without the separate reasoning text
	Reasoning        string   `parquet:"reasoning" json:"reasoning"` // the separate reasoning text, if the endpoint gives one
	FinishReason     string   `parquet:"finish_reason" json:"finish_reason"`
	PromptTokens     int32    `parquet:"prompt_tokens" json:"prompt_tokens"`
	CompletionTokens int32    `parquet:"completion_tokens" json:"completion_tokens"`
	CostUSD          *float64 `parquet:"cost_usd,optional" json:"cost_usd"` // null where the endpoint has no price
	Boxed            *string  `parquet:"boxed,optional" json:"boxed"`       // content of the last box; null if there is none
	Extracted        string   `parquet:"extracted" json:"extracted"`        // what the rule verifier judged

	Rule         string `parquet:"rule" json:"rule"`                            // the rule verifier
	RuleCorrect  *bool  `parquet:"rule_correct,optional" json:"rule_correct"`   // null if it was undecided
	RuleReason   string `parquet:"rule_reason" json:"rule_reason"`              // its reason code
	KnownCorrect *bool  `parquet:"known_correct,optional" json:"known_correct"` // a label that came with the input, to compare with; never used to label
	Extra        string `parquet:"extra" json:"extra"`
	Simulated    bool   `parquet:"simulated" json:"simulated"`
}

// Answer is what annotators are shown and what examples hold: the whole box if
// the reply has one, else what the rule verifier extracted. The rule's own
// extraction damages some boxes (`x = 3` becomes `3`).
func (r *Response) Answer() string {
	if r.Boxed != nil {
		return *r.Boxed
	}
	return r.Extracted
}

// Candidate is an answer that no model sampled: made for the annotators to judge.
type Candidate struct {
	ProblemID   string   `parquet:"problem_id" json:"problem_id"`
	Source      string   `parquet:"source" json:"source"`
	Domain      []string `parquet:"domain,list" json:"domain"`
	Question    string   `parquet:"question" json:"question"`
	GroundTruth string   `parquet:"ground_truth" json:"ground_truth"`

	Sample      int32    `parquet:"sample" json:"sample"` // 0-based number among the candidates of the problem
	Answer      string   `parquet:"answer" json:"answer"`
	Origin      string   `parquet:"origin" json:"origin"`        // OriginSynthetic, OriginNearMiss or OriginHardening
	Kind        string   `parquet:"kind" json:"kind"`            // how it was made
	Known       *bool    `parquet:"known,optional" json:"known"` // false if it is wrong by construction and nobody is asked; else null
	Model       string   `parquet:"model" json:"model"`          // the generator; empty if made by rule
	Rule        string   `parquet:"rule" json:"rule"`            // the rule verifier
	RuleCorrect *bool    `parquet:"rule_correct,optional" json:"rule_correct"`
	RuleReason  string   `parquet:"rule_reason" json:"rule_reason"`
	CostUSD     *float64 `parquet:"cost_usd,optional" json:"cost_usd"` // its share of the request that made it; null where the endpoint has no price
	Extra       string   `parquet:"extra" json:"extra"`
	Simulated   bool     `parquet:"simulated" json:"simulated"`
}

// AnnotatorVote is one reply of one annotator about one answer.
type AnnotatorVote struct {
	Sample           int32    `parquet:"sample" json:"sample"`                  // 0-based, of an annotator that is asked several times
	Confidence       *float64 `parquet:"confidence,optional" json:"confidence"` // probability of the verdict's token, 0 to 1; null if unknown
	Annotator        string   `parquet:"annotator" json:"annotator"`            // its name in the config
	Model            string   `parquet:"model" json:"model"`                    // as the endpoint calls it
	Correct          *bool    `parquet:"correct,optional" json:"correct"`       // null if it did not decide
	Reason           string   `parquet:"reason" json:"reason"`                  // its own words, or why it did not decide
	Reply            string   `parquet:"reply" json:"reply"`                    // to the letter
	Reasoning        string   `parquet:"reasoning" json:"reasoning"`            // separate reasoning text, if any
	FinishReason     string   `parquet:"finish_reason" json:"finish_reason"`
	PromptSHA256     string   `parquet:"prompt_sha256" json:"prompt_sha256"` // hex, of the rendered prompt
	PromptTokens     int32    `parquet:"prompt_tokens" json:"prompt_tokens"`
	CompletionTokens int32    `parquet:"completion_tokens" json:"completion_tokens"`
	CostUSD          *float64 `parquet:"cost_usd,optional" json:"cost_usd"` // null where the endpoint has no price
}

// Annotation is one rejected answer with its votes and the label they make.
type Annotation struct {
	ProblemID   string   `parquet:"problem_id" json:"problem_id"`
	Source      string   `parquet:"source" json:"source"`
	Domain      []string `parquet:"domain,list" json:"domain"`
	Question    string   `parquet:"question" json:"question"`
	GroundTruth string   `parquet:"ground_truth" json:"ground_truth"`

	Sample       int32           `parquet:"sample" json:"sample"`
	Answer       string          `parquet:"answer" json:"answer"`       // what was judged and will be trained on
	Extracted    string          `parquet:"extracted" json:"extracted"` // what the rule verifier judged
	Rule         string          `parquet:"rule" json:"rule"`
	RuleCorrect  *bool           `parquet:"rule_correct,optional" json:"rule_correct"`
	Votes        []AnnotatorVote `parquet:"votes,list" json:"votes"`
	Label        *bool           `parquet:"label,optional" json:"label"`      // null if undecided; never guessed
	LabelReason  string          `parquet:"label_reason" json:"label_reason"` // the vote's rule, or why it is undecided
	Origin       string          `parquet:"origin" json:"origin"`             // one of the Origin constants
	Kind         string          `parquet:"kind" json:"kind"`                 // how a made answer was made; empty if sampled
	Category     string          `parquet:"category" json:"category"`         // why the rule rejected a correct answer, by rule; empty if unknown
	CategoryLLM  string          `parquet:"category_llm" json:"category_llm"` // the same, by a model
	KnownCorrect *bool           `parquet:"known_correct,optional" json:"known_correct"`
	Extra        string          `parquet:"extra" json:"extra"`
	Simulated    bool            `parquet:"simulated" json:"simulated"` // the reply or a vote was simulated
}

// Example is one labelled row of the training set.
type Example struct {
	ProblemID      string   `parquet:"problem_id" json:"problem_id"`
	Source         string   `parquet:"source" json:"source"`
	Domain         []string `parquet:"domain,list" json:"domain"`
	Question       string   `parquet:"question" json:"question"`
	GroundTruth    string   `parquet:"ground_truth" json:"ground_truth"`
	Sample         int32    `parquet:"sample" json:"sample"`
	Copy           int32    `parquet:"copy" json:"copy"` // 0, or the 1-based number of a repetition by up-sampling
	Answer         string   `parquet:"answer" json:"answer"`
	Label          bool     `parquet:"label" json:"label"`
	Reason         string   `parquet:"reason" json:"reason"`                 // an annotator's words for the label; empty if none gave any
	ReasonAgainst  string   `parquet:"reason_against" json:"reason_against"` // an annotator's words for the other label; empty if none gave any
	Origin         string   `parquet:"origin" json:"origin"`
	Kind           string   `parquet:"kind" json:"kind"`
	Category       string   `parquet:"category" json:"category"`
	FalseNegatives int32    `parquet:"false_negatives" json:"false_negatives"` // sampled answers to this question, in the whole pool, that the rule wrongly rejects
	Rejections     int32    `parquet:"rejections" json:"rejections"`           // sampled answers to this question, in the whole pool, that the rule rejects and that have a label
	Split          string   `parquet:"split" json:"split"`                     // one of the Split constants
	Extra          string   `parquet:"extra" json:"extra"`
	Simulated      bool     `parquet:"simulated" json:"simulated"`
}

// The splits of the training set. No question is in two of them, in whatever
// written form.
const (
	SplitTrain   = "train"
	SplitEval    = "eval"     // validation during training
	SplitHeldOut = "held_out" // sources that training never sees
)

// Splits lists the splits, in the order in which files and tables have them.
func Splits() []string { return []string{SplitTrain, SplitEval, SplitHeldOut} }

// Where the answer of an Annotation or Example comes from.
const (
	OriginSampled    = "sampled"    // a model's answer that the rule verifier rejects
	OriginAcceptance = "acceptance" // a model's answer that the rule verifier accepts
	OriginSynthetic  = "synthetic"  // another way to write the ground truth
	OriginNearMiss   = "near_miss"  // a wrong answer close to the ground truth
	OriginHardening  = "hardening"  // an answer that attacks a verifier
)

// Origins lists where answers come from, in the order in which tables have them.
func Origins() []string {
	return []string{OriginSampled, OriginAcceptance, OriginSynthetic, OriginNearMiss, OriginHardening}
}

// Tokens is a count of tokens as rows hold it. No reply has more than fit; a server
// that says so is not believed.
func Tokens(n int64) int32 { return int32(min(max(n, 0), math.MaxInt32)) }

// FinishLength is the finish reason of a reply that max_tokens cut off.
const FinishLength = "length"

// Rejected is one input row that a stage dropped, as its reject file lists it.
type Rejected struct {
	Input  string `parquet:"input" json:"input"`   // file name of the input
	Row    int64  `parquet:"row" json:"row"`       // 1-based row (or line, for JSON lines) in it; 0 if it has none
	Reason string `parquet:"reason" json:"reason"` // a stable code, the same that the manifest counts
	Detail string `parquet:"detail" json:"detail"` // what was wrong, for a person
}
