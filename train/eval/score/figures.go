package score

import (
	"bytes"
	"encoding/json"
	"fmt"

	"tinyv/internal/interval"
)

// Figures are the numbers of a set of rows. Their JSON is flat: every ratio is
// three keys, its name, and the bounds of its 95% interval under name_lo and
// name_hi; null where it is not defined.
type Figures struct {
	Confusion Confusion

	FNRecall         Estimate // share of the correct answers that are accepted
	TNAccuracy       Estimate // share of the wrong answers that are rejected
	Accuracy         Estimate // share of the rows with the right verdict
	BalancedAccuracy Estimate // mean of FNRecall and TNAccuracy
	Precision        Estimate // share of the accepted answers that are correct
	F1, MCC          Estimate
	Undecided        Estimate // share of the rows without a decision

	// The same over the decided rows alone.
	FNRecallDecided, TNAccuracyDecided, AccuracyDecided Estimate
}

// NewFigures makes the figures of the rows of some units. F1 and MCC have
// bootstrap intervals that depend on the seed; the others follow from the counts.
func NewFigures(units []Unit, seed int64) Figures {
	c := sum(units)
	share := func(p interval.Proportion) Estimate { return Estimate{p.Rate, p.Lo, p.Hi} }
	return Figures{
		Confusion: c,
		FNRecall:  share(c.FNRecall()), TNAccuracy: share(c.TNAccuracy()), Accuracy: share(c.Accuracy()),
		BalancedAccuracy: c.BalancedAccuracy(), Precision: share(c.Precision()),
		F1: F1(units, seed), MCC: MCC(units, seed), Undecided: share(c.UndecidedShare()),
		FNRecallDecided: share(c.Decided().FNRecall()), TNAccuracyDecided: share(c.Decided().TNAccuracy()), AccuracyDecided: share(c.Decided().Accuracy()),
	}
}

// Ratio is one of the figures by its key.
type Ratio struct {
	Key string
	*Estimate
}

// Ratios lists the figures in the order of their keys in JSON.
func (f *Figures) Ratios() []Ratio {
	return []Ratio{
		{"fn_recall", &f.FNRecall}, {"tn_accuracy", &f.TNAccuracy}, {"accuracy", &f.Accuracy}, {"balanced_accuracy", &f.BalancedAccuracy},
		{"precision", &f.Precision}, {"f1", &f.F1}, {"mcc", &f.MCC}, {"undecided", &f.Undecided},
		{"fn_recall_decided", &f.FNRecallDecided}, {"tn_accuracy_decided", &f.TNAccuracyDecided}, {"accuracy_decided", &f.AccuracyDecided},
	}
}

// MarshalJSON writes the flat form.
func (f Figures) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, `{"n":%d,"n_correct":%d,"n_wrong":%d`, f.Confusion.N(), f.Confusion.Correct(), f.Confusion.Wrong())
	for _, r := range f.Ratios() {
		for _, part := range []struct {
			suffix string
			value  *float64
		}{{"", r.Value}, {"_lo", r.Lo}, {"_hi", r.Hi}} {
			value, err := json.Marshal(part.value)
			if err != nil {
				return nil, fmt.Errorf("encoding %s: %w", r.Key, err)
			}
			fmt.Fprintf(&out, `,%q:%s`, r.Key+part.suffix, value)
		}
	}
	confusion, err := json.Marshal(f.Confusion)
	if err != nil {
		return nil, fmt.Errorf("encoding the confusion matrix: %w", err)
	}
	fmt.Fprintf(&out, `,"confusion":%s}`, confusion)
	return out.Bytes(), nil
}

// UnmarshalJSON reads the flat form.
func (f *Figures) UnmarshalJSON(data []byte) error {
	var flat map[string]json.RawMessage
	if err := json.Unmarshal(data, &flat); err != nil {
		return err
	}
	read := func(key string, into any) error {
		value, there := flat[key]
		if !there {
			return fmt.Errorf("the figures have no %q", key)
		}
		return json.Unmarshal(value, into)
	}
	for _, r := range f.Ratios() {
		for suffix, into := range map[string]**float64{"": &r.Value, "_lo": &r.Lo, "_hi": &r.Hi} {
			if err := read(r.Key+suffix, into); err != nil {
				return err
			}
		}
	}
	return read("confusion", &f.Confusion)
}
