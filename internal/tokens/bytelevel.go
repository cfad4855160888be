package tokens

// letters returns how a vocabulary writes each byte: those that are visible in
// Latin-1 as themselves, the others, in order, as the letters from U+0100 on.
func letters() (of [256]rune) {
	hidden := rune(0x100)
	for b := range of {
		if b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE {
			of[b] = rune(b)
			continue
		}
		of[b] = hidden
		hidden++
	}
	return of
}
