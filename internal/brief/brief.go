// Package brief shortens texts of others for messages and lists.
package brief

// Of returns a text of at most some characters; the last is … where it was cut.
func Of(text string, most int) string {
	n, cut := 0, 0
	for i := range text {
		n++
		if n == most {
			cut = i
		}
		if n > most {
			return text[:cut] + "…"
		}
	}
	return text
}
