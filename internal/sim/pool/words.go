package pool

import (
	"math/rand/v2"
	"strconv"
)

// sentences are what questions are padded with. Each draws six words or more, so
// that no two questions have much in common.
var sentences = []string{
	"@w @v @n @a @t near the @p while @w counted the @c @t. ",
	"In the @p there are @n @a @t and @n @c @t under a @s. ",
	"Every @d the @p sends @n @t by @s to the @a @p of @w. ",
	"The @a @t of @w were @v with @n @c @t behind the @p. ",
	"Between the @p and the @p @w saw @n @a @t and one @c @s. ",
	"A @c @s holds @n @t, and @w @v a @a @s with @n more. ",
	"After a @d in the @p, @w had @v the @a @t but not the @c @s. ",
	"For each of the @n @c @t that @w @v, the @p owes @w a @a @s. ",
	"Nobody but @w knows that the @a @p hides @n @t and a @c @s. ",
	"When the @t were @v, @n of them fell on the @c @s by the @p of @w. ",
	"@w and @w share @n @a @t from the @p every second @d. ",
	"Beside a @a @s the @c @t of @w lie in @n rows along the @p. ",
}

var (
	things = []string{
		"apples", "bricks", "marbles", "tickets", "coins", "ropes", "lanterns", "barrels", "candles", "buttons", "pencils", "stamps", "kites", "shells", "beads", "nails",
		"melons", "tiles", "arrows", "bottles", "feathers", "hats", "spoons", "maps", "drums", "keys", "needles", "ladders", "pebbles", "pillows", "screws", "wheels",
		"acorns", "anchors", "baskets", "blankets", "bells", "boots", "brushes", "cakes", "chairs", "clocks", "cups", "dice", "envelopes", "flags", "forks", "gloves",
		"hammers", "jars", "knots", "lemons", "magnets", "mirrors", "nets", "oars", "paddles", "parcels", "pears", "plates", "quilts", "ribbons", "saddles", "tents",
	}
	singles = []string{
		"wagon", "box", "boat", "sack", "crate", "cart", "bridge", "tower", "drawer", "shelf", "bench", "table", "balloon", "bucket", "kettle", "trunk",
		"piano", "statue", "chimney", "fountain", "engine", "sled", "canoe", "globe", "tripod", "compass", "pendulum", "pulley", "lever", "prism", "sundial", "windmill",
	}
	places = []string{
		"harbour", "museum", "orchard", "bakery", "station", "library", "garden", "castle", "market", "school", "stadium", "forest", "village", "factory", "theatre", "airport",
		"island", "meadow", "workshop", "attic", "cellar", "kitchen", "lighthouse", "quarry", "stable", "vineyard", "warehouse", "chapel", "dock", "embassy", "ferry", "granary",
		"hospital", "inn", "junction", "laboratory", "mill", "nursery", "observatory", "palace", "ranch", "shipyard", "tavern", "university", "valley", "wharf", "zoo", "aquarium",
	}
	names = []string{
		"Ada", "Bela", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hanna", "Igor", "Jamila", "Kenji", "Lena", "Marek", "Nadia", "Omar", "Petra",
		"Quentin", "Rosa", "Samir", "Tessa", "Ulrich", "Vera", "Wanda", "Xavier", "Yara", "Zoltan", "Anika", "Boris", "Celia", "Darius", "Emil", "Fatima",
		"Gustav", "Helga", "Ivana", "Jonas", "Katya", "Luca", "Mina", "Nils", "Olga", "Pavel", "Rita", "Stefan", "Tomas", "Uma", "Viktor", "Wim",
	}
	adjectives = []string{
		"old", "round", "tiny", "broken", "polished", "heavy", "narrow", "striped", "hollow", "bright", "dusty", "curved", "painted", "folded", "crooked", "smooth",
		"square", "ancient", "borrowed", "cheap", "damp", "empty", "famous", "gentle", "hidden", "identical", "jagged", "knotted", "lost", "matching", "numbered", "odd",
		"patched", "quiet", "rusty", "sealed", "tall", "unmarked", "varnished", "wide", "spare", "locked", "frozen", "floating", "glazed", "labelled", "missing", "stacked",
	}
	colours = []string{
		"red", "green", "golden", "wooden", "silver", "blue", "copper", "stone", "black", "white", "brass", "glass", "paper", "yellow", "iron", "leather",
		"purple", "marble", "cotton", "orange", "brown", "clay", "grey", "steel",
	}
	verbs = []string{
		"bought", "lost", "sorted", "packed", "carried", "sold", "traded", "weighed", "stacked", "painted", "measured", "divided", "collected", "shipped", "borrowed", "repaired",
		"counted", "arranged", "hid", "polished", "exchanged", "delivered", "washed", "found",
	}
	times = []string{"morning", "week", "evening", "month", "season", "hour", "winter", "holiday", "Monday", "night", "year", "harvest"}
)

// fill writes a sentence with drawn words.
func fill(text []byte, r *rand.Rand, pattern string) []byte {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '@' {
			text = append(text, pattern[i])
			continue
		}
		i++
		var from []string
		switch pattern[i] {
		case 't':
			from = things
		case 's':
			from = singles
		case 'p':
			from = places
		case 'w':
			from = names
		case 'a':
			from = adjectives
		case 'c':
			from = colours
		case 'v':
			from = verbs
		case 'd':
			from = times
		case 'n':
			text = strconv.AppendInt(text, int64(2+r.IntN(998)), 10)
			continue
		}
		text = append(text, from[r.IntN(len(from))]...)
	}
	return text
}

// sentenceBytes is the mean length of the padding's sentences.
const sentenceBytes = 74

// question makes a question that ends in ask. padding is the mean length of what
// stands before it; one sentence always does.
func question(r *rand.Rand, ask string, padding int) string {
	text := make([]byte, 0, 256)
	text = fill(text, r, sentences[r.IntN(len(sentences))])
	// As much as twice as often as nothing, and rounded to whole sentences.
	more := r.IntN(2*max(padding-sentenceBytes, 0)+1) - sentenceBytes/2
	for begin := len(text); len(text)-begin < more; {
		text = fill(text, r, sentences[r.IntN(len(sentences))])
	}
	return string(fill(text, r, ask))
}
