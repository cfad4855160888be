// Package tokens counts the tokens of texts as the model's own tokenizer.json
// would, so that rows which training would cut can be dropped before.
//
// [Load] reads a tokenizer.json and promises the token ids of Hugging Face's
// tokenizers package, without the tokens that a post-processor would put around a
// text, which training does not ask for. It supports the byte-level BPE of GPT-2,
// Llama 3 and Qwen2 (merges written in either way, ignore_merges, added tokens, NFC or
// no normalizer, the three patterns that split words) and refuses every other file
// with an error that names what is not supported: a count is exact or there is none.
// [Tokenizer.Count] takes time n log n in the longest word and linear time in
// everything else, whatever the text, and some 40 bytes of memory for each byte of
// the longest word; the words of texts before are kept in a cache of bounded size.
//
// [Bound] is for when there is no tokenizer: a number that no such vocabulary
// exceeds. [Row] counts a whole row under a chat template of LLaMA-Factory.
//
// # What differs from the original
//
// Letters and digits of Unicode 16 and later split words otherwise: Go's Unicode is
// 15, that of tokenizers 0.23 is later. With Qwen's vocabulary that was not seen to
// change a token. make check-tokens compares, and found no difference at all.
//
// # Why it is written here
//
// No Go library that is kept and to be had reads Qwen's file: sugarme/tokenizer 0.3.0
// panics at the lookahead of its pattern, gomlx/go-huggingface 0.3.1 knows
// SentencePiece only, and what else there is (mattn/tensai, zerfoo/ztoken,
// openfluke/loom) is not on the module proxy.
package tokens
