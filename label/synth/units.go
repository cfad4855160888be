package synth

import (
	"regexp"
	"strings"
)

// A unit is a unit of measurement, with what it is taken for by mistake.
type unit struct {
	dimension string
	size      string   // in the base of the dimension, as algebra writes numbers
	mistaken  []string // other units that stand at the same place, in the same style
}

var units = map[string]unit{
	"mm": {"length", "1/1000", []string{"cm", "m"}}, "cm": {"length", "1/100", []string{"m", "mm"}}, "m": {"length", "1", []string{"cm", "km"}}, "km": {"length", "1000", []string{"m"}},
	"millimeters": {"length", "1/1000", []string{"centimeters"}}, "centimeters": {"length", "1/100", []string{"meters", "millimeters"}}, "meters": {"length", "1", []string{"centimeters", "kilometers"}},
	"kilometers": {"length", "1000", []string{"meters"}}, "centimetres": {"length", "1/100", []string{"metres"}}, "metres": {"length", "1", []string{"centimetres", "kilometres"}}, "kilometres": {"length", "1000", []string{"metres"}},
	"in": {"length", "254/10000", []string{"ft"}}, "ft": {"length", "3048/10000", []string{"in", "yd"}}, "yd": {"length", "9144/10000", []string{"ft"}}, "inches": {"length", "254/10000", []string{"feet"}},
	"feet": {"length", "3048/10000", []string{"inches", "yards"}}, "yards": {"length", "9144/10000", []string{"feet"}}, "mi": {"length", "1609344/1000", []string{"km"}}, "miles": {"length", "1609344/1000", []string{"kilometers", "feet"}},
	"mg": {"mass", "1/1000000", []string{"g"}}, "g": {"mass", "1/1000", []string{"kg", "mg"}}, "kg": {"mass", "1", []string{"g"}}, "grams": {"mass", "1/1000", []string{"kilograms"}}, "kilograms": {"mass", "1", []string{"grams"}},
	"pounds": {"mass", "45359237/100000000", []string{"ounces", "kilograms"}}, "ounces": {"mass", "28349523125/1000000000000", []string{"pounds"}}, "ml": {"volume", "1/1000", []string{"l"}}, "l": {"volume", "1", []string{"ml"}},
	"liters": {"volume", "1", []string{"milliliters"}}, "litres": {"volume", "1", []string{"millilitres"}}, "milliliters": {"volume", "1/1000", []string{"liters"}}, "millilitres": {"volume", "1/1000", []string{"litres"}},
	"s": {"time", "1", []string{"min"}}, "min": {"time", "60", []string{"s", "h"}}, "h": {"time", "3600", []string{"min"}}, "seconds": {"time", "1", []string{"minutes"}}, "minutes": {"time", "60", []string{"hours", "seconds"}},
	"hours": {"time", "3600", []string{"minutes", "days"}}, "days": {"time", "86400", []string{"hours", "weeks"}}, "weeks": {"time", "604800", []string{"days"}},
	"cents": {"money", "1/100", []string{"dollars"}}, "dollars": {"money", "1", []string{"cents"}}, "degrees": {"angle", "pi/180", []string{"radians"}}, "radians": {"angle", "1", []string{"degrees"}}, "rad": {"angle", "1", []string{"degrees"}},
	"km/h": {"speed", "1000/3600", []string{"m/s"}}, "m/s": {"speed", "1", []string{"km/h"}}, "mph": {"speed", "1609344/3600000", []string{"km/h"}},
}

// What is written behind a number and is no part of it.
var (
	trailing = regexp.MustCompile(`(?:\\[,;:! ]|~|\s)*(?:(\\%|%|\^\{?\\circ\}?|°)|\\(?:text|textrm|mathrm|mbox|rm)\s*\{([^{}\\$]*)\}(?:\^\{?([23])\}?)?)$`)
	plainly  = regexp.MustCompile(`([0-9}])\s*([a-z][a-z/]*)$`)
)

// A measure is what stands behind a number: a known unit, or any text, which then
// says nothing but that it is the same or not.
type measure struct {
	text     string
	exponent string // "2" and "3" for areas and volumes
	lo, hi   int    // where the text stands
}

// measured splits s[lo:hi] into a number's end and its measure. A single letter
// is a unit only where one is expected: 5m may be a product.
func measured(s string, lo, hi int, expected bool) (end int, m measure) {
	body := s[lo:hi]
	if at := trailing.FindStringSubmatchIndex(body); at != nil && at[0] > 0 {
		if at[2] >= 0 {
			sign := strings.TrimPrefix(body[at[2]:at[3]], `\`)
			if sign != "%" {
				sign = "°"
			}
			return lo + at[0], measure{text: sign, lo: lo + at[2], hi: lo + at[3]}
		}
		text := body[at[4]:at[5]]
		left := len(text) - len(strings.TrimLeft(text, " "))
		m := measure{text: strings.ToLower(strings.Trim(text, " .")), lo: lo + at[4] + left, hi: lo + at[4] + len(strings.TrimRight(text, " "))}
		if at[6] >= 0 {
			m.exponent = body[at[6]:at[7]]
		}
		return lo + at[0], m
	}
	if at := plainly.FindStringSubmatchIndex(body); at != nil {
		if word := body[at[4]:at[5]]; len(word) > 1 || expected {
			if _, known := units[word]; known {
				return lo + at[3], measure{text: word, lo: lo + at[4], hi: lo + at[5]}
			}
		}
	}
	return hi, measure{}
}

// si returns the value of a number with its measure in base units.
func (m measure) si(value formula) (formula, string, bool) {
	u, known := units[m.text]
	if !known {
		return formula{}, "", false
	}
	size := "(" + u.size + ")"
	if m.exponent != "" {
		size += "**" + m.exponent
	}
	f, ok := parsed("("+value.text+")*"+size, value.effort)
	return f, u.dimension + m.exponent, ok
}
