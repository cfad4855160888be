package rows

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	schema "github.com/parquet-go/parquet-go/format"

	"tinyv/internal/shareddata"
)

// The layouts below are those of other writers, spelled with the library's
// schema nodes and written as bare values with their levels, so that neither
// the library's struct tags nor its own idea of a list comes in.

// annotated is a group with the annotation of a list or a map.
type annotated struct {
	parquet.Group
	typ parquet.Type
}

func (a annotated) Type() parquet.Type { return a.typ }

func listNode(children parquet.Group) parquet.Node {
	return annotated{children, parquet.List(parquet.String()).Type()}
}

func mapNode(children parquet.Group) parquet.Node {
	return annotated{children, parquet.Map(parquet.String(), parquet.String()).Type()}
}

// at is a value with its repetition and definition level; nil is a null.
func at(v any, repetition, definition int) parquet.Value {
	return parquet.ValueOf(v).Level(repetition, definition, 0)
}

// levels are the values of one row: those of each leaf column.
type levels = [][]parquet.Value

// writeLayout writes a file with one column c and one row for each of rows.
func writeLayout(t testing.TB, node parquet.Node, rows []levels, options ...parquet.WriterOption) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.parquet")
	var out bytes.Buffer
	w := parquet.NewWriter(&out, append(options, parquet.NewSchema("schema", parquet.Group{"c": node}))...)
	for _, leaves := range rows {
		var row parquet.Row
		for column, values := range leaves {
			for _, v := range values {
				row = append(row, v.Level(v.RepetitionLevel(), v.DefinitionLevel(), column))
			}
		}
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestParquetLayouts(t *testing.T) {
	optional, repeated := parquet.Optional, parquet.Repeated
	str := parquet.String()
	i64 := parquet.Leaf(parquet.Int64Type)
	for _, test := range []struct {
		name string
		node parquet.Node
		rows []levels
		want []any
	}{
		{
			"list of pyarrow since 6, child element", optional(listNode(parquet.Group{"list": repeated(parquet.Group{"element": optional(str)})})),
			[]levels{{{at(nil, 0, 0)}}, {{at(nil, 0, 1)}}, {{at(nil, 0, 2)}}, {{at("a", 0, 3), at(nil, 1, 2), at("", 1, 3)}}, {{at("b", 0, 3)}}},
			[]any{nil, []any{}, []any{nil}, []any{"a", nil, ""}, []any{"b"}},
		},
		{
			"list of older pyarrow, child item", optional(listNode(parquet.Group{"list": repeated(parquet.Group{"item": optional(str)})})),
			[]levels{{{at(nil, 0, 0)}}, {{at("a", 0, 3), at("b", 1, 3)}}, {{at(nil, 0, 1)}}},
			[]any{nil, []any{"a", "b"}, []any{}},
		},
		{
			"list of Spark, bag and array", optional(listNode(parquet.Group{"bag": repeated(parquet.Group{"array_element": optional(i64)})})),
			[]levels{{{at(int64(1), 0, 3), at(nil, 1, 2)}}, {{at(nil, 0, 0)}}},
			[]any{[]any{int64(1), nil}, nil},
		},
		{
			"two-level list of values", listNode(parquet.Group{"array": repeated(i64)}),
			[]levels{{{at(int64(1), 0, 1), at(int64(2), 1, 1)}}, {{at(nil, 0, 0)}}},
			[]any{[]any{int64(1), int64(2)}, []any{}},
		},
		{
			"two-level list of structs of two", optional(listNode(parquet.Group{"element": repeated(parquet.Group{"a": i64, "b": optional(str)})})),
			[]levels{{{at(int64(1), 0, 2), at(int64(2), 1, 2)}, {at("x", 0, 3), at(nil, 1, 2)}}, {{at(nil, 0, 0)}, {at(nil, 0, 0)}}},
			[]any{[]any{map[string]any{"a": int64(1), "b": "x"}, map[string]any{"a": int64(2), "b": nil}}, nil},
		},
		{
			"two-level list of structs of one, array", optional(listNode(parquet.Group{"array": repeated(parquet.Group{"a": i64})})),
			[]levels{{{at(int64(1), 0, 2)}}},
			[]any{[]any{map[string]any{"a": int64(1)}}},
		},
		{
			"two-level list of structs of one, c_tuple", optional(listNode(parquet.Group{"c_tuple": repeated(parquet.Group{"a": i64})})),
			[]levels{{{at(int64(1), 0, 2)}}},
			[]any{[]any{map[string]any{"a": int64(1)}}},
		},
		{
			"list whose element repeats", optional(listNode(parquet.Group{"element": repeated(parquet.Group{"a": repeated(i64)})})),
			[]levels{{{at(int64(1), 0, 3), at(int64(2), 2, 3), at(nil, 1, 2)}}},
			[]any{[]any{map[string]any{"a": []any{int64(1), int64(2)}}, map[string]any{"a": []any{}}}},
		},
		{
			"repeated field without annotation", repeated(str),
			[]levels{{{at("a", 0, 1), at("b", 1, 1)}}, {{at(nil, 0, 0)}}},
			[]any{[]any{"a", "b"}, []any{}},
		},
		{
			"repeated group without annotation", repeated(parquet.Group{"a": str, "b": optional(i64)}),
			[]levels{{{at("x", 0, 1), at("y", 1, 1)}, {at(nil, 0, 1), at(int64(2), 1, 2)}}, {{at(nil, 0, 0)}, {at(nil, 0, 0)}}},
			[]any{[]any{map[string]any{"a": "x", "b": nil}, map[string]any{"a": "y", "b": int64(2)}}, []any{}},
		},
		{
			"list of lists", optional(listNode(parquet.Group{"list": repeated(parquet.Group{"element": optional(listNode(parquet.Group{"list": repeated(parquet.Group{"element": optional(i64)})}))})})),
			[]levels{
				{{at(nil, 0, 0)}}, {{at(nil, 0, 1)}}, {{at(nil, 0, 2)}}, {{at(nil, 0, 3), at(nil, 1, 3)}},
				{{at(int64(1), 0, 5), at(int64(2), 2, 5), at(nil, 1, 2), at(nil, 1, 3), at(nil, 1, 4), at(int64(3), 2, 5)}},
			},
			[]any{nil, []any{}, []any{nil}, []any{[]any{}, []any{}}, []any{[]any{int64(1), int64(2)}, nil, []any{}, []any{nil, int64(3)}}},
		},
		{
			"list of structs with lists", listNode(parquet.Group{"list": repeated(parquet.Group{"element": optional(parquet.Group{"l": optional(listNode(parquet.Group{"list": repeated(parquet.Group{"item": str})})), "n": i64})})}),
			[]levels{
				{{at("a", 0, 4), at("b", 2, 4), at(nil, 1, 1), at(nil, 1, 2), at(nil, 1, 3)}, {at(int64(1), 0, 2), at(nil, 1, 1), at(int64(2), 1, 2), at(int64(3), 1, 2)}},
				{{at(nil, 0, 0)}, {at(nil, 0, 0)}},
			},
			[]any{[]any{map[string]any{"l": []any{"a", "b"}, "n": int64(1)}, nil, map[string]any{"l": nil, "n": int64(2)}, map[string]any{"l": []any{}, "n": int64(3)}}, []any{}},
		},
		{
			"struct in struct", optional(parquet.Group{"x": optional(parquet.Group{"y": optional(i64)}), "z": str}),
			[]levels{{{at(nil, 0, 0)}, {at(nil, 0, 0)}}, {{at(nil, 0, 1)}, {at("q", 0, 1)}}, {{at(nil, 0, 2)}, {at("q", 0, 1)}}, {{at(int64(7), 0, 3)}, {at("q", 0, 1)}}},
			[]any{nil, map[string]any{"x": nil, "z": "q"}, map[string]any{"x": map[string]any{"y": nil}, "z": "q"}, map[string]any{"x": map[string]any{"y": int64(7)}, "z": "q"}},
		},
		{
			"map", optional(mapNode(parquet.Group{"key_value": repeated(parquet.Group{"key": str, "value": optional(i64)})})),
			[]levels{{{at(nil, 0, 0)}, {at(nil, 0, 0)}}, {{at(nil, 0, 1)}, {at(nil, 0, 1)}}, {{at("a", 0, 2), at("b", 1, 2)}, {at(int64(1), 0, 3), at(nil, 1, 2)}}},
			[]any{nil, map[string]any{}, map[string]any{"a": int64(1), "b": nil}},
		},
		{
			"map from numbers, older names", mapNode(parquet.Group{"map": repeated(parquet.Group{"key": i64, "value": str})}),
			[]levels{{{at(int64(5), 0, 1)}, {at("x", 0, 1)}}},
			[]any{map[string]any{"5": "x"}},
		},
		{"map of keys only", mapNode(parquet.Group{"key_value": repeated(parquet.Group{"key": str})}), []levels{{{at("a", 0, 1)}}}, []any{map[string]any{"a": nil}}},
		{"empty and NUL strings", optional(str), []levels{{{at("", 0, 1)}}, {{at("a\x00", 0, 1)}}, {{at(nil, 0, 0)}}}, []any{"", "a\x00", nil}},
		{"text without annotation", parquet.Leaf(parquet.ByteArrayType), []levels{{{at("é", 0, 0)}}}, []any{"é"}},
		{"fixed bytes", parquet.Leaf(parquet.FixedLenByteArrayType(4)), []levels{{{parquet.FixedLenByteArrayValue([]byte("abcd"))}}}, []any{"abcd"}},
		{"enum", parquet.Enum(), []levels{{{at("A", 0, 0)}}}, []any{"A"}},
		{"json", parquet.JSON(), []levels{{{at("{}", 0, 0)}}}, []any{"{}"}},
		{"bool", parquet.Leaf(parquet.BooleanType), []levels{{{at(true, 0, 0)}}, {{at(false, 0, 0)}}}, []any{true, false}},
		{"int32", parquet.Leaf(parquet.Int32Type), []levels{{{at(int32(-7), 0, 0)}}}, []any{int64(-7)}},
		{"int8", parquet.Int(8), []levels{{{at(int32(-128), 0, 0)}}}, []any{int64(-128)}},
		{"uint32", parquet.Uint(32), []levels{{{at(int32(-1), 0, 0)}}}, []any{int64(math.MaxUint32)}},
		{"uint64", parquet.Uint(64), []levels{{{at(int64(5), 0, 0)}}, {{at(int64(-1), 0, 0)}}}, []any{int64(5), "18446744073709551615"}},
		{"float", parquet.Leaf(parquet.FloatType), []levels{{{at(float32(0.5), 0, 0)}}}, []any{0.5}},
		{"double", parquet.Leaf(parquet.DoubleType), []levels{{{at(0.1, 0, 0)}}, {{at(math.Inf(-1), 0, 0)}}}, []any{0.1, math.Inf(-1)}},
		{"date", parquet.Date(), []levels{{{at(int32(-1), 0, 0)}}, {{at(int32(20000), 0, 0)}}}, []any{"1969-12-31", "2024-10-04"}},
		{"timestamp in UTC", parquet.Timestamp(parquet.Millisecond), []levels{{{at(int64(-1), 0, 0)}}, {{at(int64(1700000000000), 0, 0)}}}, []any{"1969-12-31T23:59:59.999Z", "2023-11-14T22:13:20Z"}},
		{"timestamp of no zone", parquet.TimestampAdjusted(parquet.Nanosecond, false), []levels{{{at(int64(1700000000000000001), 0, 0)}}}, []any{"2023-11-14T22:13:20.000000001"}},
		{"time", parquet.Time(parquet.Microsecond), []levels{{{at(int64(3723000004), 0, 0)}}}, []any{"01:02:03.000004"}},
		{"time in milliseconds", parquet.Time(parquet.Millisecond), []levels{{{at(int32(1), 0, 0)}}}, []any{"00:00:00.001"}},
		{"int96 timestamp", parquet.Leaf(parquet.Int96Type), []levels{{{parquet.ValueOf(deprecated.Int96{1, 0, 2440588})}}}, []any{"1970-01-01T00:00:00.000000001"}},
		{"decimal", parquet.Decimal(2, 9, parquet.Int32Type), []levels{{{at(int32(-5), 0, 0)}}, {{at(int32(12345), 0, 0)}}, {{at(int32(0), 0, 0)}}}, []any{"-0.05", "123.45", "0.00"}},
		{"decimal of no places", parquet.Decimal(0, 18, parquet.Int64Type), []levels{{{at(int64(-42), 0, 0)}}}, []any{"-42"}},
		{"decimal in bytes", parquet.Decimal(3, 20, parquet.FixedLenByteArrayType(9)), []levels{
			{{parquet.FixedLenByteArrayValue([]byte{255, 255, 255, 255, 255, 255, 255, 255, 254})}}, {{parquet.FixedLenByteArrayValue([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0})}}}, []any{"-0.002", "18446744073709551.616"}},
		{"uuid", parquet.UUID(), []levels{{{parquet.FixedLenByteArrayValue([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255})}}}, []any{"00010203-0405-0607-0809-0a0b0c0d0eff"}},
		{"dictionary", parquet.Encoded(optional(str), &parquet.RLEDictionary), []levels{{{at("a", 0, 1)}}, {{at("b", 0, 1)}}, {{at(nil, 0, 0)}}, {{at("a", 0, 1)}}}, []any{"a", "b", nil, "a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, options := range [][]parquet.WriterOption{
				{parquet.DataPageVersion(1)},
				{parquet.Compression(&parquet.Snappy), parquet.DataPageVersion(1), parquet.PageBufferSize(1)},
				{parquet.Compression(&parquet.Gzip)},
				{parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(1)},
			} {
				var got []any
				for r, err := range Records(writeLayout(t, test.node, test.rows, options...)) {
					if err != nil {
						t.Fatal(err)
					}
					if r.Row != int64(len(got)+1) {
						t.Errorf("row %d is called %d", len(got)+1, r.Row)
					}
					got = append(got, r.Values["c"])
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
		})
	}
}

// A typed reader takes lists as other tools spell them, when they rewrite a
// file of the project: nullable all over, and with a child called item.
func TestReadOfListsSpeltOtherwise(t *testing.T) {
	path := writeLayout(t, parquet.Optional(listNode(parquet.Group{"list": parquet.Repeated(parquet.Group{"item": parquet.Optional(parquet.String())})})),
		[]levels{{{at("a", 0, 3), at("b", 1, 3)}}, {{at(nil, 0, 0)}}, {{at(nil, 0, 1)}}, {{at(nil, 0, 2)}}})
	type row struct {
		C []string `parquet:"c,list"`
	}
	var got []row
	var failed error
	for r, err := range Read[row](path) {
		if err != nil {
			failed = err
			break
		}
		got = append(got, r)
	}
	if diff := cmp.Diff([]row{{C: []string{"a", "b"}}, {}, {}}, got); diff != "" {
		t.Error(diff)
	}
	if want := fmt.Sprintf(`reading %q: row 4: column "c[0]": null, wanted string`, path); failed == nil || failed.Error() != want {
		t.Errorf("a null in the list: %v, want %s", failed, want)
	}
}

// Bytes that are not text cost their row, and only it.
func TestParquetInvalidUTF8(t *testing.T) {
	path := writeLayout(t, parquet.Optional(parquet.Group{"s": parquet.Optional(parquet.String())}),
		[]levels{{{at("a", 0, 2)}}, {{at("\xff", 0, 2)}}, {{at("é", 0, 2)}}})
	want := []string{`in.parquet:1: {"c":{"s":"a"}}`, `bad in.parquet:2: column "c": s: not valid UTF-8 at byte 1`, `in.parquet:3: {"c":{"s":"é"}}`}
	if diff := cmp.Diff(want, outline(path)); diff != "" {
		t.Error(diff)
	}
}

// LZ4 would be read with the risk of running out of memory if it is damaged.
func TestLZ4IsRefused(t *testing.T) {
	path := writeLayout(t, parquet.String(), []levels{{{at("a", 0, 0)}}}, parquet.Compression(&parquet.Lz4Raw))
	want := fmt.Sprintf("fatal reading %q: the Parquet file is compressed with LZ4_RAW, which is not supported; write it with zstd or snappy", path)
	if diff := cmp.Diff([]string{want}, outline(path)); diff != "" {
		t.Error(diff)
	}
}

// The library reads booleans in the RLE encoding as other booleans; in the plain
// one, which almost all writers use, it reads them right beside RLE levels.
func TestRunLengthBooleans(t *testing.T) {
	boolean := parquet.Leaf(parquet.BooleanType)
	rows := []levels{{{at(true, 0, 1)}}, {{at(true, 0, 1)}}, {{at(nil, 0, 0)}}, {{at(false, 0, 1)}}, {{at(true, 0, 1)}}}
	for _, version := range []int{1, 2} {
		path := writeLayout(t, parquet.Optional(parquet.Encoded(boolean, &parquet.RLE)), rows, parquet.DataPageVersion(version))
		want := fmt.Sprintf(`fatal reading %q: its column "c" has booleans in the RLE encoding, which is not supported; write the file with version 1 data pages (pyarrow: data_page_version="1.0")`, path)
		if diff := cmp.Diff([]string{want}, outline(path)); diff != "" {
			t.Errorf("version %d: %s", version, diff)
		}
		got := outline(writeLayout(t, parquet.Optional(boolean), rows, parquet.DataPageVersion(version)))
		if diff := cmp.Diff([]string{`in.parquet:1: {"c":true}`, `in.parquet:2: {"c":true}`, `in.parquet:3: {"c":null}`, `in.parquet:4: {"c":false}`, `in.parquet:5: {"c":true}`}, got); diff != "" {
			t.Errorf("version %d, plain: %s", version, diff)
		}
	}

	// Where a file has no statistics of encodings, their list must do.
	for _, test := range []struct {
		chunk schema.ColumnMetaData
		want  bool
	}{
		{schema.ColumnMetaData{Type: schema.Boolean, Encoding: []schema.Encoding{schema.RLE}}, true},
		{schema.ColumnMetaData{Type: schema.Boolean, Encoding: []schema.Encoding{schema.Plain, schema.RLE}}, false},
		{schema.ColumnMetaData{Type: schema.Boolean, Encoding: []schema.Encoding{schema.Plain, schema.RLE},
			EncodingStats: []schema.PageEncodingStats{{PageType: schema.DataPageV2, Encoding: schema.RLE, Count: 1}}}, true},
		{schema.ColumnMetaData{Type: schema.Int64, Encoding: []schema.Encoding{schema.RLE}}, false},
	} {
		if got := isRunLengthBoolean(&test.chunk); got != test.want {
			t.Errorf("%+v: %v, want %v", test.chunk, got, test.want)
		}
	}
}

// pyarrow writes a table without rows as a row group without pages.
func TestEmptyRowGroup(t *testing.T) {
	path := writeLayout(t, parquet.Optional(parquet.String()), nil)
	p, err := openParquet(path)
	if err != nil {
		t.Fatal(err)
	}
	meta := *p.parquet.Metadata()
	p.file.Close()
	write := func(rows int64) string {
		meta.NumRows = rows
		meta.RowGroups = []schema.RowGroup{{NumRows: rows, Columns: []schema.ColumnChunk{{
			MetaData: schema.ColumnMetaData{Type: schema.ByteArray, Encoding: []schema.Encoding{schema.Plain}, PathInSchema: []string{"c"}, Codec: schema.Zstd},
		}}}}
		footer, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
		if err != nil {
			t.Fatal(err)
		}
		data := binary.LittleEndian.AppendUint32(append([]byte(magicParquet), footer...), uint32(len(footer)))
		return put(t, t.TempDir(), "in.parquet", append(data, magicParquet...))
	}
	type row struct {
		C *string `parquet:"c,optional"`
	}
	path = write(0)
	if got := outline(path); got != nil {
		t.Errorf("Records gives %q", got)
	}
	if got := readError[row](t, path); got != "" {
		t.Errorf("Read gives %s", got)
	}
	if got := readError[Rejected](t, path); !strings.Contains(got, "no column") {
		t.Errorf("Read of another type gives %q", got)
	}
	// One that promises a row and has no page is damaged.
	if got := outline(write(1)); len(got) != 1 || !strings.Contains(got[0], "is damaged") {
		t.Errorf("a row without a page gives %q", got)
	}
}

// What pyarrow 26.0.1 says of the two files, row by row or as a hash over all rows.
func TestSharedParquet(t *testing.T) {
	t.Run("bigmath-rl", func(t *testing.T) {
		path := shareddata.Path(t, "data", "bigmath-rl.parquet")
		truths, domains := sha256.New(), sha256.New()
		var rows, subjects, most, index, correct int
		var rate, scores float64
		for r, err := range Records(path) {
			if err != nil {
				t.Fatal(err)
			}
			rows++
			truth, _ := r.Lookup("reward_model.ground_truth")
			fmt.Fprintf(truths, "%s\n", truth)
			list, _ := r.Lookup("domain")
			for _, d := range list.([]any) {
				fmt.Fprintf(domains, "%s\n", d)
				subjects++
			}
			most = max(most, len(list.([]any)))
			i, _ := r.Lookup("extra_info.index")
			index += int(i.(int64))
			f, _ := r.Lookup("llama8b_solve_rate")
			rate += f.(float64)
			if b, _ := r.Lookup("prime_correctness"); b.(bool) {
				correct++
			}
			s, _ := r.Lookup("output_scores")
			for _, x := range s.([]any) {
				scores += float64(x.(int64))
			}
			switch rows {
			case 1, 2, 5000:
				want := map[int][]any{
					1:    {`12.36\%`, "Mathematics -> Applied Mathematics -> Math Word Problems", 0.125},
					2:    {"45°", "Mathematics -> Calculus -> Differential Calculus -> Applications of Derivatives", 0.0625},
					5000: {"12.86", "Mathematics -> Applied Mathematics -> Math Word Problems", 0.140625},
				}[rows]
				if diff := cmp.Diff(want, []any{truth, list.([]any)[0], f}); diff != "" {
					t.Errorf("row %d: %s", rows, diff)
				}
			case 72:
				if diff := cmp.Diff([]any{"Mathematics -> Algebra -> Other", "Mathematics -> Precalculus -> Functions"}, list); diff != "" {
					t.Error(diff)
				}
			}
		}
		got := []any{rows, subjects, most, index, rate, correct, scores, fmt.Sprintf("%x", truths.Sum(nil)), fmt.Sprintf("%x", domains.Sum(nil))}
		want := []any{5000, 5128, 3, 12497500, 555.921875, 0, 640.0,
			"deddd55866db76c7e50a2a51ba519bb9f89c6f748db1d418917f50649902626c", "f7ad9cc70d68e76cebe6425ce6747065377084ec8ef99d080c077d7a895eca0f"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("math-benchmarks", func(t *testing.T) {
		path := shareddata.Path(t, "data", "math-benchmarks.parquet")
		prompts, truths := sha256.New(), sha256.New()
		var rows, index int
		for r, err := range Records(path) {
			if err != nil {
				t.Fatal(err)
			}
			rows++
			truth, _ := r.Lookup("reward_model.ground_truth")
			fmt.Fprintf(truths, "%s\n", truth)
			prompt, _ := r.Lookup("prompt")
			for _, m := range prompt.([]any) {
				fmt.Fprintf(prompts, "%s\n", m.(map[string]any)["content"])
			}
			i, _ := r.Lookup("extra_info.index")
			index += int(i.(int64))
		}
		got := []any{rows, index, fmt.Sprintf("%x", truths.Sum(nil)), fmt.Sprintf("%x", prompts.Sum(nil))}
		want := []any{1560, 392919, "13a88cce3d6f400a135f3c88ddbda1726b270fd5f0c321d8bf7b88f18d9a1bff", "e61c115e80727abcb6f23c5afed0d10126f122cf5b28043aff06087c05efaa79"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// Memory does not grow with the number of row groups.
func TestReadingMemoryIsConstant(t *testing.T) {
	reply := strings.Repeat("The answer is 42. ", 1<<20/18)
	peak := func(groups int) uint64 {
		dir := t.TempDir()
		rows := make([]Response, groups*32) // 32 MB of text a group
		for i := range rows {
			rows[i].Response = reply
		}
		writeAll(t, dir, "parquet", 0, rows)
		p, err := openParquet(filepath.Join(dir, "part-00000.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(p.parquet.RowGroups()); got < groups {
			t.Fatalf("%d row groups, want %d", got, groups)
		}
		p.file.Close()

		rows = nil
		runtime.GC()
		var most uint64
		n := 0
		for r, err := range Read[Response](dir) {
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Response) != len(reply) {
				t.Fatal("a reply came back different")
			}
			if n++; n%32 == 0 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
		return most
	}
	one, four := peak(1), peak(4)
	if four > one+16<<20 {
		t.Errorf("at most %d MB are held for 1 row group, %d MB for 4", one>>20, four>>20)
	}
}

// damages cuts and changes a file in ways that a disk or a download does.
func damages(whole []byte) map[string][]byte {
	flip := func(at int) []byte {
		d := bytes.Clone(whole)
		d[at] ^= 0xff
		return d
	}
	n := len(whole)
	return map[string][]byte{
		"0 bytes":            nil,
		"1 byte":             whole[:1],
		"3 bytes":            whole[:3],
		"5 bytes":            whole[:5],
		"11 bytes":           whole[:11],
		"a tenth":            whole[:n/10],
		"half":               whole[:n/2],
		"in the footer":      whole[:n-20],
		"one byte missing":   whole[:n-1],
		"head only":          append(bytes.Clone(whole[:4]), whole[n-8:]...),
		"middle missing":     append(bytes.Clone(whole[:n/3]), whole[n/2:]...),
		"start missing":      whole[n/4:],
		"a byte in the data": flip(n / 3),
		"zeros at the end":   append(bytes.Clone(whole[:n/2]), make([]byte, n-n/2)...),
		"zeros inside":       append(append(bytes.Clone(whole[:n/4]), make([]byte, n/4)...), whole[n/4+n/4:]...),
	}
}

// Damaged files give one error that names the file and says what to do.
func TestDamagedFiles(t *testing.T) {
	rows := make([]Problem, 300)
	sound := map[string]bool{}
	noise := sha256.Sum256(nil)
	for i := range rows {
		noise = sha256.Sum256(noise[:])
		rows[i] = Problem{ProblemID: fmt.Sprint(i), Domain: []string{"Algebra"}, Question: fmt.Sprintf("%x", noise)}
		sound[rows[i].Question] = true
	}
	for _, ext := range []string{"parquet", "jsonl.gz", "jsonl.zst"} {
		dir := t.TempDir()
		writeAll(t, dir, ext, 0, rows)
		whole, err := os.ReadFile(filepath.Join(dir, "part-00000."+ext))
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range damages(whole) {
			t.Run(ext+"/"+name, func(t *testing.T) {
				path := put(t, t.TempDir(), "in."+ext, data)
				n, failed := 0, error(nil)
				for r, err := range Records(path) {
					if failed != nil {
						t.Fatal("something comes after a fatal error")
					}
					if bad, ok := errors.AsType[*RowError](err); ok {
						t.Fatalf("damage is told as a bad row: %v", bad)
					}
					if failed = err; err != nil {
						continue
					}
					// The checksum of compressed lines comes after them all, that of
					// Parquet with each page.
					cut := bytes.HasPrefix(whole, data)
					if q, _ := r.Lookup("question"); !sound[q.(string)] && (cut || ext == "parquet") {
						t.Errorf("row %d is not as it was written", r.Row)
					}
					n++
				}
				if failed == nil {
					t.Fatalf("no error, after %d rows of 300", n)
				}
				text := failed.Error()
				if strings.Count(text, path) != 1 || !strings.Contains(text, "make it again") && !strings.Contains(text, "rename it") {
					t.Errorf("the error does not name the file once and say what to do: %s", text)
				}
				t.Log(text)
				if got := readError[Problem](t, path); got == "" {
					t.Error("Read finds no error")
				}
			})
		}
	}
}

// A file that is not what its extension says is told as that.
func TestNotWhatTheNameSays(t *testing.T) {
	content := map[string][]byte{}
	for _, ext := range ownFormats {
		dir := t.TempDir()
		writeAll(t, dir, ext, 0, []Rejected{{Reason: "x"}})
		data, err := os.ReadFile(filepath.Join(dir, "part-00000."+ext))
		if err != nil {
			t.Fatal(err)
		}
		content[ext] = data
	}
	for ext, data := range content {
		for _, name := range slices.Concat(ownFormats, []string{"json", "json.gz", "json.zst"}) {
			if ext == name || ext == strings.Replace(name, "json", "jsonl", 1) {
				continue
			}
			got := outline(put(t, t.TempDir(), "in."+name, data))
			if len(got) != 1 || !strings.HasPrefix(got[0], "fatal ") || !strings.Contains(got[0], "rename it to what it is") {
				t.Errorf("%s named .%s: %q", ext, name, got)
			}
		}
	}
}
