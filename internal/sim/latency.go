package sim

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Distribution says how a time is drawn. The zero value is always 0.
type Distribution struct {
	shape shape
	a, b  time.Duration // the constant; the bounds; the mean; the median
	sigma float64       // of the logarithm
	most  time.Duration // 0 is mostDrawn
}

type shape uint8

const (
	constant shape = iota
	uniform
	exponential
	logNormal
)

// mostDrawn bounds what is drawn where no cap is given: a tail must not overflow.
const mostDrawn = time.Hour

// Constant is always d.
func Constant(d time.Duration) Distribution { return Distribution{shape: constant, a: d} }

// Uniform is anything from low to high.
func Uniform(low, high time.Duration) Distribution {
	return Distribution{shape: uniform, a: low, b: high}
}

// Exponential has a mean; half of what it draws is under 0.69 of that.
func Exponential(mean time.Duration) Distribution { return Distribution{shape: exponential, a: mean} }

// LogNormal has a median, and the standard deviation of its logarithm; at 0.7 the
// slowest of 100 takes five times the median.
func LogNormal(median time.Duration, sigma float64) Distribution {
	return Distribution{shape: logNormal, a: median, sigma: sigma}
}

func (d Distribution) draw(r *rand.Rand) time.Duration {
	var drawn float64
	switch d.shape {
	case constant:
		return d.a
	case uniform:
		drawn = float64(d.a) + r.Float64()*float64(d.b-d.a)
	case exponential:
		drawn = float64(d.a) * r.ExpFloat64()
	case logNormal:
		drawn = float64(d.a) * math.Exp(d.sigma*r.NormFloat64())
	}
	most := d.most
	if most == 0 {
		most = mostDrawn
	}
	return time.Duration(min(drawn, float64(most)))
}

const latencyForms = "write 1s, uniform:100ms-2s, exp:1s or lognormal:800ms,0.7; the last two may end in ,max=10s"

// ParseDistribution reads "1s", "uniform:100ms-2s", "exp:1s" and
// "lognormal:800ms,0.7". The last two may end in a cap, as in "exp:1s,max=10s".
func ParseDistribution(text string) (Distribution, error) {
	d, ok := parseDistribution(text)
	if !ok {
		return Distribution{}, fmt.Errorf("%q is no latency; %s", excerpt(text), latencyForms)
	}
	return d, nil
}

func parseDistribution(text string) (Distribution, bool) {
	name, rest, named := strings.Cut(text, ":")
	if !named {
		d, ok := parseTime(text)
		return Constant(d), ok
	}
	if name == "uniform" {
		from, to, ok := strings.Cut(rest, "-")
		low, lowOK := parseTime(from)
		high, highOK := parseTime(to)
		return Uniform(low, high), ok && lowOK && highOK && low <= high
	}
	rest, limit, isCapped := strings.Cut(rest, ",max=")
	var d Distribution
	var ok bool
	switch name {
	case "exp":
		var mean time.Duration
		mean, ok = parseTime(rest)
		d = Exponential(mean)
	case "lognormal":
		m, s, _ := strings.Cut(rest, ",")
		median, medianOK := parseTime(m)
		sigma, err := strconv.ParseFloat(s, 64)
		ok = medianOK && err == nil && sigma >= 0 && sigma <= 10
		d = LogNormal(median, sigma)
	}
	if ok && isCapped {
		d.most, ok = parseTime(limit)
		ok = ok && d.most > 0
	}
	return d, ok
}

// parseTime reads a duration that is not negative.
func parseTime(text string) (time.Duration, bool) {
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

// latency is how long a try of a request takes: a pure function of the world, the
// request and the number of the try, so that a try that timed out is not doomed to
// time out again.
func (w *World) latency(request uint64, try, completionTokens int) time.Duration {
	d := w.Latency
	if w.Delay != (Distribution{}) {
		d += w.Delay.draw(draw(w.Seed, "latency", strconv.FormatUint(request, 16), strconv.Itoa(try)))
	}
	if w.TokenRate > 0 {
		d += time.Duration(min(float64(completionTokens)/w.TokenRate, mostDrawn.Seconds()) * float64(time.Second))
	}
	return d
}

// timers lends stopped timers: thousands of requests wait at once, each for a
// moment, and a timer of its own for each would be most of what they allocate.
type timers struct{ pool sync.Pool }

// wait waits for d, and reports whether that was before ctx ended and ending closed.
// A d of 0 or less is no wait; forever is one without an end.
func (t *timers) wait(ctx context.Context, ending <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	var up <-chan time.Time
	if d != forever {
		timer, ok := t.pool.Get().(*time.Timer)
		if ok {
			timer.Reset(d)
		} else {
			timer = time.NewTimer(d)
		}
		defer func() {
			timer.Stop() // no stale tick stays behind in its channel
			t.pool.Put(timer)
		}()
		up = timer.C
	}
	select {
	case <-up:
		return true
	case <-ctx.Done():
	case <-ending:
	}
	return false
}

const forever time.Duration = math.MaxInt64
