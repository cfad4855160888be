package sim

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Limits are what the server allows each of its models; 0 is no limit. A server
// that wants a key has only the one, so the limits of a model are those of its key.
//
// Requests and tokens are counted in buckets that begin full, with what a minute
// allows, and fill up evenly. A reply is charged with the tokens of its usage when
// its request is admitted.
type Limits struct {
	Requests int // a minute
	Tokens   int // a minute
	InFlight int // requests at once, of all models; more are answered 503
}

// A bucket allows so many a minute.
type bucket struct {
	limit float64
	level float64
	at    time.Time // of level
}

func (b *bucket) fill(now time.Time) {
	if b.at.IsZero() {
		b.level = b.limit
	} else {
		b.level = min(b.limit, b.level+now.Sub(b.at).Minutes()*b.limit)
	}
	b.at = now
}

// until is how long it takes to fill up to a level.
func (b *bucket) until(level float64) time.Duration {
	if level <= b.level {
		return 0
	}
	return time.Duration(math.Ceil((level - b.level) / b.limit * float64(time.Minute)))
}

// tell writes OpenAI's headers on a bucket of requests or tokens.
func (b *bucket) tell(h http.Header, what string) {
	reset := b.until(b.limit)
	if reset > time.Second {
		reset = reset.Round(time.Second)
	} else {
		reset = reset.Round(time.Millisecond)
	}
	h.Set("X-Ratelimit-Limit-"+what, strconv.Itoa(int(b.limit)))
	h.Set("X-Ratelimit-Remaining-"+what, strconv.Itoa(int(b.level)))
	h.Set("X-Ratelimit-Reset-"+what, reset.String())
}

// limiter keeps the buckets of all models. It is safe for several goroutines.
type limiter struct {
	mu     sync.Mutex
	models map[string]*[2]bucket // of requests and of tokens
}

// A refused request is one over a limit.
type refused struct {
	what  string // requests or tokens
	wait  time.Duration
	limit int
	never bool // it is larger than what a minute allows
}

// admit takes a request of so many tokens out of the buckets of a model, or, if
// they do not hold it, takes nothing and says so. It writes the headers.
func (l *limiter) admit(limits Limits, model string, tokens int, clock func() time.Time, h http.Header) (refused, bool) {
	if limits.Requests <= 0 && limits.Tokens <= 0 {
		return refused{}, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	both := l.models[model]
	if both == nil {
		both = &[2]bucket{{limit: float64(limits.Requests)}, {limit: float64(limits.Tokens)}}
		if l.models == nil {
			l.models = map[string]*[2]bucket{}
		}
		l.models[model] = both
	}
	want, now := [2]float64{1, float64(tokens)}, clock()
	var over refused
	for i, what := range [2]string{"requests", "tokens"} {
		b := &both[i]
		if b.limit <= 0 {
			continue
		}
		b.fill(now)
		if wait := b.until(want[i]); wait > over.wait {
			over = refused{what, wait, int(b.limit), want[i] > b.limit}
		}
	}
	ok := over.wait == 0
	for i, what := range [2]string{"Requests", "Tokens"} {
		if b := &both[i]; b.limit > 0 {
			if ok {
				b.level -= want[i]
			}
			b.tell(h, what)
		}
	}
	return over, ok
}
