package rows

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// lineOf is what encoding/json makes of a row.
func lineOf(t testing.TB, row any) string {
	t.Helper()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(row); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// everything has all kinds of fields that rows have.
type everything struct {
	Text    string
	Maybe   *string  `json:"maybe"`
	Yes     bool     `json:"yes" parquet:"other"`
	Perhaps *bool    `json:"perhaps_2"`
	Small   int32    `json:"small"`
	Large   *int64   `json:"large"`
	Number  float64  `json:"number"`
	List    []string `json:"list"`
	Skipped []func() `json:"-"`
	_       func()
	Nested  []nested `json:"nested"`
	One     *struct {
		Text string `json:"text"`
	} `json:"one"`
}

type nested struct {
	Deep [][]int64
	Many []*float64 `json:"many"`
}

func FuzzEncoder(f *testing.F) {
	e := encoderOf(reflect.TypeFor[everything]())
	if e == nil {
		f.Fatal("the encoder does not know a row type")
	}
	f.Add("plain", "a\"b\\c\n\r\t\b\f\x00\x1f\x7f", 1.5, int64(-7), byte(0))
	f.Add("<a href=\"&\">", "\u2028\u2029\u2027\ufffd é 𝔸", 1e21, int64(math.MaxInt64), byte(255))
	f.Add("\xff\xc3", "\xed\xa0\x80 x\xe2\x82", -1e-7, int64(math.MinInt64), byte(21))
	f.Add("", "", math.Copysign(0, -1), int64(0), byte(42))
	f.Add("", "", 5e-324, int64(0), byte(7))
	f.Add("", "", 123456789012345680000.0, int64(0), byte(63))
	f.Fuzz(func(t *testing.T, a, b string, number float64, n int64, bits byte) {
		if math.IsNaN(number) || math.IsInf(number, 0) {
			if _, err := appendFloat(nil, number); err == nil {
				t.Errorf("%v is written", number)
			}
			return
		}
		row := everything{Text: a, Yes: bits&1 != 0, Small: int32(n), Number: number, List: []string{a, b, a + b}[:bits&3]}
		if bits&4 != 0 {
			row.Maybe, row.Perhaps, row.Large = &b, &row.Yes, &n
		}
		for i := range bits >> 3 & 3 {
			row.Nested = append(row.Nested, nested{})
			if i > 0 {
				row.Nested[i].Deep = [][]int64{{n, 1}, nil, {}}
				row.Nested[i].Many = []*float64{&number, nil}
			}
		}
		if bits&32 != 0 {
			row.One = &struct {
				Text string `json:"text"`
			}{b}
		}
		got, err := e.append(nil, unsafe.Pointer(&row))
		if err != nil {
			t.Fatal(err)
		}
		fillLists(reflect.ValueOf(&row).Elem())
		if want := lineOf(t, &row); string(got) != want {
			t.Errorf(" got %s\nwant %s", got, want)
		}
	})
}

type marshals struct{ Text string }

func (*marshals) MarshalJSON() ([]byte, error) { return []byte(`"it does"`), nil }

// What only encoding/json knows is left to it, so its bytes stay its own.
func TestWriteOfOtherTypes(t *testing.T) {
	type embedded struct{ A string }
	type recursive struct {
		A     string
		Below []recursive
	}
	check(t, struct {
		A string `json:"a,omitempty"`
		B int64  `json:"b,string"`
	}{}, `{"b":"0"}`)
	check(t, struct{ embedded }{}, `{"A":""}`)
	check(t, recursive{Below: []recursive{{}}}, `{"A":"","Below":[{"A":"","Below":null}]}`)
	check(t, struct{ M map[string]any }{map[string]any{"b": 1, "a": "<"}}, `{"M":{"a":"<","b":1}}`)
	check(t, struct{ M marshals }{}, `{"M":"it does"}`)
	check(t, struct{ M []marshals }{make([]marshals, 1)}, `{"M":["it does"]}`)
	check(t, struct{ T time.Time }{}, `{"T":"0001-01-01T00:00:00Z"}`)
	check(t, struct{ N json.Number }{}, `{"N":0}`)
	check(t, struct{ B []byte }{[]byte("x")}, `{"B":"eA=="}`)
	check(t, struct {
		A string `json:"a b"`
		B string `json:"é"`
	}{}, `{"a b":"","é":""}`)
	check(t, struct {
		A string `json:"B"`
		B string
	}{A: "tagged"}, `{"B":"tagged"}`)
	check(t, struct{ R [2]int8 }{}, `{"R":[0,0]}`)
	check(t, struct{ R **string }{}, `{"R":null}`)
	check(t, struct{ R *[]string }{}, `{"R":null}`)
	check(t, struct{}{}, `{}`)
}

func check[T any](t *testing.T, row T, want string) {
	t.Helper()
	dir := t.TempDir()
	writeAll(t, dir, "jsonl", 0, []T{row})
	var got []string
	for line, err := range Lines(dir + "/part-00000.jsonl") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(line.Data))
	}
	if len(got) != 1 || got[0] != want {
		t.Errorf("%T: wrote %q, want %s", row, got, want)
	}
}
