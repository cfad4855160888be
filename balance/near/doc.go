// Package near finds questions that say almost the same: MinHash and
// locality-sensitive hashing over shingles of words, out of core.
//
// # What is near
//
// A question is the set of its shingles: every run of Options.Shingle tokens of
// its normal form (package question). Two questions are near if the share of
// shingles that they have in common (Jaccard) is estimated at Options.Threshold or
// more, from 128 hash functions drawn from Options.Seed. The estimate of a share s
// has a standard deviation of sqrt(s(1-s)/128): 0.035 at 0.8.
//
// Two questions whose sequences of numbers differ, signs included, are never near,
// whatever the threshold: "what is 2+3" and "what is 2+4" are different problems
// in almost the same words. A question of fewer tokens than a shingle is near to
// none.
//
// A cluster is everything that pairs connect. It is transitive: its first and its
// last member need not be near each other.
//
// # How pairs are found
//
// The 128 hashes are cut into b bands of r. Two questions that agree in all of a
// band are a candidate, and candidates are compared by all hashes. A pair of
// similarity s is a candidate with probability 1-(1-s^r)^b; r is the largest for
// which that is 0.98 or more at the threshold, and b is 128/r:
//
//	threshold  0.5  0.6  0.7  0.8  0.9  0.95
//	r            3    4    5    7   11    16
//	b           42   32   25   18   11     8
//
// Where more than 64 questions agree in a band, each is compared with the 64
// before it in the order of keys, so that time stays linear.
//
// # What it promises
//
// The clusters depend on the questions, their keys and the options; not on the
// order of adding. Memory is at most 24 bytes per distinct question and a few
// megabytes, the clusters returned aside; the rest is on disk, 272+8b bytes per
// distinct question (416 at 0.8), in files that Close deletes.
package near
