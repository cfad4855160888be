package llm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// What an Endpoint has where its fields are zero.
const (
	DefaultConcurrency      = 16
	DefaultBatchConcurrency = 50_000 // one whole batch
	DefaultTimeout          = 10 * time.Minute
	DefaultIdleTimeout      = 2 * time.Minute
	DefaultMaxRetries       = 8
)

// How an endpoint is asked.
const (
	ModeChat  = "chat"  // one HTTP request for each reply
	ModeBatch = "batch" // OpenAI's Batch API: files of many requests, answered within a day, as a rule at half the price
)

// Endpoint is a server of a model.
type Endpoint struct {
	URL               string            // base URL, as a rule ending in /v1; http or https, without key, query or user name
	Model             string            // as the server calls it
	KeyEnv            string            // name of the environment variable that holds the API key; "" = no key is sent
	Identity          string            // what the journal knows the model by; "" = Model. Servers of one model share it
	Mode              string            // ModeChat (the default) or ModeBatch
	Concurrency       int               // requests in flight at once; 0 = DefaultConcurrency or DefaultBatchConcurrency
	RequestsPerMinute float64           // 0 = no limit
	TokensPerMinute   float64           // prompt and completion together; 0 = no limit
	Weight            float64           // share of the work against that of the pool's other endpoints; 0 = 1
	PriceIn, PriceOut *float64          // US dollars per million tokens; nil = unknown
	Timeout           time.Duration     // for one try of one request, ModeChat only; 0 = DefaultTimeout
	IdleTimeout       time.Duration     // between two pieces of one answer; 0 = DefaultIdleTimeout
	MaxRetries        int               // tries after the first; 0 = DefaultMaxRetries; negative = none
	Extra             map[string]any    // body fields passed through untouched; they win over fields of the same name
	Headers           map[string]string // sent with every request; a value "$NAME" is that of the environment variable NAME
	Simulated         bool              // the server is internal/sim; its replies are never taken for those of a real model
}

// resolved is an endpoint with its defaults, and with what it takes from the
// environment: read once, at the start, so that a missing key is found before
// any work is done.
type resolved struct {
	Endpoint
	host    string
	key     string
	headers map[string]string
	secrets []string // the key and what headers took from the environment, longest first
}

func resolve(e Endpoint) (*resolved, error) {
	base, err := checkURL(e.URL)
	if err != nil {
		return nil, err
	}
	if e.Model == "" {
		return nil, fmt.Errorf("endpoint %s names no model", base)
	}
	if e.Mode == "" {
		e.Mode = ModeChat
	}
	if e.Mode != ModeChat && e.Mode != ModeBatch {
		return nil, fmt.Errorf("endpoint %s: mode %q is neither %s nor %s", base, e.Mode, ModeChat, ModeBatch)
	}
	if err := checkExtra(e.Extra); err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", base, err)
	}
	for name, x := range map[string]float64{"requests per minute": e.RequestsPerMinute, "tokens per minute": e.TokensPerMinute, "weight": e.Weight} {
		if !(x >= 0) {
			return nil, fmt.Errorf("endpoint %s: %s must be 0 or more, not %v", base, name, x)
		}
	}
	r := &resolved{Endpoint: e, host: base.Host}
	if r.key, err = readSecret(e.KeyEnv, "the API key"); err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", base, err)
	}
	if r.headers, r.secrets, err = readHeaders(e.Headers); err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", base, err)
	}
	if r.key != "" {
		r.secrets = append(r.secrets, r.key)
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
	r.URL = base.String()
	r.setDefaults()
	return r, nil
}

func (r *resolved) setDefaults() {
	if r.Identity == "" {
		r.Identity = r.Model
	}
	if r.Concurrency <= 0 {
		r.Concurrency = DefaultConcurrency
		if r.Mode == ModeBatch {
			r.Concurrency = DefaultBatchConcurrency
		}
	}
	if r.Weight == 0 {
		r.Weight = 1
	}
	if r.Timeout <= 0 {
		r.Timeout = DefaultTimeout
	}
	if r.IdleTimeout <= 0 {
		r.IdleTimeout = DefaultIdleTimeout
	}
	if r.MaxRetries == 0 {
		r.MaxRetries = DefaultMaxRetries
	}
	r.MaxRetries = max(r.MaxRetries, 0)
}

// cost is what tokens cost in US dollars, nil if that is not known.
func (e *Endpoint) cost(promptTokens, completionTokens int64) *float64 {
	if e.PriceIn == nil || e.PriceOut == nil {
		return nil
	}
	cost := (float64(promptTokens)**e.PriceIn + float64(completionTokens)**e.PriceOut) / 1e6
	return &cost
}

func checkURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, errors.New("endpoint has no url; name the base URL of an OpenAI-compatible server, such as http://localhost:8000/v1")
	}
	u, err := url.Parse(s)
	if err != nil {
		// The error of url.Parse repeats the URL, which may hold a password.
		return nil, errors.New("endpoint url is not a URL; it should look like http://localhost:8000/v1")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("endpoint url of host %q holds a user name, a query or a fragment; keys belong into an environment variable", u.Host)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("endpoint url %q does not begin with http:// or https:// and a host", s)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	if strings.HasSuffix(u.Path, "/chat/completions") {
		return nil, fmt.Errorf("endpoint url %q is that of one method; leave out /chat/completions", s)
	}
	return u, nil
}

// checkExtra refuses fields that would make the reply another than the one the
// caller expects, and values that no JSON can hold.
func checkExtra(extra map[string]any) error {
	for _, name := range []string{"model", "messages", "stream", "n"} {
		if _, ok := extra[name]; ok {
			return fmt.Errorf("extra field %q is not allowed: tinyv sets it itself", name)
		}
	}
	if _, err := json.Marshal(extra); err != nil {
		return fmt.Errorf("extra fields: %w", err)
	}
	return nil
}

// readSecret reads the environment variable name; "" is none.
func readSecret(name, what string) (string, error) {
	if name == "" {
		return "", nil
	}
	secret := strings.TrimSpace(os.Getenv(name))
	if secret == "" {
		return "", fmt.Errorf("environment variable %q, which should hold %s, is not set", name, what)
	}
	for _, r := range secret {
		if r <= ' ' || r > '~' {
			return "", fmt.Errorf("environment variable %q does not hold %s: it has blanks or characters outside ASCII", name, what)
		}
	}
	return secret, nil
}

// ownHeaders are set by the client itself.
var ownHeaders = []string{"Content-Type", "Content-Length", "Host", "Accept-Encoding", "Connection", "Transfer-Encoding"}

// CheckHeader reports what is wrong with a header that an endpoint is to send.
func CheckHeader(name, value string) error {
	canonical := http.CanonicalHeaderKey(name)
	fromEnvironment := strings.HasPrefix(value, "$")
	switch {
	case name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "":
		return fmt.Errorf("header %q is not the name of a header", name)
	case slices.Contains(ownHeaders, canonical):
		return fmt.Errorf("header %q is set by tinyv itself", name)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("header %q holds control characters", name)
	case !fromEnvironment && (strings.Contains(canonical, "Key") || strings.Contains(canonical, "Token") || slices.Contains([]string{"Authorization", "Proxy-Authorization", "Cookie"}, canonical)):
		return fmt.Errorf("header %q looks like a secret; never put one in a config, write $NAME for the value of the environment variable NAME", name)
	}
	return nil
}

func readHeaders(given map[string]string) (headers map[string]string, secrets []string, err error) {
	headers = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value := given[name]
		if err := CheckHeader(name, value); err != nil {
			return nil, nil, err
		}
		if variable, ok := strings.CutPrefix(value, "$"); ok {
			if value, err = readSecret(variable, "the header "+name); err != nil {
				return nil, nil, err
			}
			secrets = append(secrets, value)
		}
		headers[name] = value
	}
	return headers, secrets, nil
}
