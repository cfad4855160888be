package config

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"time"

	"tinyv/internal/llm"
)

// SimulatedURL is the endpoint URL that stands for the simulated model server,
// which a run starts by itself on the loopback interface.
const SimulatedURL = "simulated"

// Endpoint is an OpenAI-compatible model server.
type Endpoint struct {
	URL               string            `yaml:"url"`      // base URL, ending in /v1, or "simulated"
	Model             string            `yaml:"model"`    // as the server calls it
	KeyEnv            string            `yaml:"key_env"`  // name of the environment variable with the key; none by default
	Identity          string            `yaml:"identity"` // what the journal knows the model by; default is model
	Mode              string            `yaml:"mode"`     // chat (default) or batch
	Concurrency       int               `yaml:"concurrency"`
	RequestsPerMinute float64           `yaml:"requests_per_minute"`
	TokensPerMinute   float64           `yaml:"tokens_per_minute"`
	Weight            float64           `yaml:"weight"` // share of the work against that of the role's other endpoints; default 1
	Timeout           time.Duration     `yaml:"timeout"`
	IdleTimeout       time.Duration     `yaml:"idle_timeout"` // between two pieces of one answer; default 2m
	MaxRetries        *int              `yaml:"max_retries"`
	Extra             map[string]any    `yaml:"extra"`     // body fields passed through: top_k, min_p, reasoning_effort, ...
	Headers           map[string]string `yaml:"headers"`   // sent with every request; $NAME is the value of the environment variable NAME
	PriceIn           *float64          `yaml:"price_in"`  // US dollars per million prompt tokens
	PriceOut          *float64          `yaml:"price_out"` // US dollars per million completion tokens
}

// Simulated reports whether the endpoint is the simulated server.
func (e *Endpoint) Simulated() bool { return e.URL == SimulatedURL }

func (k *checker) simulated(e *Endpoint) bool {
	if e == nil || !e.Simulated() {
		return false
	}
	if k.c.Simulator == nil {
		k.c.Simulator = &Simulator{}
	}
	return true
}

// endpoints checks the endpoints of a role, given as one or as a list, and returns
// the list.
func (k *checker) endpoints(role string, one *Endpoint, many []Endpoint, simulatedModel string) []Endpoint {
	switch {
	case one == nil && len(many) == 0:
		k.fail(role+".endpoint", "is missing; add the model server that answers:\n    endpoint:\n      url: http://localhost:8000/v1   # any OpenAI-compatible server; or: simulated\n      model: NAME                     # as the server calls it; simulated: %s\n      key_env: NAME_OF_KEY_VARIABLE   # leave out if the server needs no key", simulatedModel)
		return nil
	case one != nil && many != nil:
		k.fail(role+".endpoints", "and %s.endpoint are both given; put all servers into endpoints", role)
		return nil
	case one != nil:
		many = []Endpoint{*one}
	}
	for i := range many {
		k.endpoint(endpointKey(role, one, i), &many[i])
	}
	first := many[0]
	for i, e := range many[1:] {
		key := endpointKey(role, one, i+1)
		switch {
		case cmp.Or(e.Identity, e.Model) != cmp.Or(first.Identity, first.Model):
			k.fail(key+".identity", "makes this another model than that of the first endpoint: %q and %q. Endpoints of one role are servers of one model; if these are, give both the same identity", cmp.Or(e.Identity, e.Model), cmp.Or(first.Identity, first.Model))
		case e.Simulated() != first.Simulated():
			k.fail(key+".url", "mixes a simulated and a real server in one role")
		case e.Mode != first.Mode:
			k.fail(key+".mode", "is %s and that of the first endpoint is %s; give all endpoints of a role the same", e.Mode, first.Mode)
		case len(e.Extra)+len(first.Extra) > 0 && !reflect.DeepEqual(e.Extra, first.Extra):
			k.fail(key+".extra", "differs from that of the first endpoint, so the two would answer one request differently; give all endpoints of a role the same")
		}
	}
	return many
}

// endpointKey is the key of the ith endpoint of a role.
func endpointKey(role string, one *Endpoint, i int) string {
	if one != nil {
		return role + ".endpoint"
	}
	return fmt.Sprintf("%s.endpoints[%d]", role, i)
}

func (k *checker) endpoint(key string, e *Endpoint) {
	if e.Model == "" {
		k.fail(key+".model", "is missing; give the model's name as the server calls it")
	}
	if e.URL == "" {
		k.fail(key+".url", "is missing; give the base URL, such as http://localhost:8000/v1, or simulated")
	} else if !e.Simulated() && e.URL != ServedURL {
		u, err := url.Parse(e.URL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			k.fail(key+".url", "%q is not an http or https URL such as http://localhost:8000/v1", e.URL)
		} else if u.User != nil {
			k.fail(key+".url", "holds a user name or password; keys come from the environment variable that key_env names")
		}
	}
	if e.KeyEnv != "" && !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(e.KeyEnv) {
		k.fail(key+".key_env", "is not the name of an environment variable; never put a key itself in a config")
	}
	defaultText(&e.Mode, "chat")
	if e.Mode != "chat" && e.Mode != "batch" {
		k.fail(key+".mode", "%q is not a way to ask; it may be chat, or batch for servers that offer OpenAI's Batch API", e.Mode)
	}
	for name, x := range map[string]float64{"requests_per_minute": e.RequestsPerMinute, "tokens_per_minute": e.TokensPerMinute, "weight": e.Weight} {
		if !(x >= 0) || math.IsInf(x, 0) {
			k.fail(key+"."+name, "must be above 0, not %v", x)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		if err := llm.CheckHeader(name, e.Headers[name]); err != nil {
			k.fail(key+".headers."+name, "%v", err)
		}
	}
	if k.c.Limits.MaxCost > 0 && (e.PriceIn == nil || e.PriceOut == nil) {
		k.fail(key, "has no price_in and price_out (US dollars per million tokens), and limits.max_cost needs both")
	}
	if e.Concurrency < 0 {
		k.fail(key+".concurrency", "must be 1 or more, not %d", e.Concurrency)
	}
	if e.MaxRetries != nil && *e.MaxRetries < 0 {
		k.fail(key+".max_retries", "must be 0 or more, not %d", *e.MaxRetries)
	}
	for name, price := range map[string]*float64{"price_in": e.PriceIn, "price_out": e.PriceOut} {
		if price != nil && !(*price >= 0) {
			k.fail(key+"."+name, "must be 0 or more US dollars per million tokens, not %v", *price)
		}
	}
	k.simulated(e)
}
