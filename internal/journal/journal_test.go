package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"tinyv/internal/stagetest/buffer"
)

func keyOf(n int) Key { return sha256.Sum256(fmt.Appendf(nil, "request %d", n)) }

// replyOf is a reply with a content of about size bytes that depends on n.
func replyOf(n, size int) Reply {
	return Reply{
		Content: fmt.Sprintf("%d:%s", n, strings.Repeat("x", size)), FinishReason: "stop", Model: "m", Identity: "m/1",
		PromptTokens: int64(n), CompletionTokens: 7, LatencyMS: 1.5, Host: "localhost:8000",
		Time: time.Date(2026, 11, 21, 10, 0, n%60, 0, time.UTC),
	}
}

// said is a reply with just a content.
func said(content string) Reply { return Reply{Content: content} }

const fileName = "journal-00000.jsonl"

func mustOpen(t testing.TB, dir string, log *bytes.Buffer) *Journal {
	t.Helper()
	out := slog.New(slog.DiscardHandler)
	if log != nil {
		out = slog.New(slog.NewTextHandler(log, nil))
	}
	j, err := Open(dir, out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func mustPut(t testing.TB, j *Journal, key Key, r Reply) {
	t.Helper()
	if err := j.Put(t.Context(), key, r); err != nil {
		t.Fatal(err)
	}
}

// getter is what Journal and Reader have in common.
type getter interface {
	Get(Key) (Reply, bool, error)
}

func wantReply(t testing.TB, j getter, key Key, want Reply) {
	t.Helper()
	got, ok, err := j.Get(key)
	if err != nil || !ok || !reflect.DeepEqual(got, want) {
		t.Fatalf("Get(%s) = %.160v, %v, %v; want %.160v", key, got, ok, err, want)
	}
}

func wantNone(t testing.TB, j getter, key Key) {
	t.Helper()
	if got, ok, err := j.Get(key); ok || err != nil {
		t.Fatalf("Get(%s) = %.160v, %v, %v; want nothing", key, got, ok, err)
	}
}

func file(dir string) string { return filepath.Join(dir, fileName) }

func read(t testing.TB, dir string) []byte {
	t.Helper()
	data, err := os.ReadFile(file(dir))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPutGetReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "journal")
	j := mustOpen(t, dir, nil)
	wantNone(t, j, keyOf(0))
	mustPut(t, j, keyOf(0), said(`\frac{1}{2}`))
	mustPut(t, j, keyOf(1), said("first"))
	mustPut(t, j, keyOf(1), said("last"))
	check := func(j *Journal) {
		t.Helper()
		if j.Len() != 2 {
			t.Fatalf("Len = %d, want 2", j.Len())
		}
		wantReply(t, j, keyOf(0), said(`\frac{1}{2}`))
		wantReply(t, j, keyOf(1), said("last"))
		wantNone(t, j, keyOf(2))
	}
	check(j)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	j = mustOpen(t, dir, &log)
	check(j)
	if log.Len() > 0 {
		t.Errorf("an undamaged journal made a report: %s", &log)
	}
}

// Every line is a JSON object that ordinary tools read.
func TestLinesAreJSON(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	mustPut(t, j, keyOf(7), said(`x < y & "z"`))
	var record struct {
		Key    string
		CRC32C string
		Value  struct{ Content string }
	}
	if err := json.Unmarshal(read(t, dir), &record); err != nil {
		t.Fatal(err)
	}
	if record.Key != keyOf(7).String() || len(record.CRC32C) != 8 || record.Value.Content != `x < y & "z"` {
		t.Errorf("got %+v", record)
	}
}

func TestPutRefusesWhatWouldBreakTheFile(t *testing.T) {
	j := mustOpen(t, t.TempDir(), nil)
	for name, r := range map[string]Reply{
		"half a JSON":      {Logprobs: json.RawMessage(`{"a":1`)},
		"two JSON values":  {Logprobs: json.RawMessage(`{} {}`)},
		"logprobs UTF8":    {Logprobs: json.RawMessage("\"\xff\"")},
		"no number":        {LatencyMS: math.NaN()},
		"no year":          {Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"infinitely dear":  {CostUSD: new(math.Inf(1))},
		"line in a string": {Logprobs: json.RawMessage("\"\n\"")},
	} {
		if err := j.Put(t.Context(), keyOf(0), r); err == nil {
			t.Errorf("%s: %v was taken", name, r)
		}
	}
	if j.Len() != 0 {
		t.Errorf("Len = %d after refused Puts", j.Len())
	}
	mustPut(t, j, keyOf(0), Reply{})
}

// Every field comes back, and the time in UTC.
func TestReplyRoundTrip(t *testing.T) {
	want := Reply{
		Content: "a\u2028b\r\n\x00<&>\U0001f600", Reasoning: "why", FinishReason: "length", Model: "m", Identity: "i",
		PromptTokens: 1 << 60, CompletionTokens: 3, CostUSD: new(0.0), LatencyMS: 0.25, Host: "h:1", Batch: "b", Simulated: true,
		Logprobs: json.RawMessage(`{"content":[{"token":"}","logprob":-0.5}]}`),
		Time:     time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.FixedZone("", 7200)),
	}
	j := mustOpen(t, t.TempDir(), nil)
	mustPut(t, j, keyOf(0), want)
	want.Time = want.Time.UTC()
	wantReply(t, j, keyOf(0), want)
	if got, want := j.Totals(), (Totals{Replies: 1, PromptTokens: 1 << 60, CompletionTokens: 3}); got != want {
		t.Errorf("Totals = %+v, want %+v", got, want)
	}
	mustPut(t, j, keyOf(0), said("bad \xff UTF8"))
	wantReply(t, j, keyOf(0), said("bad \ufffd UTF8"))
}

// Sizes around every buffer of the package, in all orders that two records can
// have, read back before and after reopening.
func TestBoundarySizes(t *testing.T) {
	t.Parallel()
	var sizes []int
	for _, edge := range []int{1, valueAt, 4096, 1<<20 - valueAt - len(lineEnd), commitBytes} {
		for d := -4; d <= 1; d++ {
			if n := edge + d; n >= 1 && (n < 1<<21 || d == 0) {
				sizes = append(sizes, n)
			}
		}
	}
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	empty, err := Reply{}.encode()
	if err != nil {
		t.Fatal(err)
	}
	value := func(n int) Reply { return said(strings.Repeat("1", max(0, n-len(empty)))) } // of n bytes as JSON
	for i, n := range sizes {
		mustPut(t, j, keyOf(i), value(n))
	}
	for range 2 {
		for i, n := range sizes {
			wantReply(t, j, keyOf(i), value(n))
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		j = mustOpen(t, dir, &log)
		if log.Len() > 0 {
			t.Fatalf("reopening reports damage: %.500s", &log)
		}
	}
}

// A file that ends at any byte of its last record is cut to the records before
// it, says so, and takes new records that do not run into the old.
func TestTornTailAtEveryByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	mustPut(t, j, keyOf(0), replyOf(0, 10))
	mustPut(t, j, keyOf(1), replyOf(1, 10))
	whole := len(read(t, dir))
	mustPut(t, j, keyOf(2), replyOf(2, 10))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	data := read(t, dir)
	for end := whole; end <= len(data); end++ {
		if err := os.WriteFile(file(dir), data[:end], fileMode); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		j := mustOpen(t, dir, &log)
		wantReply(t, j, keyOf(0), replyOf(0, 10))
		wantReply(t, j, keyOf(1), replyOf(1, 10))
		switch lost := len(data) - end; {
		case lost <= 1: // the record is whole; at most its line's end is missing
			wantReply(t, j, keyOf(2), replyOf(2, 10))
			if got := read(t, dir); !bytes.Equal(got, data) {
				t.Fatalf("end %d: file is %q", end, got)
			}
			if reported := strings.Contains(log.String(), "had no end"); reported != (lost == 1) {
				t.Fatalf("end %d: log is %q", end, &log)
			}
		default:
			wantNone(t, j, keyOf(2))
			if got := read(t, dir); !bytes.Equal(got, data[:whole]) {
				t.Fatalf("end %d: file is %q", end, got)
			}
			report := fmt.Sprintf("bytes_cut=%d", end-whole)
			if end > whole && (!strings.Contains(log.String(), report) || !strings.Contains(log.String(), fileName)) {
				t.Fatalf("end %d: log is %q, want %s", end, &log, report)
			}
			if end == whole && log.Len() > 0 {
				t.Fatalf("end %d: nothing was torn, log is %q", end, &log)
			}
		}
		mustPut(t, j, keyOf(3), replyOf(3, 5))
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		log.Reset()
		j = mustOpen(t, dir, &log)
		wantReply(t, j, keyOf(3), replyOf(3, 5))
		if log.Len() > 0 {
			t.Fatalf("end %d: the second opening reports %q", end, &log)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Any one byte changed in the middle loses at most the records of its line (or
// of two lines, if it was the line's end), reports the line, and leaves the
// file as it is.
func TestDamageInTheMiddle(t *testing.T) {
	const n = 6
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	for i := range n {
		mustPut(t, j, keyOf(i), replyOf(i, 20))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	data := read(t, dir)
	lineLen := len(data) / n
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(data)-lineLen-1).Draw(t, "at") // not in the last line
		bad := bytes.Clone(data)
		bad[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		if err := os.WriteFile(file(dir), bad, fileMode); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		j, err := Open(dir, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		line := at / lineLen
		lostLines := 1
		if at%lineLen == lineLen-1 {
			lostLines = 2 // the line's end is gone, so two lines are one
		}
		for i := range n {
			got, ok, err := j.Get(keyOf(i))
			if err != nil {
				t.Fatal(err)
			}
			lost := i >= line && i < line+lostLines
			// Changing a letter's case in a hex digit changes nothing that counts.
			if lost && ok && !bytes.EqualFold(bad, data) {
				t.Errorf("record %d was damaged at byte %d and yet read as %v", i, at%lineLen, got)
			}
			if !lost && (!ok || !reflect.DeepEqual(got, replyOf(i, 20))) {
				t.Errorf("record %d is lost to damage in line %d", i, line+1)
			}
		}
		if after, err := os.ReadFile(file(dir)); err != nil || !bytes.Equal(after, bad) {
			t.Errorf("the file was changed (%v)", err)
		}
		if !bytes.EqualFold(bad, data) && !strings.Contains(log.String(), fmt.Sprintf("[%d", line+1)) {
			t.Errorf("damage in line %d, log is %q", line+1, &log)
		}
	})
}

func TestGetFindsLateDamage(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	mustPut(t, j, keyOf(0), said("paid for"))
	data := read(t, dir)
	i := bytes.Index(data, []byte("paid"))
	data[i] = 'm'
	if err := os.WriteFile(file(dir), data, fileMode); err != nil {
		t.Fatal(err)
	}
	if got, _, err := j.Get(keyOf(0)); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("Get = %v, %v; want a checksum error", got, err)
	}
}

func TestConcurrentPuts(t *testing.T) {
	t.Parallel()
	const callers, each = 32, 50
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				n := c*each + i
				if err := j.Put(t.Context(), keyOf(n), replyOf(n, n%300)); err != nil {
					t.Error(err)
					return
				}
				if got, ok, err := j.Get(keyOf(n)); err != nil || !ok || !reflect.DeepEqual(got, replyOf(n, n%300)) {
					t.Errorf("record %d after its Put: %v, %v, %v", n, got, ok, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, dir, nil)
	if j.Len() != callers*each {
		t.Fatalf("Len = %d, want %d", j.Len(), callers*each)
	}
	for n := range callers * each {
		wantReply(t, j, keyOf(n), replyOf(n, n%300))
	}
}

// Records that wait together are committed together.
func TestGroupCommit(t *testing.T) {
	j, err := open(t.TempDir(), slog.New(slog.DiscardHandler), segmentBytes) // the writer is not started yet
	if err != nil {
		t.Fatal(err)
	}
	defer func() { j.Close() }()
	const n = 40
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := j.Put(t.Context(), keyOf(i), replyOf(i, 100)); err != nil {
				t.Error(err)
			}
		})
	}
	time.Sleep(50 * time.Millisecond) // let them line up; fewer at worst
	batch := j.gather(<-j.puts)
	if len(batch) < 2 {
		t.Errorf("a commit took %d of %d waiting records", len(batch), n)
	}
	j.commit(batch)
	go j.write()
	wg.Wait()
	if j.Len() != n {
		t.Errorf("Len = %d, want %d", j.Len(), n)
	}
}

func TestCancelledPut(t *testing.T) {
	j := mustOpen(t, t.TempDir(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Put(ctx, keyOf(0), said("1")); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	wantNone(t, j, keyOf(0))
}

func TestClosed(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	mustPut(t, j, keyOf(0), said("1"))
	for range 2 {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Put(t.Context(), keyOf(1), said("1")); !errors.Is(err, ErrClosed) {
		t.Errorf("Put on a closed journal: %v", err)
	}
	if _, _, err := j.Get(keyOf(0)); !errors.Is(err, ErrClosed) {
		t.Errorf("Get on a closed journal: %v", err)
	}
	mustOpen(t, dir, nil) // the lock is free again
}

// Puts that meet Close either return nil and are kept, or ErrClosed.
func TestCloseAmongPuts(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	kept := make([]bool, 64)
	var wg sync.WaitGroup
	for i := range kept {
		wg.Go(func() {
			switch err := j.Put(t.Context(), keyOf(i), replyOf(i, 10)); {
			case err == nil:
				kept[i] = true
			case !errors.Is(err, ErrClosed):
				t.Errorf("Put %d: %v", i, err)
			}
		})
	}
	time.Sleep(time.Millisecond)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	j = mustOpen(t, dir, nil)
	for i, ok := range kept {
		if ok {
			wantReply(t, j, keyOf(i), replyOf(i, 10))
		}
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a file where the directory should be": plain,
		"below a file":                         filepath.Join(plain, "journal"),
	} {
		_, err := Open(path, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", path)) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	if _, err := Open(dir, nil); err == nil {
		t.Error("a journal without a logger was opened")
	}
}

func TestSecondWriterIsRefused(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, nil)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("the journal was opened twice")
	}
	for _, want := range []string{dir, fmt.Sprintf("process %d ", os.Getpid()), host, "since 20"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	mustPut(t, j, keyOf(0), said("1")) // the first is not disturbed
}

// The tests below run this test binary again as another process, which does
// what the variable says with the journal in the directory.
const (
	childEnv = "TINYV_JOURNAL_TEST_CHILD"
	dirEnv   = "TINYV_JOURNAL_TEST_DIR"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "put":
		childPut(os.Getenv(dirEnv))
	case "full":
		childFull(os.Getenv(dirEnv))
	default:
		goleak.VerifyTestMain(m)
	}
}

func child(ctx context.Context, what, dir string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what, dirEnv+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

const childCallers = 8

// childPut puts records for ever and prints the number of each one whose Put
// has returned.
func childPut(dir string) {
	j, err := Open(dir, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	start := j.Len()
	var out sync.Mutex
	var wg sync.WaitGroup
	for c := range childCallers {
		wg.Go(func() {
			for n := start + c; ; n += childCallers {
				if err := j.Put(context.Background(), keyOf(n), replyOf(n, n%5000)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				out.Lock()
				fmt.Println(n)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}

// Whatever a killed process was told is durable is there afterwards, and the
// journal opens and goes on.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acknowledged := 0
	for round := range 6 {
		cmd := child(t.Context(), "put", dir)
		var out buffer.Locked
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Now and then while it opens the journal, else once it keeps records, however
		// long a busy machine takes for that.
		for deadline := time.Now().Add(time.Minute); round%3 != 0 && out.String() == "" && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(rand.N(120 * time.Millisecond))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait() // also waits until all output is copied
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != -1 {
			t.Fatalf("round %d: the child ended by itself: %v", round, err)
		}
		j, err := Open(dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		// The last line printed may itself be torn.
		lines := strings.Split(out.String(), "\n")
		for _, line := range lines[:len(lines)-1] {
			var n int
			if _, err := fmt.Sscan(line, &n); err != nil {
				t.Fatal(err)
			}
			wantReply(t, j, keyOf(n), replyOf(n, n%5000))
			acknowledged++
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if acknowledged == 0 {
		t.Fatal("no child was ever told that a record is durable: nothing was tested")
	}
	t.Logf("%d acknowledged records survived", acknowledged)
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	cmd := child(t.Context(), "put", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // it has the journal now
		t.Fatal(err)
	}
	_, err = Open(dir, slog.New(slog.DiscardHandler))
	if want := fmt.Sprintf("process %d ", cmd.Process.Pid); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("err = %v, want one that names %s", err, want)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	mustOpen(t, dir, nil)
}

const fullAt = 10_000 // bytes that the file may have in childFull

// childFull puts records until the file may not grow any more, as on a full
// disk: the write that meets the limit is cut short in the middle of a record.
func childFull(dir string) {
	// Left alone, the signal would end the process before write could fail.
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: fullAt, Max: fullAt}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var log bytes.Buffer
	j, err := Open(dir, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	kept := 0
	for ; err == nil; kept++ {
		err = j.Put(context.Background(), keyOf(kept), replyOf(kept, 300))
	}
	kept--
	again := j.Put(context.Background(), keyOf(kept), replyOf(kept, 1))
	_, first, getErr := j.Get(keyOf(0))
	closeErr := j.Close()
	report := fullReport{
		Kept: kept, Put: fmt.Sprint(err), Again: fmt.Sprint(again), First: first && getErr == nil,
		Log: log.String(), Close: fmt.Sprint(closeErr),
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		os.Exit(1)
	}
}

type fullReport struct {
	Kept              int
	Put, Again, Close string
	First             bool
	Log               string
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, err := child(t.Context(), "full", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got fullReport
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	if !strings.Contains(got.Put, syscall.EFBIG.Error()) || got.Again != got.Put {
		t.Errorf("Put said %q, then %q", got.Put, got.Again)
	}
	if fix := "free space, run the same command again, it resumes"; !strings.Contains(got.Put, fix) {
		t.Errorf("Put said %q, want %q", got.Put, fix)
	}
	if got.Kept < 10 || !got.First || got.Close != "<nil>" || !strings.Contains(got.Log, syscall.EFBIG.Error()) {
		t.Errorf("got %+v", got)
	}
	var log bytes.Buffer
	j := mustOpen(t, dir, &log)
	if j.Len() != got.Kept || log.Len() > 0 {
		t.Errorf("reopened with %d records, want %d; log %q", j.Len(), got.Kept, &log)
	}
	mustPut(t, j, keyOf(got.Kept), replyOf(got.Kept, 300))
}
