package balance

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"

	"tinyv/balance/quota"
	"tinyv/internal/rows"
)

// plan says how many rows are chosen of what.
type plan struct {
	groups    []group
	available []int64 // of each group, by priority; more are over the limit of their source
	cellOf    []int   // of each group; unbalanced for none
	cells     []cell
}

// cell is the rows that one quota counts.
type cell struct {
	split string
	class class
	kind  string // origin, source or category, as the strategy has it; empty if it has none
	have  int64
	quota int64 // more than have with strategy up only
}

// class is a label, or either.
type class int8

const (
	either class = iota
	isTrue
	isFalse
)

func classOf(label bool) class {
	if label {
		return isTrue
	}
	return isFalse
}

func (c class) String() string { return [...]string{"True or False", "True", "False"}[c] }

// unbalanced is the cell of the groups whose source cannot be balanced.
const unbalanced = -1

// planner makes plans for what there is.
type planner struct {
	o     Options
	ratio Ratio
	fill  Ratio // of the limit per source
	log   *slog.Logger
	plan  plan // without the quotas of the train split

	kinds   []string // of the train split, in the order of names
	weights []float64
	have    quota.Table // of the train split, by kind
}

// newPlanner applies the limit per source, filled in a ratio of its own, and sets the
// quotas of the other splits.
func newPlanner(o Options, ratio, fill Ratio, groups []group, have []int64, log *slog.Logger) *planner {
	p := &planner{o: o, ratio: ratio, fill: fill, log: log, plan: plan{groups: groups, available: slices.Clone(have), cellOf: make([]int, len(groups))}}
	if o.MaxPerSource > 0 {
		p.limitSources()
	}
	type name struct {
		split string
		class class
		kind  string
	}
	named := map[name]int{}
	for _, i := range p.byName() {
		g := groups[i]
		n := name{g.split, classOf(g.label), ""}
		if g.split == rows.SplitTrain {
			n.kind = p.kind(g)
			if ratio.All {
				n.class = either
			}
		}
		c, ok := named[n]
		if !ok {
			c = len(p.plan.cells)
			named[n] = c
			p.plan.cells = append(p.plan.cells, cell{split: n.split, class: n.class, kind: n.kind})
		}
		p.plan.cellOf[i] = c
		p.plan.cells[c].have += p.plan.available[i]
	}
	p.evaluate(rows.SplitEval)
	p.evaluate(rows.SplitHeldOut)
	p.tabulate()
	return p
}

// byName returns the numbers of the groups in an order that depends on no seed.
func (p *planner) byName() []int {
	order := make([]int, len(p.plan.groups))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return compareGroups(p.plan.groups[i], p.plan.groups[j]) })
	return order
}

func compareGroups(a, b group) int {
	return cmp.Or(strings.Compare(a.split, b.split), strings.Compare(a.source, b.source), cmp.Compare(classOf(a.label), classOf(b.label)),
		strings.Compare(a.origin, b.origin), strings.Compare(a.category, b.category))
}

// kind is what a quota of the train split tells apart besides the label.
func (p *planner) kind(g group) string {
	switch {
	case p.o.Strategy == StrategyBySource:
		return g.source
	case p.o.Strategy == StrategyByCategory:
		return g.category
	case p.o.Shares != nil:
		return g.origin
	}
	return ""
}

// crowded is a source with more rows in a split than it may have.
type crowded struct {
	split, source string
	groups        [2][]int // of False rows, and of True ones
	have          [2]int64
}

// limitSources lowers what is available so that no source has more rows in a split
// than it may. They are filled in the ratio, in which all sources together come out as
// near as can be: with one row for each, the seed says which source gives a True one.
func (p *planner) limitSources() {
	all := p.crowded()
	key := func(c crowded, purpose uint64) uint64 { return mix(formKey(c.source), uint64(p.o.Seed), purpose) }
	slices.SortFunc(all, func(a, b crowded) int {
		return cmp.Or(strings.Compare(a.split, b.split), cmp.Compare(key(a, drawSource), key(b, drawSource)), strings.Compare(a.source, b.source))
	})
	chance := map[string]int64{} // of the next source, by split
	for _, c := range all {
		fill := p.fill.fillOf(c.split)
		if _, begun := chance[c.split]; !begun || fill.All { // then every source has a ratio of its own
			chance[c.split] = int64(key(c, drawChance) >> 1)
		}
		trues := p.o.MaxPerSource
		switch {
		case c.have[1] == 0:
			trues = 0
		case c.have[0] > 0:
			trues, chance[c.split] = fill.trueWithin(p.o.MaxPerSource, c.have[1], c.have[0], chance[c.split])
		}
		p.takeTurns(c.groups[1], trues)
		p.takeTurns(c.groups[0], p.o.MaxPerSource-trues)
	}
}

// crowded lists the sources that have too many rows in a split.
func (p *planner) crowded() (all []crowded) {
	order := p.byName()
	for len(order) > 0 {
		first := p.plan.groups[order[0]]
		c := crowded{split: first.split, source: first.source}
		n := 0
		for ; n < len(order) && p.plan.groups[order[n]].split == first.split && p.plan.groups[order[n]].source == first.source; n++ {
			label := 0
			if p.plan.groups[order[n]].label {
				label = 1
			}
			c.groups[label] = append(c.groups[label], order[n])
			c.have[label] += p.plan.available[order[n]]
		}
		order = order[n:]
		if c.have[0]+c.have[1] > p.o.MaxPerSource {
			all = append(all, c)
		}
	}
	return all
}

// takeTurns lowers what is available of some groups of a source to n rows in all. The
// seed says which is first.
func (p *planner) takeTurns(groups []int, n int64) {
	key := func(i int) uint64 {
		g := p.plan.groups[i]
		return mix(formKey(g.source+"\n"+g.origin+"\n"+g.category), uint64(p.o.Seed), drawTurn)
	}
	slices.SortStableFunc(groups, func(i, j int) int { return cmp.Compare(key(i), key(j)) })
	weights, most := make([]float64, len(groups)), make([]int64, len(groups))
	for i, g := range groups {
		weights[i], most[i] = 1, p.plan.available[g]
	}
	parts, _ := quota.Divide(n, weights, nil, most)
	for i, g := range groups {
		p.plan.available[g] = parts[i]
	}
}

// evaluate sets the quotas of a split that is not trained on: as many True rows as
// False ones, whatever the ratio of the train split, so that training sets of
// other ratios are measured on the same rows.
func (p *planner) evaluate(split string) {
	var cells []*cell
	least := int64(math.MaxInt64)
	for i := range p.plan.cells {
		if c := &p.plan.cells[i]; c.split == split && c.have > 0 {
			cells = append(cells, c)
			least = min(least, c.have)
		}
	}
	if len(cells) == 1 && !p.ratio.All {
		p.log.Warn("a split has rows of one label only; all of them are kept, and it cannot show what a verifier gets wrong",
			"split", split, "label", cells[0].class.String(), "rows", cells[0].have)
	}
	for _, c := range cells {
		c.quota = c.have
		if len(cells) == 2 && !p.ratio.All {
			c.quota = least
		}
	}
}

// tabulate adds up the train split by kind.
func (p *planner) tabulate() {
	for _, c := range p.plan.cells {
		if c.split == rows.SplitTrain {
			p.kinds = append(p.kinds, c.kind)
		}
	}
	for origin, weight := range p.o.Shares {
		if weight > 0 {
			p.kinds = append(p.kinds, origin)
		}
	}
	if p.o.Shares == nil && len(p.kinds) == 0 {
		p.kinds = []string{""}
	}
	slices.Sort(p.kinds)
	p.kinds = slices.Compact(p.kinds)
	p.have = quota.Table{True: make([]int64, len(p.kinds)), False: make([]int64, len(p.kinds))}
	p.weights = make([]float64, len(p.kinds))
	for _, c := range p.plan.cells {
		if c.split != rows.SplitTrain {
			continue
		}
		k, _ := slices.BinarySearch(p.kinds, c.kind)
		if c.class == isFalse {
			p.have.False[k] += c.have
		} else {
			p.have.True[k] += c.have // with ratio all, rows of either label
		}
	}
	for k, kind := range p.kinds {
		p.weights[k] = 1
		if p.o.Shares != nil {
			p.weights[k] = p.o.Shares[kind]
		}
	}
}

// make returns the plan for the options.
func (p *planner) make() (*plan, error) {
	var table quota.Table
	var err error
	switch {
	case p.ratio.All:
		table, err = p.all()
	case p.o.Strategy == StrategyBySource:
		table, err = p.bySource()
	case p.o.Strategy == StrategyByCategory:
		table, err = p.byCategory()
	default:
		n := p.o.Total
		if n == 0 {
			n, err = p.bestTotal()
		}
		if err == nil {
			table, err = p.divide(n)
		}
	}
	if err != nil {
		return nil, err
	}
	return p.with(table), nil
}

// with returns the plan that has a table as quotas of the train split.
func (p *planner) with(table quota.Table) *plan {
	made := p.plan
	made.cells = slices.Clone(made.cells)
	for i := range made.cells {
		c := &made.cells[i]
		if c.split != rows.SplitTrain {
			continue
		}
		k, _ := slices.BinarySearch(p.kinds, c.kind)
		c.quota = table.True[k]
		if c.class == isFalse {
			c.quota = table.False[k]
		}
	}
	return &made
}

// all takes the labels as they come.
func (p *planner) all() (quota.Table, error) {
	table := quota.Table{True: slices.Clone(p.have.True), False: make([]int64, len(p.kinds))}
	there, _ := p.have.Totals()
	if there == 0 {
		return table, p.nothing()
	}
	if p.o.Total == 0 && p.o.Shares == nil {
		return table, nil
	}
	n := p.o.Total
	if n == 0 {
		n = quota.Largest(there, 0, p.asShared)
	}
	if n == 0 || !p.asShared(n) {
		n = max(n, 1)
		parts, _ := quota.Divide(n, p.weights, nil, nil)
		return table, p.impossible(n, quota.Largest(there, 0, p.asShared), p.missingKinds(parts))
	}
	table.True, _ = quota.Divide(n, p.weights, nil, nil)
	return table, nil
}

// asShared reports whether there are enough rows of every kind for n rows.
func (p *planner) asShared(n int64) bool {
	parts, ok := quota.Divide(n, p.weights, nil, nil)
	for k := range parts {
		ok = ok && parts[k] <= p.have.True[k]+p.have.False[k]
	}
	return ok
}

// slack is by how many sets the rounding of shares may move the largest that is possible.
const slack = 64

// divide makes a table of n rows.
func (p *planner) divide(n int64) (quota.Table, error) {
	if table, ok := p.try(n); ok {
		return table, nil
	}
	if p.ratio.trueOf(n) == 0 || p.ratio.trueOf(n) == n {
		return quota.Table{}, fmt.Errorf("balance: %d rows in the ratio %s would have one label only; ask for %d at least", n, p.ratio, p.ratio.True+p.ratio.False)
	}
	return quota.Table{}, p.impossible(n, p.largest(1), p.missing(n))
}

// try makes a table of n rows, if there are enough.
func (p *planner) try(n int64) (quota.Table, bool) {
	trues := p.ratio.trueOf(n)
	if trues == 0 || trues == n {
		return quota.Table{}, false
	}
	parts, ok := quota.Divide(n, p.weights, nil, nil)
	if !ok {
		return quota.Table{}, false
	}
	return quota.Split(parts, trues, p.least(), p.most())
}

// least is how many rows a table has at least: with strategy up and no total, all.
func (p *planner) least() quota.Table {
	if p.o.Strategy == StrategyUp && p.o.Total == 0 {
		return p.have
	}
	return quota.Table{True: make([]int64, len(p.kinds)), False: make([]int64, len(p.kinds))}
}

// most is how many rows a table may have: with strategy up, any number of those
// that there are.
func (p *planner) most() quota.Table {
	if p.o.Strategy != StrategyUp {
		return p.have
	}
	most := quota.Table{True: make([]int64, len(p.kinds)), False: make([]int64, len(p.kinds))}
	for k := range p.kinds {
		if p.have.True[k] > 0 {
			most.True[k] = maxTotal
		}
		if p.have.False[k] > 0 {
			most.False[k] = maxTotal
		}
	}
	return most
}

// largest returns the largest multiple of step that can be made, or 0.
func (p *planner) largest(step int64) int64 {
	trues, falses := p.most().Totals()
	return step * quota.Largest(min(trues+falses, maxTotal)/step, slack, func(sets int64) bool {
		_, ok := p.try(sets * step)
		return ok || sets == 0
	})
}

// bestTotal returns how many rows the train split gets where nobody says: the most
// that can be made in exactly the ratio or, with strategy up, the fewest.
func (p *planner) bestTotal() (int64, error) {
	step := p.ratio.True + p.ratio.False
	if p.o.Strategy != StrategyUp {
		if n := p.largest(step); n > 0 {
			return n, nil
		}
		return 0, p.impossible(step, 0, p.missing(step))
	}
	possible := func(sets int64) bool { _, ok := p.try(sets * step); return ok }
	limit := maxTotal / step
	tooFew := quota.Largest(limit, 0, func(sets int64) bool { return !possible(sets) })
	if tooFew == limit {
		return 0, p.impossible(step, 0, p.missingCells())
	}
	for sets := max(1, tooFew-slack); ; sets++ {
		if possible(sets) {
			return sets * step, nil
		}
	}
}

// bySource balances each source in itself.
func (p *planner) bySource() (quota.Table, error) {
	table := quota.Table{True: make([]int64, len(p.kinds)), False: make([]int64, len(p.kinds))}
	most, weights := make([]int64, len(p.kinds)), make([]float64, len(p.kinds))
	sum := int64(0)
	for k := range p.kinds {
		sets := min(p.have.True[k]/p.ratio.True, p.have.False[k]/p.ratio.False)
		table.True[k], table.False[k] = sets*p.ratio.True, sets*p.ratio.False
		most[k] = table.True[k] + table.False[k]
		weights[k] = float64(most[k])
		sum += most[k]
	}
	p.leaveOut(most)
	switch {
	case sum == 0:
		return table, fmt.Errorf("balance: no source has %d True and %d False rows, which strategy %s with ratio %s takes at least; choose another strategy, or label more problems",
			p.ratio.True, p.ratio.False, p.o.Strategy, p.ratio)
	case p.o.Total == 0:
		return table, nil
	case p.o.Total > sum:
		return table, fmt.Errorf("balance: %d rows in the ratio %s within every source; missing: %d. There can be %d: lower balance.total, or choose another strategy or ratio",
			p.o.Total, p.ratio, p.o.Total-sum, sum)
	}
	trues := p.ratio.trueOf(p.o.Total)
	parts, _ := quota.Divide(p.o.Total, weights, nil, most)
	table, ok := quota.Split(parts, trues, quota.Table{True: make([]int64, len(parts)), False: make([]int64, len(parts))}, p.have)
	if !ok || trues == 0 || trues == p.o.Total {
		return table, fmt.Errorf("balance: %d rows cannot be divided over %d sources in the ratio %s; ask for more", p.o.Total, len(p.kinds), p.ratio)
	}
	return table, nil
}

// leaveOut takes the sources that can give nothing out of the train split.
func (p *planner) leaveOut(most []int64) {
	var names []string
	for k, n := range most {
		if n == 0 {
			names = append(names, p.kinds[k])
		}
	}
	if len(names) == 0 {
		return
	}
	for i, g := range p.plan.groups {
		if k, _ := slices.BinarySearch(p.kinds, g.source); g.split == rows.SplitTrain && most[k] == 0 {
			p.plan.cellOf[i] = unbalanced
		}
	}
	p.log.Warn("sources that have too few rows of one label to be balanced in themselves are left out",
		"sources", len(names), "ratio", p.ratio.String(), "names", strings.Join(names[:min(len(names), 5)], ", "))
}

// byCategory draws the True rows by their classes, and the False ones by priority
// alone. Those have no class, and are the kind of the empty name.
func (p *planner) byCategory() (quota.Table, error) {
	weights := make([]float64, len(p.kinds))
	for k, n := range p.have.True {
		if n > 0 {
			weights[k] = math.Pow(float64(n), 1/p.o.Temperature)
		}
	}
	// With large weights, the half rows of Divide would vanish.
	if largest := slices.Max(weights); largest > 0 {
		for k := range weights {
			weights[k] /= largest
		}
	}
	trues, falses := p.have.Totals()
	table := quota.Table{False: make([]int64, len(p.kinds))}
	asked := p.ratio.True + p.ratio.False
	var wantTrue int64
	if p.o.Total > 0 {
		asked = p.o.Total
		wantTrue = p.ratio.trueOf(asked)
		table.True, _ = quota.Divide(wantTrue, weights, nil, p.have.True) // a class that runs out gives all it has
	} else {
		sets := quota.Largest(min(trues/p.ratio.True, falses/p.ratio.False), 0, func(sets int64) bool {
			parts, ok := quota.Divide(sets*p.ratio.True, weights, nil, nil)
			for k := range parts {
				ok = ok && parts[k] <= p.have.True[k]
			}
			return ok
		})
		asked = max(asked, sets*asked)
		wantTrue = p.ratio.trueOf(asked)
		if sets > 0 {
			table.True, _ = quota.Divide(wantTrue, weights, nil, nil)
		}
	}
	wantFalse := asked - wantTrue
	if table.True == nil || wantFalse > falses || wantTrue == 0 || wantFalse == 0 {
		most := quota.Largest(trues+falses, 0, func(n int64) bool { return p.ratio.trueOf(n) <= trues && n-p.ratio.trueOf(n) <= falses })
		missing := []string{count(wantTrue-trues, "True"), count(wantFalse-falses, "False")}
		if table.True == nil && wantTrue <= trues {
			parts, _ := quota.Divide(wantTrue, weights, nil, nil)
			for k, n := range parts {
				missing = append(missing, count(n-p.have.True[k], "True "+p.kinds[k]))
			}
		}
		return table, p.impossible(asked, most, missing)
	}
	k, _ := slices.BinarySearch(p.kinds, "") // there are False rows
	table.False[k] = wantFalse
	return table, nil
}

// missing lists which rows a table of n rows lacks.
func (p *planner) missing(n int64) []string {
	trues := p.ratio.trueOf(n)
	if p.o.Shares == nil {
		most := p.most()
		return []string{count(trues-most.True[0], "True"), count(n-trues-most.False[0], "False")}
	}
	parts, _ := quota.Divide(n, p.weights, nil, nil)
	if lacking := p.missingKinds(parts); len(lacking) > 0 {
		return lacking
	}
	most := p.most()
	var certain, possible int64
	var shortFalse, shortTrue []string // kinds
	for k, part := range parts {
		certain += max(0, part-most.False[k])
		possible += min(part, most.True[k])
		if part > most.False[k] {
			shortFalse = append(shortFalse, p.kinds[k])
		}
		if part > most.True[k] {
			shortTrue = append(shortTrue, p.kinds[k])
		}
	}
	return []string{
		count(certain-trues, "False "+strings.Join(shortFalse, " or ")),
		count(trues-possible, "True "+strings.Join(shortTrue, " or ")),
	}
}

// missingKinds lists which kinds have fewer rows of either label than parts say.
func (p *planner) missingKinds(parts []int64) (missing []string) {
	most := p.most()
	for k, part := range parts {
		if lacking := part - most.True[k] - most.False[k]; lacking > 0 {
			missing = append(missing, count(lacking, strings.TrimSpace(p.kinds[k]+" (True or False)")))
		}
	}
	return missing
}

// missingCells lists of what there is no row that could be repeated.
func (p *planner) missingCells() (missing []string) {
	for k, kind := range p.kinds {
		if p.have.True[k] == 0 {
			missing = append(missing, strings.TrimSpace("any True "+kind))
		}
		if p.have.False[k] == 0 {
			missing = append(missing, strings.TrimSpace("any False "+kind))
		}
	}
	return missing
}

// count says how many rows of what are missing; none is no text.
func count(n int64, what string) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", n, what)
}

// impossible is the error for a train split of n rows that cannot be made. most is
// how many rows it could have.
func (p *planner) impossible(n, most int64, missing []string) error {
	if trues, falses := p.have.Totals(); trues+falses == 0 {
		return p.nothing()
	}
	missing = slices.DeleteFunc(missing, func(s string) bool { return s == "" })
	asked := fmt.Sprintf("%d rows in the ratio %s", n, p.ratio)
	if !p.ratio.All {
		trues := p.ratio.trueOf(n)
		asked += fmt.Sprintf(" (%d True and %d False)", trues, n-trues)
	}
	if p.o.Shares != nil {
		asked += " with " + p.shares(n)
	}
	fix := "label more problems, or choose another balance.ratio or balance.shares"
	if most > 0 {
		fix = fmt.Sprintf("lower balance.total to %d, or %s", most, fix)
	}
	return fmt.Errorf("balance: the train split cannot have %s; missing: %s. There are, without duplicates: %s. %s%s",
		asked, strings.Join(missing, ", "), p.there(), strings.ToUpper(fix[:1]), fix[1:])
}

// nothing is the error for a train split without any row.
func (p *planner) nothing() error {
	return fmt.Errorf("balance: no row with a label is left for the train split; look at the votes in the label stage's annotations, and at what balance.held_out_sources, balance.decontaminate and balance.shares leave out")
}

// shares says how many rows of which origin n rows have.
func (p *planner) shares(n int64) string {
	parts, _ := quota.Divide(n, p.weights, nil, nil)
	var texts []string
	for k, part := range parts {
		if p.weights[k] > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", part, p.kinds[k]))
		}
	}
	return strings.Join(texts, " and ")
}

// there says how many rows of which kind there are.
func (p *planner) there() string {
	var texts []string
	for k, kind := range p.kinds {
		if p.o.Shares == nil {
			continue
		}
		if p.ratio.All {
			texts = append(texts, fmt.Sprintf("%d %s", p.have.True[k], kind))
			continue
		}
		texts = append(texts, fmt.Sprintf("%d True and %d False %s", p.have.True[k], p.have.False[k], kind))
	}
	if len(texts) == 0 {
		trues, falses := p.have.Totals()
		if p.ratio.All {
			return fmt.Sprint(trues)
		}
		return fmt.Sprintf("%d True and %d False", trues, falses)
	}
	return strings.Join(texts, ", ")
}
