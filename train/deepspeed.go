package train

import "encoding/json"

// stagesOfDeepSpeed are the values of Options.DeepSpeed, by the stage of ZeRO.
var stagesOfDeepSpeed = []string{"z0", "z2", "z3"}

// DeepSpeedFile is the name of the file that DeepSpeed reads.
func DeepSpeedFile(stage string) string { return "ds_" + stage + ".json" }

// deepSpeed is the configuration of one of stagesOfDeepSpeed. What is "auto" comes from the YAML,
// so that the two cannot disagree.
func deepSpeed(stage string) ([]byte, error) {
	type mixed struct {
		Enabled string `json:"enabled"`
	}
	type zero struct {
		Stage               int    `json:"stage"`
		OverlapComm         *bool  `json:"overlap_comm,omitempty"`
		ContiguousGradients *bool  `json:"contiguous_gradients,omitempty"`
		ReduceScatter       *bool  `json:"reduce_scatter,omitempty"`
		ReduceBucketSize    any    `json:"reduce_bucket_size,omitempty"`
		AllgatherBucketSize any    `json:"allgather_bucket_size,omitempty"`
		PrefetchBucketSize  string `json:"stage3_prefetch_bucket_size,omitempty"`
		PersistThreshold    string `json:"stage3_param_persistence_threshold,omitempty"`
		GatherWeights       *bool  `json:"stage3_gather_16bit_weights_on_model_save,omitempty"`
	}
	yes, bucket := true, 200_000_000
	z := zero{Stage: int(stage[1] - '0')}
	switch stage {
	case "z2":
		z.OverlapComm, z.ContiguousGradients, z.ReduceScatter = &yes, &yes, &yes
		z.ReduceBucketSize, z.AllgatherBucketSize = bucket, bucket
	case "z3":
		z.OverlapComm, z.ContiguousGradients = &yes, &yes
		z.ReduceBucketSize, z.PrefetchBucketSize, z.PersistThreshold = "auto", "auto", "auto"
		z.GatherWeights = &yes // else the checkpoint holds no weights that anything else reads
	}
	data, err := json.MarshalIndent(struct {
		TrainBatch   string `json:"train_batch_size"`
		MicroBatch   string `json:"train_micro_batch_size_per_gpu"`
		Accumulation string `json:"gradient_accumulation_steps"`
		Clipping     string `json:"gradient_clipping"`
		Untested     bool   `json:"zero_allow_untested_optimizer"` // torch's AdamW is not in DeepSpeed's list
		BF16         mixed  `json:"bf16"`
		FP16         mixed  `json:"fp16"`
		Zero         zero   `json:"zero_optimization"`
	}{"auto", "auto", "auto", "auto", true, mixed{"auto"}, mixed{"auto"}, z}, "", "  ")
	return append(data, '\n'), err
}
