package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// batchClient speaks to a handler as a client of the Batch API does.
type batchClient struct {
	t testing.TB
	h http.Handler
}

func (c batchClient) do(method, path, contentType string, body io.Reader) (int, []byte) {
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, body)
	r.Header.Set("Content-Type", contentType)
	c.h.ServeHTTP(rec, r)
	return rec.Code, rec.Body.Bytes()
}

func (c batchClient) call(method, path, body string, into any) {
	c.t.Helper()
	status, reply := c.do(method, path, "application/json", strings.NewReader(body))
	if status != 200 {
		c.t.Fatalf("%s %s: status %d: %s", method, path, status, reply)
	}
	if err := json.Unmarshal(reply, into); err != nil {
		c.t.Fatal(err)
	}
}

// form makes an upload; parts are names and values, the file's after its name.
func uploadForm(t testing.TB, fileFirst bool, purpose, name, content string) (string, *bytes.Buffer) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	writePurpose := func() {
		if purpose != "" {
			if err := m.WriteField("purpose", purpose); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !fileFirst {
		writePurpose()
	}
	if name != "" {
		part, err := m.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(part, content)
	}
	if fileFirst {
		writePurpose()
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return m.FormDataContentType(), &b
}

func (c batchClient) upload(content string) apiFile {
	c.t.Helper()
	contentType, body := uploadForm(c.t, false, "batch", "in.jsonl", content)
	status, reply := c.do("POST", "/v1/files", contentType, body)
	var f apiFile
	if err := json.Unmarshal(reply, &f); status != 200 || err != nil {
		c.t.Fatalf("upload: status %d: %s", status, reply)
	}
	return f
}

func (c batchClient) create(input string) apiBatch {
	c.t.Helper()
	var b apiBatch
	c.call("POST", "/v1/batches", `{"input_file_id": "`+input+`", "endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": {"run": "7"}}`, &b)
	return b
}

func (c batchClient) get(id string) (b apiBatch) {
	c.t.Helper()
	c.call("GET", "/v1/batches/"+id, "", &b)
	return b
}

func (c batchClient) content(id *string) (lines []batchReply) {
	c.t.Helper()
	if id == nil {
		return nil
	}
	status, reply := c.do("GET", "/v1/files/"+*id+"/content", "", nil)
	if status != 200 {
		c.t.Fatalf("content of %s: %d: %s", *id, status, reply)
	}
	for line := range strings.Lines(string(reply)) {
		var l batchReply
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			c.t.Fatalf("%s: %v", line, err)
		}
		lines = append(lines, l)
	}
	return lines
}

func batchBody(i int) string {
	return fmt.Sprintf(`{"model": "sim-solver", "messages": [{"role": "user", "content": "[simulated problem %d]"}], "seed": %d}`, i, i)
}

func batchInput(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"custom_id": "row-%d", "method": "POST", "url": "/v1/chat/completions", "body": %s}`+"\n", i, batchBody(i))
	}
	return b.String()
}

// TestBatch follows one batch through its life.
func TestBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log writtenLog
		w := &World{RequestLog: &log, Batch: Batch{Validating: time.Minute, InProgress: 10 * time.Minute, Finalizing: 2 * time.Minute}}
		s := NewServer(w, quiet)
		defer s.batches.close()
		c := batchClient{t, s.Handler()}
		input := c.upload(batchInput(100))
		if input.Object != "file" || input.Purpose != "batch" || input.Filename != "in.jsonl" || input.Status != "processed" || input.Bytes != int64(len(batchInput(100))) || input.CreatedAt != time.Now().Unix() {
			t.Errorf("file: %+v", input)
		}
		b := c.create(input.ID)
		began := time.Now().Unix()
		if b.Status != "validating" || b.Object != "batch" || b.InputFileID != input.ID || b.Endpoint != "/v1/chat/completions" || b.CompletionWindow != "24h" || b.Metadata["run"] != "7" || b.CreatedAt != began || b.ExpiresAt != began+24*3600 || b.InProgressAt != nil {
			t.Errorf("batch: %+v", b)
		}
		for _, step := range []struct {
			after             time.Duration
			status            string
			total, done, fail int
		}{
			{time.Minute - time.Second, "validating", 0, 0, 0}, {time.Minute, "in_progress", 100, 0, 0}, {3 * time.Minute, "in_progress", 100, 20, 0}, {10 * time.Minute, "in_progress", 100, 90, 0},
			{11 * time.Minute, "finalizing", 100, 100, 0}, {13*time.Minute - time.Second, "finalizing", 100, 100, 0}, {13 * time.Minute, "completed", 100, 100, 0}, {time.Hour, "completed", 100, 100, 0},
		} {
			time.Sleep(time.Until(time.Unix(began, 0).Add(step.after)))
			b = c.get(b.ID)
			if b.Status != step.status || b.RequestCounts != (requestCounts{step.total, step.done, step.fail}) || (b.OutputFileID != nil) != (step.status == "completed") || b.ErrorFileID != nil || b.Errors != nil {
				t.Errorf("after %v: %+v, want %s, %d of %d", step.after, b, step.status, step.done, step.total)
			}
		}
		if *b.InProgressAt != began+60 || *b.FinalizingAt != began+11*60 || *b.CompletedAt != began+13*60 || b.ExpiredAt != nil || b.CancelledAt != nil || b.FailedAt != nil {
			t.Errorf("times: %s", mustJSON(t, b))
		}
		replies := c.content(b.OutputFileID)
		inOrder, ids := true, map[string]bool{}
		for i, reply := range replies {
			var number int
			fmt.Sscanf(reply.CustomID, "row-%d", &number)
			inOrder = inOrder && number == i
			ids[reply.CustomID], ids[reply.ID], ids[reply.Response.RequestID] = true, true, true
			_, _, want := post(t, c.h, batchBody(number))
			var wanted, got any
			json.Unmarshal(want, &wanted)
			if got = reply.Response.Body; mustJSON(t, got) != mustJSON(t, wanted) || reply.Response.StatusCode != 200 || reply.Error != nil {
				t.Fatalf("%s is answered %s, by the chat endpoint %s", reply.CustomID, mustJSON(t, got), want)
			}
		}
		if len(replies) != 100 || len(ids) != 300 || inOrder {
			t.Errorf("%d replies with %d ids, in order %v", len(replies), len(ids), inOrder)
		}
		lines := log.lines(t)
		if len(lines) != 200 || lines[0].Batch != b.ID || !lines[0].Whole || lines[150].Batch != "" || s.tally.answeredAgain != 100 {
			t.Errorf("%d lines in the log, the first %+v; %d answered again", len(lines), lines[0], s.tally.answeredAgain)
		}
		// Asking for the result again does nothing again.
		if c.get(b.ID); len(log.lines(t)) != 200 {
			t.Error("the requests were done again")
		}
	})
}

// TestBatchFates: shares of requests fail and expire; a batch of what expired
// draws anew; the files hold each request exactly once.
func TestBatchFates(t *testing.T) {
	const n = 2000
	s := NewServer(&World{Seed: 1, Batch: Batch{Expired: 0.1, Failed500: 0.2, Failed429: 0.05, Failed400: 0.02}}, quiet)
	defer s.batches.close()
	c := batchClient{t, s.Handler()}
	b := c.create(c.upload(batchInput(n)).ID)
	if b.Status != "expired" || b.ExpiredAt == nil || b.CompletedAt != nil {
		t.Fatalf("%+v", b)
	}
	good, bad := c.content(b.OutputFileID), c.content(b.ErrorFileID)
	counts := map[string]int{"200": len(good)}
	seen := map[string]bool{}
	for _, reply := range slices.Concat(good, bad) {
		if seen[reply.CustomID] {
			t.Errorf("%s twice", reply.CustomID)
		}
		seen[reply.CustomID] = true
	}
	for _, reply := range bad {
		switch {
		case reply.Error != nil && reply.Response == nil:
			counts[reply.Error.Code]++
		case reply.Error == nil:
			counts[fmt.Sprint(reply.Response.StatusCode)]++
			if !strings.Contains(mustJSON(t, reply.Response.Body), `"message":`) {
				t.Errorf("no error in %+v", reply.Response.Body)
			}
		}
	}
	for what, share := range map[string]float64{"200": 0.63, "batch_expired": 0.1, "500": 0.2, "429": 0.05, "400": 0.02} {
		if !within(counts[what], n, share) {
			t.Errorf("%s: %d of %d, %v was asked for", what, counts[what], n, share)
		}
	}
	if len(seen) != n || b.RequestCounts != (requestCounts{n, len(good), counts["500"] + counts["429"] + counts["400"]}) {
		t.Errorf("%d replies, counts %+v, %v", len(seen), b.RequestCounts, counts)
	}
	again := c.create(c.upload(batchInput(n)).ID)
	if both := len(intersect(bad, c.content(again.ErrorFileID))); !within(both, n, 0.37*0.37) {
		t.Errorf("%d requests failed in both batches", both)
	}
}

func intersect(a, b []batchReply) (both []string) {
	in := map[string]bool{}
	for _, x := range a {
		in[x.CustomID] = true
	}
	for _, x := range b {
		if in[x.CustomID] {
			both = append(both, x.CustomID)
		}
	}
	return both
}

func TestBatchCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(&World{Batch: Batch{Validating: time.Second, InProgress: 100 * time.Second, Finalizing: 10 * time.Second}}, quiet)
		defer s.batches.close()
		c := batchClient{t, s.Handler()}
		input := c.upload(batchInput(50))
		b := c.create(input.ID)
		time.Sleep(41 * time.Second)
		var cancelled apiBatch
		c.call("POST", "/v1/batches/"+b.ID+"/cancel", "", &cancelled)
		if cancelled.Status != "cancelling" || cancelled.CancellingAt == nil || cancelled.CancelledAt != nil || cancelled.RequestCounts != (requestCounts{50, 20, 0}) {
			t.Errorf("%s", mustJSON(t, cancelled))
		}
		time.Sleep(10 * time.Second)
		cancelled = c.get(b.ID)
		good, bad := c.content(cancelled.OutputFileID), c.content(cancelled.ErrorFileID)
		if cancelled.Status != "cancelled" || *cancelled.CancelledAt-*cancelled.CancellingAt != 10 || cancelled.FinalizingAt != nil || cancelled.CompletedAt != nil || len(good) != 20 || len(bad) != 30 || bad[0].Error.Code != "batch_cancelled" {
			t.Errorf("%d and %d replies: %s", len(good), len(bad), mustJSON(t, cancelled))
		}
		// Before it began nothing was done; after it ended cancelling changes nothing.
		b = c.create(input.ID)
		c.call("POST", "/v1/batches/"+b.ID+"/cancel", "", &cancelled)
		time.Sleep(time.Hour)
		if cancelled = c.get(b.ID); cancelled.Status != "cancelled" || cancelled.OutputFileID != nil || cancelled.InProgressAt != nil {
			t.Errorf("%s", mustJSON(t, cancelled))
		}
		b = c.create(input.ID)
		time.Sleep(time.Hour)
		c.call("POST", "/v1/batches/"+b.ID+"/cancel", "", &cancelled)
		if cancelled.Status != "completed" || cancelled.CancellingAt != nil {
			t.Errorf("%s", mustJSON(t, cancelled))
		}
	})
}

func TestBatchValidation(t *testing.T) {
	line := func(id, more string) string {
		return `{"custom_id": "` + id + `", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "sim-solver"` + more + `}}` + "\n"
	}
	s := NewServer(&World{}, quiet)
	defer s.batches.close()
	if s.batches.mostRequests != 50_000 {
		t.Errorf("the limit is %d requests", s.batches.mostRequests)
	}
	s.batches.mostRequests = 100
	c := batchClient{t, s.Handler()}
	for name, x := range map[string]struct {
		input string
		want  []string // code and line
	}{
		"empty":        {"", []string{"empty_file 0"}},
		"no newline":   {strings.TrimSpace(line("a", "")), nil},
		"broken":       {line("a", "") + "{\n" + line("b", "") + "\n[]\n", []string{"invalid_json_line 2", "invalid_json_line 4", "invalid_json_line 5"}},
		"duplicate":    {line("a", "") + line("b", "") + line("a", ""), []string{"duplicate_custom_id 3"}},
		"no id":        {line("", ""), []string{"missing_required_parameter 1"}},
		"other method": {strings.Replace(line("a", ""), "POST", "GET", 1), []string{"invalid_method 1"}},
		"other url":    {strings.Replace(line("a", ""), "chat/completions", "embeddings", 1), []string{"invalid_url 1"}},
		"no body":      {`{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions"}` + "\n", []string{"invalid_request 1"}},
		"two models":   {line("a", "") + strings.Replace(line("b", ""), "sim-solver", "gpt", 1), []string{"mismatched_model 2"}},
		"too many":     {batchInput(101), []string{"too_many_requests 101"}},
		"many errors":  {strings.Repeat("x\n", 1000), nil},
		"a long line":  {line("a", "") + strings.Repeat("x", maxBody+10) + "\n", []string{"invalid_json_line 2"}},
	} {
		b := c.create(c.upload(x.input).ID)
		if name == "many errors" {
			if b.Status != "failed" || len(b.Errors.Data) != maxBatchErrors {
				t.Errorf("%s: %s", name, mustJSON(t, b))
			}
			continue
		}
		if x.want == nil {
			if b.Status != "completed" || b.RequestCounts.Failed != 1 { // for its messages are missing
				t.Errorf("%s: %s", name, mustJSON(t, b))
			}
			continue
		}
		if b.Status != "failed" || b.FailedAt == nil || b.Errors == nil || b.Errors.Object != "list" || b.OutputFileID != nil || b.InProgressAt != nil {
			t.Errorf("%s: %s", name, mustJSON(t, b))
			continue
		}
		var got []string
		for _, e := range b.Errors.Data {
			line := 0
			if e.Line != nil {
				line = *e.Line
			}
			got = append(got, fmt.Sprint(e.Code, " ", line))
			if e.Message == "" {
				t.Errorf("%s: an error without a word", name)
			}
		}
		if !slices.Equal(got, x.want) {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
	}
}

// TestBatchRequestsFail: what the chat endpoint refuses is in the error file, with
// its status and words.
func TestBatchRequestsFail(t *testing.T) {
	w := &World{ContextLength: 10}
	s := NewServer(w, quiet)
	defer s.batches.close()
	c := batchClient{t, s.Handler()}
	for model, want := range map[string]int{"nobody": 404, "sim-status-418": 418, "sim-hang": 500, "": 400, SolverModel: 400} {
		b := c.create(c.upload(`{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "` + model + `", "messages": [{"role": "user", "content": "x"}], "max_tokens": 100}}`).ID)
		bad := c.content(b.ErrorFileID)
		if b.Status != "completed" || b.OutputFileID != nil || len(bad) != 1 || bad[0].Response.StatusCode != want || b.RequestCounts != (requestCounts{1, 0, 1}) {
			t.Errorf("%q: %s: %s", model, mustJSON(t, b), mustJSON(t, bad))
		}
		if text := mustJSON(t, bad); model == SolverModel && !strings.Contains(text, "context_length_exceeded") {
			t.Errorf("%s", text)
		}
	}
}

func TestFiles(t *testing.T) {
	s := NewServer(&World{}, quiet)
	defer s.batches.close()
	c := batchClient{t, s.Handler()}
	var ids []string
	for i := range 5 {
		ids = append(ids, c.upload(fmt.Sprint(i)).ID)
	}
	var list listOf[apiFile]
	c.call("GET", "/v1/files", "", &list)
	if len(list.Data) != 5 || list.Data[0].ID != ids[4] || list.HasMore || list.Object != "list" || *list.FirstID != ids[4] || *list.LastID != ids[0] {
		t.Errorf("%s", mustJSON(t, list))
	}
	var got []string
	for after := ""; ; after = "?limit=2&after=" + *list.LastID {
		if after == "" {
			after = "?limit=2"
		}
		list = listOf[apiFile]{}
		c.call("GET", "/v1/files"+after, "", &list)
		for _, f := range list.Data {
			got = append(got, f.ID)
		}
		if !list.HasMore {
			break
		}
	}
	slices.Reverse(got)
	if !slices.Equal(got, ids) {
		t.Errorf("pages hold %v, want %v", got, ids)
	}
	var f apiFile
	if c.call("GET", "/v1/files/"+ids[2], "", &f); f.ID != ids[2] || f.Bytes != 1 {
		t.Errorf("%+v", f)
	}
	if status, body := c.do("GET", "/v1/files/"+ids[2]+"/content", "", nil); status != 200 || string(body) != "2" {
		t.Errorf("content %d: %s", status, body)
	}
	var deleted struct {
		ID      string
		Deleted bool
	}
	if c.call("DELETE", "/v1/files/"+ids[2], "", &deleted); !deleted.Deleted || deleted.ID != ids[2] {
		t.Errorf("%+v", deleted)
	}
	const form = "multipart/form-data; boundary=b"
	for _, x := range []struct {
		method, path, contentType, body string
		want                            int
	}{
		{"GET", "/v1/files/" + ids[2], "", "", 404}, {"DELETE", "/v1/files/" + ids[2], "", "", 404}, {"GET", "/v1/files/" + ids[2] + "/content", "", "", 404}, {"GET", "/v1/files?after=nobody", "", "", 404}, {"GET", "/v1/files?limit=0", "", "", 400},
		{"GET", "/v1/batches?limit=101", "", "", 400}, {"GET", "/v1/batches?after=nobody", "", "", 404}, {"GET", "/v1/batches/nobody", "", "", 404}, {"POST", "/v1/batches/nobody/cancel", "", "", 404}, {"DELETE", "/v1/batches/nobody", "", "", 405}, {"GET", "/v1/batches/a/b", "", "", 404},
		{"POST", "/v1/files", "application/json", "{}", 400}, {"POST", "/v1/files", form, "", 400}, {"POST", "/v1/files", form, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nabc", 400},
		{"POST", "/v1/batches", "", "{", 400}, {"POST", "/v1/batches", "", `{"input_file_id": "nobody", "endpoint": "/v1/chat/completions", "completion_window": "24h"}`, 400},
		{"POST", "/v1/batches", "", `{"input_file_id": "` + ids[0] + `", "endpoint": "/v1/embeddings", "completion_window": "24h"}`, 400},
		{"POST", "/v1/batches", "", `{"input_file_id": "` + ids[0] + `", "endpoint": "/v1/chat/completions", "completion_window": "1h"}`, 400},
	} {
		status, body := c.do(x.method, x.path, x.contentType, strings.NewReader(x.body))
		var e struct {
			Error struct{ Message string }
		}
		if err := json.Unmarshal(body, &e); status != x.want || err != nil || e.Error.Message == "" {
			t.Errorf("%s %s: %d, want %d: %s", x.method, x.path, status, x.want, body)
		}
	}
	for _, x := range []struct {
		fileFirst     bool
		purpose, name string
		want          int
	}{{false, "batch", "a", 200}, {true, "batch", "a", 200}, {false, "fine-tune", "a", 400}, {false, "", "a", 400}, {false, "batch", "", 400}} {
		contentType, body := uploadForm(t, x.fileFirst, x.purpose, x.name, "{}")
		if status, reply := c.do("POST", "/v1/files", contentType, body); status != x.want {
			t.Errorf("%+v: %d: %s", x, status, reply)
		}
	}
}

// TestUploadTooLarge streams more than is allowed, and leaves nothing behind.
func TestUploadTooLarge(t *testing.T) {
	dir := t.TempDir()
	s := NewServer(&World{Batch: Batch{Dir: dir}}, quiet)
	defer s.batches.close()
	if s.batches.mostBytes != 200<<20 {
		t.Errorf("the limit is %d bytes", s.batches.mostBytes)
	}
	s.batches.mostBytes = 2 << 20 // as large would take long
	const head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n"
	body := io.MultiReader(strings.NewReader(head), io.LimitReader(zeros{}, 2<<20+64<<10))
	status, reply := batchClient{t, s.Handler()}.do("POST", "/v1/files", "multipart/form-data; boundary=b", body)
	if status != 413 || !strings.Contains(string(reply), "2 MB") {
		t.Errorf("status %d: %s", status, reply)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestBatchSurvivesRestarts ends the server between any two steps.
func TestBatchSurvivesRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &World{Batch: Batch{Dir: t.TempDir(), Validating: time.Second, InProgress: 10 * time.Second, Finalizing: time.Second, Expired: 0.2}}
		undisturbed := *w
		undisturbed.Batch.Dir = ""
		var s *Server
		restart := func() batchClient {
			t.Helper()
			if s != nil {
				if err := s.batches.close(); err != nil {
					t.Error(err)
				}
			}
			s = NewServer(w, quiet)
			if err := s.batches.load(); err != nil {
				t.Fatal(err)
			}
			return batchClient{t, s.Handler()}
		}
		other := NewServer(&undisturbed, quiet)
		defer other.batches.close()
		same := batchClient{t, other.Handler()}
		want := same.create(same.upload(batchInput(30)).ID)

		input := restart().upload(batchInput(30))
		b := restart().create(input.ID)
		// A server that is killed leaves what it was writing, and data not yet described.
		unfinished := []string{w.Batch.Dir + "/sim-9.tmp", w.Batch.Dir + "/file-x000009.data"}
		for _, path := range unfinished {
			if err := os.WriteFile(path, []byte("half"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, status := range []string{"validating", "in_progress", "expired", "expired"} {
			if got := restart().get(b.ID); got.Status != status || got.Metadata["run"] != "7" {
				t.Errorf("%s, want %s", mustJSON(t, got), status)
			}
			time.Sleep(6 * time.Second)
		}
		c := restart()
		got := c.get(b.ID)
		want = same.get(want.ID)
		texts := func(c batchClient, id *string) (out []string) {
			for _, reply := range c.content(id) {
				out = append(out, reply.CustomID+mustJSON(t, reply.Error)+mustJSON(t, reply.Response != nil && reply.Response.Body != nil))
			}
			return out
		}
		if !slices.Equal(texts(c, got.OutputFileID), texts(same, want.OutputFileID)) || !slices.Equal(texts(c, got.ErrorFileID), texts(same, want.ErrorFileID)) || got.RequestCounts != want.RequestCounts {
			t.Errorf("restarted: %s\nundisturbed: %s", mustJSON(t, got), mustJSON(t, want))
		}
		if next := c.upload("x"); next.ID == input.ID || next.ID <= *got.ErrorFileID && len(next.ID) <= len(*got.ErrorFileID) {
			t.Errorf("ids %s, %s, then %s", input.ID, *got.ErrorFileID, next.ID)
		}
		// What is deleted stays deleted; what was half deleted is gone too.
		var deleted map[string]any
		c.call("DELETE", "/v1/files/"+*got.OutputFileID, "", &deleted)
		if err := os.Remove(s.batches.path(*got.ErrorFileID, ".data")); err != nil {
			t.Fatal(err)
		}
		c = restart()
		for _, id := range []string{*got.OutputFileID, *got.ErrorFileID} {
			if status, _ := c.do("GET", "/v1/files/"+id, "", nil); status != 404 {
				t.Errorf("%s: status %d", id, status)
			}
		}
		for _, path := range unfinished {
			if _, err := os.Stat(path); err == nil {
				t.Errorf("%s is still there", path)
			}
		}
		var list listOf[apiBatch]
		if c.call("GET", "/v1/batches?limit=1", "", &list); len(list.Data) != 1 || list.HasMore || list.Data[0].ID != b.ID {
			t.Errorf("%s", mustJSON(t, list))
		}
		s.batches.close()
	})
}

// TestBatchProperty: whatever the times, the states come in their order, counts
// only grow, and each request is in one file.
func TestBatchProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := func(name string) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, name))
		}
		options := Batch{Validating: span("validating"), InProgress: span("in progress"), Finalizing: span("finalizing")}
		r := batchRecord{Created: time.Unix(1e9, 0), Requests: rapid.IntRange(1, 1000).Draw(t, "requests")}
		order := []string{batchValidating, batchInProgress, batchFinalizing, batchCancelling, batchCompleted, batchCancelled}
		at, done, now := 0, 0, r.Created
		for range 20 {
			next := slices.Index(order, r.status(options, now))
			more := r.done(options, now)
			if next < at || more < done || more > r.Requests || next == 4 && more != r.Requests {
				t.Fatalf("%s after %s; %d of %d done after %d", order[next], order[at], more, r.Requests, done)
			}
			at, done = next, more
			if r.Cancelled.IsZero() && next < 3 && rapid.IntRange(0, 9).Draw(t, "cancels") == 0 {
				r.Cancelled = now
			}
			now = now.Add(span("pause") / 4)
		}
		n := rapid.IntRange(0, 200).Draw(t, "n")
		permuted := batchOrder(rapid.Uint64().Draw(t, "seed"), n)
		sorted := slices.Sorted(slices.Values(permuted))
		for i, at := range sorted {
			if at != i {
				t.Fatalf("the order %v leaves request %d out", permuted, i)
			}
		}
		if n > 1 && slices.Equal(sorted, permuted) {
			t.Fatalf("%d requests are answered in their own order", n)
		}
	})
}

// FuzzBatchInput: any input either fails validation with a line, or each of its
// requests is answered.
func FuzzBatchInput(f *testing.F) {
	f.Add(batchInput(2))
	f.Add(`{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {}}` + "\r\n\r\n")
	f.Fuzz(func(t *testing.T, input string) {
		lines, mistakes, err := readBatch(strings.NewReader(input), 10, func(string) fate { return fateAnswered })
		if err != nil || len(lines)+len(mistakes) == 0 {
			t.Fatalf("%d lines, %v, %v", len(lines), mistakes, err)
		}
		for _, l := range lines {
			var r batchRequest
			if err := json.Unmarshal([]byte(input[l.offset:l.offset+int64(l.length)]), &r); err != nil || r.CustomID == "" {
				t.Errorf("%+v is no request: %v", l, err)
			}
		}
	})
}
