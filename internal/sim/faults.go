package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Faults makes a seeded share of distinct requests fail when they are first
// asked; the try after Tries succeeds. Which tries of which requests fail, and how,
// depends on Seed, what their reply depends on, and the number of the try, not on
// their order. A server remembers at least the last million requests, and at most
// two million (some 100 MB); one that it has forgotten fails again.
type Faults struct {
	Rate     float64 // 0 to 1; 0 for none
	Seed     uint64
	Statuses []int // chosen among, 400 to 599; without Kinds too, empty is 500. 429 comes with Retry-After: RetryAfter

	Kinds      []Fault       // chosen among too
	Tries      int           // how many tries in a row fail; 0 is 1
	RetryAfter time.Duration // that 429 names, in whole seconds
	Hold       time.Duration // how long hang and stall hold the client at most; 0 is until it leaves
	Slow       time.Duration // how long a slow reply takes from its first byte to its last; 0 is a second
}

// Fault is one way to fail.
type Fault struct {
	Kind   string  // one of FaultKinds, or a status from 400 to 599
	Weight float64 // its share among the others; 0 is 1
}

// The kinds of faults that are no plain status. docs/sim.md describes them.
const (
	faultBareLimit     = "429_bare"       // 429 without Retry-After
	faultReset         = "reset"          // the connection is reset before the answer
	faultCut           = "cut"            // it ends inside the body
	faultHang          = "hang"           // no byte
	faultStall         = "stall"          // half of the body, then no more
	faultHTML          = "html"           // a proxy's page, with status 200
	faultHTML502       = "html_502"       // the same with 502
	faultGarbage       = "garbage"        // not JSON
	faultWrongJSON     = "wrong_json"     // JSON of another shape
	faultEmpty         = "empty"          // no choices
	faultDuplicate     = "duplicate"      // the body twice in one answer
	faultChunked       = "chunked"        // a valid answer in chunks with odd boundaries
	faultSlow          = "slow"           // a valid answer whose bytes dribble
	faultContentFilter = "content_filter" // 400
	faultFiltered      = "filtered"       // 200 with finish_reason content_filter
)

// FaultKinds lists every kind of fault.
func FaultKinds() []string {
	return []string{
		"400", "401", "403", "404", "408", "409", "422", "429", faultBareLimit, "500", "502", "503", "504", "529",
		faultReset, faultCut, faultHang, faultStall, faultHTML, faultHTML502, faultGarbage, faultWrongJSON, faultEmpty,
		faultDuplicate, faultChunked, faultSlow, faultContentFilter, faultFiltered,
	}
}

// isFaultKind reports whether there is such a kind of fault.
func isFaultKind(kind string) bool {
	return statusOf(kind) != 0 || slices.Contains(FaultKinds(), kind)
}

// statusOf returns the status that a kind of fault is named by, or 0.
func statusOf(kind string) int {
	status, err := strconv.Atoi(kind)
	if err != nil || status < 400 || status > 599 || len(kind) != 3 {
		return 0
	}
	return status
}

// check says what is wrong with the faults asked for.
func (f Faults) check() error {
	if f.Rate < 0 || f.Rate > 1 {
		return fmt.Errorf("the rate of faults is %v; it is a share from 0 to 1", f.Rate)
	}
	for _, k := range f.Kinds {
		if !isFaultKind(k.Kind) {
			named := slices.DeleteFunc(FaultKinds(), func(kind string) bool { return statusOf(kind) != 0 })
			return fmt.Errorf("%q is no kind of fault; they are statuses from 400 to 599, %s, and all", excerpt(k.Kind), strings.Join(named, ", "))
		}
		if k.Weight < 0 {
			return fmt.Errorf("the weight %v of fault %s is negative", k.Weight, k.Kind)
		}
	}
	return nil
}

// kind returns how a try of a request fails, or nothing if it succeeds. Tries are
// numbered from 0.
func (f Faults) kind(request uint64, try int) string {
	if f.Rate <= 0 || try >= max(f.Tries, 1) {
		return ""
	}
	name := strconv.FormatUint(request, 16)
	random := draw(f.Seed, "fault", name)
	if random.Float64() >= f.Rate {
		return ""
	}
	if try > 0 {
		random = draw(f.Seed, "fault", name, strconv.Itoa(try))
	}
	if len(f.Kinds) == 0 {
		if len(f.Statuses) == 0 {
			return strconv.Itoa(http.StatusInternalServerError)
		}
		return strconv.Itoa(pick(random, f.Statuses))
	}
	total := float64(len(f.Statuses))
	for _, k := range f.Kinds {
		total += k.weight()
	}
	at := random.Float64() * total
	for _, k := range f.Kinds {
		if at -= k.weight(); at < 0 {
			return k.Kind
		}
	}
	if len(f.Statuses) == 0 { // the sum was rounded
		return f.Kinds[len(f.Kinds)-1].Kind
	}
	return strconv.Itoa(f.Statuses[min(int(at), len(f.Statuses)-1)])
}

func (f Fault) weight() float64 {
	if f.Weight == 0 {
		return 1
	}
	return f.Weight
}
