package score

// lengths are the bins of answers by bytes: the first length that is in each.
var lengths = [...]struct {
	from int
	name string
}{{65, "65+"}, {33, "33-64"}, {17, "17-32"}, {9, "9-16"}, {5, "5-8"}, {1, "1-4"}, {0, "0"}}

// LengthBin is the bin of an answer of that many bytes.
func LengthBin(bytes int) string {
	for _, l := range lengths {
		if bytes >= l.from {
			return l.name
		}
	}
	return lengths[len(lengths)-1].name
}

// LengthBins lists the bins, shortest answers first.
func LengthBins() []string {
	names := make([]string, len(lengths))
	for i, l := range lengths {
		names[len(lengths)-1-i] = l.name
	}
	return names
}
