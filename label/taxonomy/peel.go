package taxonomy

import (
	"regexp"
	"slices"
	"strings"
)

// A peel takes off a part that carries no value of its own. It returns the text
// unchanged where there is none.
type peel struct {
	category Category
	off      func(s string, asked []string) string // asked are the words of the question
}

// peels are in the order in which they name a difference if several are needed.
var peels = []peel{
	{ExplanatoryText, withoutProse},
	{Context, withoutCondition},
	{Context, lastOfChain},
	{Context, firstOfChain},
	{Unit, withoutUnit},
	{VariableAssignment, withoutNames},
}

// turns is the order in which peels are applied: what stands around the result
// before what belongs to it.
var turns = []int{1, 2, 3, 5, 4, 0}

var words = regexp.MustCompile(`[A-Za-z]+(?:['’-][A-Za-z]+)*`)

// withoutProse takes all words out if anything else is left.
func withoutProse(s string, _ []string) string {
	if strings.Contains(s, `\begin`) {
		return s
	}
	var b strings.Builder
	at := 0
	for _, m := range words.FindAllStringIndex(s, -1) {
		if m[0] > 0 && s[m[0]-1] == '\\' || !isWord(s[m[0]:m[1]]) && s[m[0]:m[1]] != "a" && s[m[0]:m[1]] != "A" {
			continue
		}
		// A lone "a" is the article only between blanks.
		if m[1]-m[0] == 1 && (m[1] == len(s) || s[m[1]] != ' ' || m[1]+1 == len(s) || !startsWithLetter(s[m[1]+1:])) {
			continue
		}
		b.WriteString(s[at:m[0]])
		b.WriteByte(' ')
		at = m[1]
	}
	if at == 0 {
		return s
	}
	b.WriteString(s[at:])
	rest := strings.Trim(spaced(b.String()), " .,;:!?\"'")
	if rest == "" || strings.Trim(rest, "() ") == "" {
		return s
	}
	return rest
}

var condition = regexp.MustCompile(`^(.+?)[,;]? ?(?: where | for (?:all|any|every|some|each|real|positive|integer|[a-zA-Z]\b)|\bfor all\b| if | when | with | such that | as | \([^()]*[A-Za-z]{3,}[^()]*\)$|, ?\(?[a-zA-Z] ?(?:∈|>=?|<=?|!=)|\([a-zA-Z] ?∈|∀).*$`)

var only = regexp.MustCompile(`^(?:only|exactly|just|precisely) ?|\((?:approximately|approx\.?|rounded|simplified)\)$`)

// withoutCondition cuts off what restricts or comments the result.
func withoutCondition(s string, _ []string) string {
	if rest := strings.TrimSpace(only.ReplaceAllString(s, "")); rest != "" && rest != s {
		return rest
	}
	m := condition.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	return strings.Trim(m[1], " ,;")
}

// lastOfChain leaves the last side of a = b = c or a ≈ b.
func lastOfChain(s string, _ []string) string {
	parts := chain(s)
	return parts[len(parts)-1]
}

// firstOfChain leaves the first side of a ≈ b, or of a = b where a is no name.
func firstOfChain(s string, _ []string) string {
	parts := chain(s)
	if parts[0] == "" || definition.MatchString(parts[0]) {
		return s // all of y = 2x would be y
	}
	return parts[0]
}

// chain splits at equality signs that do not stand in a list. It returns at
// least one part.
func chain(s string) []string {
	if len(splitList(s).elements) > 1 {
		return []string{s}
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '=' || r == '≈' })
	if len(parts) == 0 || strings.ContainsAny(s, "<>") || strings.Contains(s, "!=") {
		return []string{s}
	}
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
		if i < len(parts)-1 && hasSentence(parts[i]) {
			return []string{s} // "The sum is x = 3"
		}
	}
	return parts
}

// named is a name and a sign that gives it a value. Names: x, f(x), P_1, x_{1,2},
// (x,y), \angle C, x ∈, f: x ->, girls:boys.
var named = regexp.MustCompile(`^(?:let |and )?(?:(?:\\[a-zA-Z]+ ?)?[A-Za-zΑ-Ωα-ωℓ]'?(?: ?_ ?(?:\w|\{[^{}]*\}))?(?: ?\( ?[A-Za-z0-9](?: ?, ?[A-Za-z])* ?\))?|\( ?[A-Za-z](?:_\w)?(?:\(\w\))?(?: ?, ?[A-Za-zℓ](?:_\w)?(?:\(\w\))?)+ ?\)|[A-Za-z]{3,}(?: ?:? ?[A-Za-z]{3,}){0,3}) ?(?:=|≈|∈|:=)([^=].*)$`)

var mapping = regexp.MustCompile(`^(?:[a-zA-Z] ?: ?)?[a-zA-Z] ?-> ?(.+)$`)

var reversedName = regexp.MustCompile(`^([^=]+)= ?[a-zA-Z](?:\([a-zA-Z]\))?$`)

var label = regexp.MustCompile(`^[A-Za-z]{3,}(?: \d)? ?: ?([^:]+)$`)

var pointName = regexp.MustCompile(`^[A-Z] ?(\(.*\))$`)

// withoutNames takes "x =" off, in every element of a list.
func withoutNames(s string, _ []string) string {
	if m := named.FindStringSubmatch(s); m != nil && strings.HasPrefix(s, "(") {
		return strings.TrimSpace(m[1])
	}
	l := splitList(s)
	if len(l.elements) < 2 {
		return nameless(s)
	}
	changed := false
	for i, e := range l.elements {
		l.elements[i] = nameless(e)
		changed = changed || l.elements[i] != e
	}
	if !changed {
		return s
	}
	return l.join()
}

func nameless(s string) string {
	for _, pattern := range []*regexp.Regexp{named, mapping, label, reversedName, pointName} {
		if m := pattern.FindStringSubmatch(s); m != nil {
			return strings.TrimSpace(m[1])
		}
	}
	return s
}

// unitNames are the units that need not stand in the question.
var unitNames = strings.Fields(`mm cm dm m km in inch inches ft foot feet yd yard yards mile miles mi
	mg g kg gram grams kilogram kilograms ton tons tonnes lb lbs pound pounds oz ounce ounces
	ml mL cl l L litre litres liter liters cc gallon gallons cup cups
	s sec second seconds min minute minutes h hr hrs hour hours day days week weeks month months year years
	mph kph kmh meter meters metre metres centimeter centimeters centimetre centimetres millimeters kilometer kilometers kilometre kilometres
	degree degrees deg rad radian radians grad percent pct USD EUR dollar dollars cent cents euro euros yuan rupees rupee Rs pence pesos
	N J W V A K C F Pa Hz kW kWh mol unit units square cubic sq per th st nd rd people students times way ways points`)

var (
	lastWord   = regexp.MustCompile(`^(.*[^A-Za-z\\'-])?([A-Za-z][A-Za-z'-]*)\.?$`)
	lastSign   = regexp.MustCompile(`^(.+?) ?(?:°|%|€|£|＄|¢)(?:[CF])?$`)
	firstSign  = regexp.MustCompile(`^(-?) ?(?:＄|€|£|¥|Rs\.?|US＄) ?(.+)$`)
	unitPower  = regexp.MustCompile(`^(.*[A-Za-z])(?: ?\^ ?(?:-?\d|\{-?\d\})|(?: ?[*/]))$`)
	unitRatio  = regexp.MustCompile(`^(.+?) ?\\frac ?\{? ?([a-zA-Z]+) ?\}? ?\{? ?([a-zA-Z]+)(?:\^\d)? ?\}?$`)
	attachedTo = regexp.MustCompile(`[\d}).π]$`)
)

// withoutUnit takes units off, in every element of a list.
func withoutUnit(s string, asked []string) string {
	l := splitList(s)
	if len(l.elements) < 2 {
		return unitless(s, asked)
	}
	for i, e := range l.elements {
		l.elements[i] = unitless(e, asked)
	}
	return l.join()
}

func unitless(s string, asked []string) string {
	if strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")") && len(splitList(s).elements) > 1 {
		return withoutUnit(s, asked)
	}
	s = firstSign.ReplaceAllString(s, "$1$2")
	for range 12 {
		shorter := unitOff(s, asked)
		if shorter == "" || shorter == s {
			break
		}
		s = shorter
	}
	return s
}

func unitOff(s string, asked []string) string {
	s = strings.TrimSpace(s)
	if m := lastSign.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	if m := unitRatio.FindStringSubmatch(s); m != nil && isUnit(m[2], asked) && isUnit(m[3], asked) {
		return m[1]
	}
	if m := unitPower.FindStringSubmatch(s); m != nil && unitOff(m[1], asked) != m[1] {
		return m[1]
	}
	m := lastWord.FindStringSubmatch(s)
	if m == nil || !strings.ContainsAny(m[1], "0123456789π") || !isUnit(m[2], asked) {
		return s
	}
	before := strings.TrimSpace(m[1])
	if len(m[2]) == 1 && !attachedTo.MatchString(before) && !strings.HasSuffix(before, "/") && !strings.HasSuffix(before, "*") {
		return s
	}
	return strings.TrimRight(before, " /*")
}

func isUnit(word string, asked []string) bool {
	return slices.Contains(unitNames, word) || len(word) > 2 && slices.Contains(asked, strings.ToLower(word))
}
