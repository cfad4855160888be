package llm

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// bucket is a token bucket: what a limit per minute allows to be sent now.
type bucket struct {
	perSecond float64
	size      float64 // what may be sent at once
	level     float64 // at time at; negative after more than size was taken at once
	at        time.Time
}

// burstSeconds is how many seconds' worth of a limit may be sent at once.
// Servers count over less than a minute: 6,000 a minute as 100 a second.
const burstSeconds = 2

func newBucket(perMinute float64, now time.Time) *bucket {
	if perMinute <= 0 {
		return nil
	}
	size := max(perMinute/60*burstSeconds, 1)
	return &bucket{perSecond: perMinute / 60, size: size, level: size, at: now}
}

func (b *bucket) fill(now time.Time) {
	if d := now.Sub(b.at); d > 0 {
		b.level = min(b.size, b.level+b.perSecond*d.Seconds())
		b.at = now
	}
}

// until returns when n can be taken. More than the bucket holds can be taken
// when it is full.
func (b *bucket) until(now time.Time, n float64) time.Time {
	if b == nil {
		return now
	}
	b.fill(now)
	missing := min(n, b.size) - b.level
	if missing <= 1e-9 {
		return now
	}
	// Rounded up, or the wake-up would come a nanosecond too soon, again and again.
	return now.Add(time.Duration(math.Ceil(missing/b.perSecond*1e6)) * time.Microsecond)
}

// take takes n out; a negative n gives back.
func (b *bucket) take(now time.Time, n float64) {
	if b != nil {
		b.fill(now)
		b.level = min(b.size, b.level-n)
	}
}

// maxHeaderPause bounds how long a rate-limit header can hold an endpoint up.
const maxHeaderPause = time.Minute

// headerPause returns how long the x-ratelimit headers of an answer ask to wait
// before the next request that is estimated at need tokens.
func headerPause(h http.Header, need float64, now time.Time) time.Duration {
	var pause time.Duration
	if left, ok := headerNumber(h, "X-Ratelimit-Remaining-Requests"); ok && left < 1 {
		pause = resetTime(h.Get("X-Ratelimit-Reset-Requests"), now)
		// The reset is when the whole allowance is back; one request is sooner.
		if limit, ok := headerNumber(h, "X-Ratelimit-Limit-Requests"); ok && limit >= 1 {
			pause = time.Duration(float64(pause) / limit)
		}
	}
	if left, ok := headerNumber(h, "X-Ratelimit-Remaining-Tokens"); ok && left < need {
		reset := resetTime(h.Get("X-Ratelimit-Reset-Tokens"), now)
		if limit, ok := headerNumber(h, "X-Ratelimit-Limit-Tokens"); ok && limit > left {
			reset = time.Duration(float64(reset) * min((need-left)/(limit-left), 1))
		}
		pause = max(pause, reset)
	}
	return min(pause, maxHeaderPause)
}

func headerNumber(h http.Header, name string) (float64, bool) {
	value := h.Get(name)
	if value == "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(value, 64)
	return n, err == nil && n >= 0
}

// resetTime reads the forms in use: 1s, 6m0s, 20ms (OpenAI), seconds, and a date.
func resetTime(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if d, err := time.ParseDuration(value); err == nil {
		return max(d, 0)
	}
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return max(at.Sub(now), 0)
	}
	return retryAfter(value, now)
}

// retryAfter reads the header's two forms, seconds (fractions too, which some
// servers send) and a date. 0 means that there is none to obey.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		const day = 24 * 60 * 60
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(min(seconds, day) * float64(time.Second))
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), 24*time.Hour)
	}
	return 0
}
