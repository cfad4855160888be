package sim

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
)

// What becomes of a request to a model.
const (
	outcomeAnswered      = "answered"       // a whole reply was written
	outcomeLeft          = "left"           // the client went before its reply was written
	outcomeFault         = "fault"          // it failed as Faults or the model's name say
	outcomeLimited       = "limited"        // over a rate limit
	outcomeOverloaded    = "overloaded"     // over the number of requests in flight
	outcomeContextLength = "context_length" // too long
)

// tally counts what /stats shows. It is safe for several goroutines.
type tally struct {
	inFlight, mostInFlight atomic.Int64

	mu            sync.Mutex
	asked         map[string]int64 // by model that answers
	outcomes      map[string]int64
	faults        map[string]int64 // by kind
	answeredAgain int64
}

func newTally() *tally {
	return &tally{asked: map[string]int64{}, outcomes: map[string]int64{}, faults: map[string]int64{}}
}

// enter counts a request in, and returns how many are in flight with it.
func (t *tally) enter() int64 {
	n := t.inFlight.Add(1)
	for most := t.mostInFlight.Load(); n > most && !t.mostInFlight.CompareAndSwap(most, n); most = t.mostInFlight.Load() {
	}
	return n
}

func (t *tally) leave() { t.inFlight.Add(-1) }

func (t *tally) ask(model string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked[model]++
}

func (t *tally) end(outcome, fault string, again bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outcomes[outcome]++
	if fault != "" {
		t.faults[fault]++
	}
	if again {
		t.answeredAgain++
	}
}

// ended counts and logs how a try ended. A whole reply to a request that has had
// one is counted: somebody paid twice. Requests that are alike to the last
// parameter are the same request.
func (s *Server) ended(a asking, status int, fault string, whole bool) {
	outcome := outcomeAnswered
	switch {
	case fault != "":
		outcome = outcomeFault
	case !whole:
		outcome = outcomeLeft
	}
	s.tally.end(outcome, fault, whole && s.memory.again(a.body))
	s.requestLog.write(a, status, fault, whole)
}

func (s *Server) stats(w http.ResponseWriter, _ *http.Request) {
	t := s.tally
	t.mu.Lock()
	asked, outcomes, faults, again := maps.Clone(t.asked), maps.Clone(t.outcomes), maps.Clone(t.faults), t.answeredAgain
	t.mu.Unlock()
	write(w, http.StatusOK, map[string]any{
		"simulated": true, "requests": asked, "outcomes": outcomes, "faults": faults, "answered_again": again,
		"in_flight": t.inFlight.Load(), "max_in_flight": t.mostInFlight.Load(),
	})
}
