package sim

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func ask(i int) string {
	return fmt.Sprintf(`{"model": "sim-solver", "messages": [{"role": "user", "content": "x"}], "seed": %d}`, i)
}

func TestRequestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewServer(&World{Limits: Limits{Requests: 60}}, quiet).Handler()
		want := func(status int, remaining, reset string) http.Header {
			t.Helper()
			got, header, body := post(t, h, ask(1))
			if got != status || header.Get("x-ratelimit-limit-requests") != "60" || header.Get("x-ratelimit-remaining-requests") != remaining || header.Get("x-ratelimit-reset-requests") != reset {
				t.Fatalf("status %d, header %v: %s; want %d with %s remaining, reset in %s", got, header, body, status, remaining, reset)
			}
			if header.Get("x-ratelimit-limit-tokens") != "" {
				t.Error("a limit of tokens that is none")
			}
			return header
		}
		for i := range 60 {
			reset := strconv.Itoa(i+1) + "s"
			if i == 59 {
				reset = "1m0s"
			}
			if after := want(200, strconv.Itoa(59-i), reset).Get("Retry-After"); after != "" {
				t.Fatalf("Retry-After %s with a reply", after)
			}
		}
		if after := want(429, "0", "1m0s").Get("Retry-After"); after != "1" {
			t.Errorf("Retry-After is %q", after)
		}
		time.Sleep(990 * time.Millisecond)
		want(429, "0", "59s")
		time.Sleep(10 * time.Millisecond)
		want(200, "0", "1m0s")
		time.Sleep(time.Hour) // no more than a minute's worth is saved up
		want(200, "59", "1s")
		time.Sleep(980 * time.Millisecond)
		if _, header, _ := post(t, h, `{"model": "nobody", "messages": [{"role": "user", "content": "x"}]}`); header.Get("x-ratelimit-limit-requests") != "" {
			t.Error("a model that is none has limits")
		}
	})
}

func TestTokenLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := DefaultWorld()
		w.Limits.Tokens = 25 // a reply to "x" costs 14
		h := NewServer(w, quiet).Handler()
		status, header, _ := post(t, h, ask(1))
		if status != 200 || header.Get("x-ratelimit-remaining-tokens") != "11" || header.Get("x-ratelimit-limit-tokens") != "25" || header.Get("x-ratelimit-reset-tokens") != "34s" {
			t.Errorf("status %d, header %v", status, header)
		}
		status, header, body := post(t, h, ask(2))
		if status != 429 || header.Get("Retry-After") != "8" || header.Get("x-ratelimit-remaining-tokens") != "11" {
			t.Errorf("status %d, header %v: %s", status, header, body)
		}
		time.Sleep(8 * time.Second)
		if status, _, _ := post(t, h, ask(2)); status != 200 {
			t.Errorf("after Retry-After: status %d", status)
		}
		// Models have limits of their own.
		if status, _, _ := post(t, h, `{"model": "sim-annotator-a", "messages": [{"role": "user", "content": "x"}], "max_tokens": 5}`); status != 200 {
			t.Errorf("another model: status %d", status)
		}
		// What no minute allows is not told to come again.
		status, header, body = post(t, h, `{"model": "sim-solver", "messages": [{"role": "user", "content": "x"}], "n": 9}`)
		if status != 429 || header.Get("Retry-After") != "" {
			t.Errorf("status %d, header %v: %s", status, header, body)
		}
	})
}

// TestResetForms: small times have OpenAI's form too.
func TestResetForms(t *testing.T) {
	for level, want := range map[float64]string{3000: "0s", 2999: "20ms", 2900: "2s", 2999.99: "0s", 0: "1m0s"} {
		b := bucket{limit: 3000, level: level}
		h := http.Header{}
		b.tell(h, "Requests")
		if got := h.Get("x-ratelimit-reset-requests"); got != want {
			t.Errorf("level %v: %q, want %q", level, got, want)
		}
	}
}

// TestBucketProperty: in no span of time does more pass than the bucket held and
// gained in it, and whoever waits as long as he is told gets through.
func TestBucketProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{Requests: rapid.IntRange(1, 1000).Draw(t, "requests"), Tokens: rapid.IntRange(100, 100_000).Draw(t, "tokens")}
		var l limiter
		began := time.Unix(1e9, 0)
		now := began
		clock := func() time.Time { return now }
		passed, tokens := 0, 0
		for range rapid.IntRange(1, 100).Draw(t, "tries") {
			want := rapid.IntRange(1, limits.Tokens).Draw(t, "want")
			over, ok := l.admit(limits, "m", want, clock, http.Header{})
			if !ok {
				if over.never {
					t.Fatalf("%d tokens of %d are never allowed", want, limits.Tokens)
				}
				now = now.Add(over.wait)
				if over, ok = l.admit(limits, "m", want, clock, http.Header{}); !ok && over.wait > time.Microsecond {
					t.Fatalf("waited as told, and is told to wait %v more", over.wait)
				}
			}
			if ok {
				passed++
				tokens += want
			}
			minutes := 1 + now.Sub(began).Minutes() + 1e-6
			if float64(passed) > minutes*float64(limits.Requests) || float64(tokens) > minutes*float64(limits.Tokens) {
				t.Fatalf("%d requests and %d tokens in %v, allowed are %+v a minute", passed, tokens, now.Sub(began), limits)
			}
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "pause")))
		}
	})
}

func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(&World{Latency: time.Second, Limits: Limits{InFlight: 3}}, quiet)
		h := s.Handler()
		statuses := make(chan int, 5)
		for i := range 5 {
			go func() {
				status, _, _ := post(t, h, ask(i))
				statuses <- status
			}()
			synctest.Wait()
		}
		count := map[int]int{}
		for range 5 {
			count[<-statuses]++
		}
		if count[200] != 3 || count[503] != 2 || s.tally.mostInFlight.Load() != 4 || s.tally.inFlight.Load() != 0 {
			t.Errorf("statuses %v, %d in flight at most", count, s.tally.mostInFlight.Load())
		}
		if status, _, _ := post(t, h, ask(9)); status != 200 {
			t.Errorf("when all are done: status %d", status)
		}
	})
}
