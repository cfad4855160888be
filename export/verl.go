package export

const verlDir = "verl"

// verlRow is a problem in the layout of the published RL data, which verl's
// RLHFDataset reads. Lists have the layout of pyarrow.
type verlRow struct {
	Source      string        `parquet:"source"`
	Domain      []string      `parquet:"domain,list"`
	DataSource  string        `parquet:"data_source"` // by which verl chooses the reward function: the dataset's name
	Prompt      []verlMessage `parquet:"prompt,list,optional" parquet-element:",optional"`
	Ability     string        `parquet:"ability"`
	RewardModel verlReward    `parquet:"reward_model"`
	ExtraInfo   verlExtra     `parquet:"extra_info"`
}

type verlMessage struct {
	Content string `parquet:"content,optional"` // never empty, so never null
	Role    string `parquet:"role,optional"`
}

type verlReward struct {
	GroundTruth string `parquet:"ground_truth"`
	Style       string `parquet:"style"`
}

// verlExtra is handed to the reward function. Its first four columns are those of
// the published data.
type verlExtra struct {
	Index          int64  `parquet:"index"`
	Question       string `parquet:"question"`
	Solution       string `parquet:"solution"` // the ground truth
	Split          string `parquet:"split"`
	ProblemID      string `parquet:"problem_id"`
	Source         string `parquet:"source"`
	FalseNegatives int32  `parquet:"false_negatives"`
	Rejections     int32  `parquet:"rejections"`
	Simulated      bool   `parquet:"simulated"`
}

// openVerl writes the problems as verl's Parquet.
func openVerl(j job) (target, error) {
	ask := j.asker()
	return openPolicy(j, verlDir, "parquet", func(p problem, index int64) verlRow {
		return verlRow{
			Source: p.Source, Domain: p.Domain, DataSource: j.Dataset,
			Prompt:      []verlMessage{{Content: ask(p.Question), Role: "user"}},
			Ability:     "math",
			RewardModel: verlReward{GroundTruth: p.GroundTruth, Style: "rule"},
			ExtraInfo: verlExtra{
				Index: index, Question: p.Question, Solution: p.GroundTruth, Split: p.Split, ProblemID: p.ProblemID, Source: p.Source,
				FalseNegatives: p.FalseNegatives, Rejections: p.Rejections, Simulated: p.Simulated,
			},
		}
	})
}
