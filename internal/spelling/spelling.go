// Package spelling measures how far a misspelt name is from those that are known,
// for errors that suggest one.
package spelling

// Distance is the number of bytes to insert, delete or replace to make b of a
// (Levenshtein's distance), in time and memory of the product and the length of b.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
