package rows

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	schema "github.com/parquet-go/parquet-go/format"

	"tinyv/internal/durable"
)

// parquetFile is an open Parquet file.
type parquetFile struct {
	path    string
	file    *os.File
	parquet *parquet.File
	columns []*column
}

// openParquet opens a file and reads its footer.
func openParquet(path string) (*parquetFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", path, durable.Cause(err))
	}
	p := &parquetFile{path: path, file: file}
	if err := p.open(); err != nil {
		file.Close()
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	return p, nil
}

func (p *parquetFile) open() error {
	info, err := p.file.Stat()
	if err != nil {
		return durable.Cause(err)
	}
	bytes := info.Size()
	if bytes == 0 {
		return errors.New("the file is empty (0 bytes), not Parquet; " + again)
	}
	var head, tail [8]byte
	if n, err := p.file.ReadAt(head[:min(8, bytes)], 0); err != nil {
		return fmt.Errorf("reading %d bytes: %w", n, durable.Cause(err))
	}
	switch {
	case string(head[:4]) == "PARE":
		return errors.New("the Parquet file is encrypted, which is not supported; write it without encryption")
	case bytes < 4:
		return fmt.Errorf("the file ends after %d bytes, too few for Parquet; %s", bytes, again)
	case string(head[:4]) != magicParquet:
		return errors.New("it does not begin as a Parquet file does, although its name ends in .parquet; rename it to what it is")
	case bytes < 12:
		return fmt.Errorf("the file ends after %d bytes, too few for Parquet; %s", bytes, again)
	}
	if _, err := p.file.ReadAt(tail[:], bytes-8); err != nil {
		return durable.Cause(err)
	}
	if string(tail[4:]) == "PARE" {
		return errors.New("the Parquet file is encrypted, which is not supported; write it without encryption")
	}
	if string(tail[4:]) != magicParquet {
		return errors.New("the Parquet file is cut off, it has no footer at its end; " + again)
	}
	if footer := int64(binary.LittleEndian.Uint32(tail[:4])); footer > bytes-12 {
		return fmt.Errorf("the Parquet file is damaged: a footer of %d bytes in a file of %d; copy it or make it again", footer, bytes)
	}

	return guard(func() error {
		// The indexes of pages and the Bloom filters serve searches, and could fail.
		var err error
		p.parquet, err = parquet.OpenFile(p.file, bytes, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(64<<10))
		if err != nil {
			return damaged(err)
		}
		p.columns, err = columnsOf(p.parquet.Metadata().Schema)
		if err != nil {
			return fmt.Errorf("schema of the Parquet file: %w", err)
		}
		return p.refuse()
	})
}

// refuse refuses what the library (v0.32.0) does not read safely, although it
// says that it can.
//
// Given damaged data in LZ4, it doubles its buffer until the process dies, which
// nothing can recover. Booleans in the RLE encoding it reads as other booleans,
// without an error: it takes the one bit of a run for eight, and rounds the
// length of a run up to whole bytes.
func (p *parquetFile) refuse() error {
	for _, group := range p.parquet.Metadata().RowGroups {
		for _, chunk := range group.Columns {
			if codec := chunk.MetaData.Codec; codec == schema.Lz4 || codec == schema.Lz4Raw {
				return fmt.Errorf("the Parquet file is compressed with %v, which is not supported; write it with zstd or snappy", codec)
			}
			if isRunLengthBoolean(&chunk.MetaData) {
				return fmt.Errorf("its column %q has booleans in the RLE encoding, which is not supported; write the file with version 1 data pages (pyarrow: data_page_version=\"1.0\")",
					strings.Join(chunk.MetaData.PathInSchema, "."))
			}
		}
	}
	return nil
}

// isRunLengthBoolean reports whether pages of a column chunk hold booleans in
// the RLE encoding. The list of encodings counts levels too, which are always
// RLE, so the newer statistics by kind of page decide where a file has them.
func isRunLengthBoolean(chunk *schema.ColumnMetaData) bool {
	if chunk.Type != schema.Boolean {
		return false
	}
	if len(chunk.EncodingStats) > 0 {
		return slices.ContainsFunc(chunk.EncodingStats, func(s schema.PageEncodingStats) bool { return s.Encoding == schema.RLE })
	}
	return slices.Contains(chunk.Encoding, schema.RLE) && !slices.Contains(chunk.Encoding, schema.Plain)
}

// isEmpty reports whether a row group has neither rows nor values. It may then
// have no page that could be read: pyarrow writes a table without rows so.
func isEmpty(group *schema.RowGroup) bool {
	return group.NumRows == 0 && !slices.ContainsFunc(group.Columns, func(c schema.ColumnChunk) bool { return c.MetaData.NumValues != 0 })
}

func damaged(err error) error {
	if _, ok := errors.AsType[*os.PathError](err); ok {
		return durable.Cause(err)
	}
	return fmt.Errorf("the Parquet file is damaged; copy it or make it again (%w)", err)
}

// guard calls f, and makes an error of a panic: the Parquet library trusts what
// a file says of itself.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = damaged(fmt.Errorf("its reader panicked: %v", r))
		}
	}()
	return f()
}

// scanParquet returns the rows of one file.
func scanParquet(path string) iter.Seq2[indexed, error] {
	return func(yield func(indexed, error) bool) {
		p, err := openParquet(path)
		if err != nil {
			yield(indexed{}, err)
			return
		}
		defer p.file.Close()
		row := int64(0)
		for i, group := range p.parquet.RowGroups() {
			meta := &p.parquet.Metadata().RowGroups[i]
			if isEmpty(meta) {
				continue
			}
			// The library calls the total size of a group's values; a batch is as
			// many rows as come to some 4 MB.
			size := meta.TotalByteSize
			batch := min(64, max(1, 4<<20*group.NumRows()/max(1, size)))
			more, err := p.scanGroup(group, int(batch), &row, yield)
			if err != nil {
				yield(indexed{}, fmt.Errorf("reading %q: after row %d: %w", path, row, err))
				return
			}
			if !more {
				return
			}
		}
	}
}

// scanGroup yields the rows of one row group. It returns false if it was told
// to stop.
func (p *parquetFile) scanGroup(group parquet.RowGroup, batch int, row *int64, yield func(indexed, error) bool) (more bool, err error) {
	var rows parquet.Rows
	if err := guard(func() error { rows = group.Rows(); return nil }); err != nil {
		return false, err
	}
	defer func() {
		if closing := guard(rows.Close); err == nil && closing != nil {
			more, err = false, closing
		}
	}()

	buf := make([]parquet.Row, batch)
	asm := newAssembler(p.columns)
	seen := int64(0)
	for end := false; !end; {
		var n int
		if err := guard(func() (err error) {
			if n, err = rows.ReadRows(buf); err == io.EOF {
				end = true
				return nil
			} else if err != nil {
				return damaged(err)
			} else if n == 0 {
				return damaged(io.ErrNoProgress)
			}
			return nil
		}); err != nil {
			return false, err
		}
		for _, raw := range buf[:n] {
			*row++
			seen++
			var values map[string]any
			err := guard(func() (err error) {
				values, err = asm.row(raw)
				return err
			})
			if _, ok := errors.AsType[errNotUTF8](err); ok {
				err = &RowError{Row: *row, Err: err}
			} else if err != nil {
				*row--
				return false, damaged(err)
			}
			if !yield(indexed{*row, values}, err) {
				return false, nil
			}
		}
	}
	if seen != group.NumRows() {
		return false, damaged(fmt.Errorf("its footer promises %d rows in a row group that has %d", group.NumRows(), seen))
	}
	return true, nil
}

// assembler puts rows together from the values of their leaf columns, by their
// repetition and definition levels.
type assembler struct {
	columns []*column
	values  [][]parquet.Value // what is left of the row, by leaf column
}

func newAssembler(columns []*column) *assembler {
	leaves := 0
	for _, c := range columns {
		leaves += c.leaves
	}
	return &assembler{columns: columns, values: make([][]parquet.Value, leaves)}
}

func (a *assembler) row(raw parquet.Row) (map[string]any, error) {
	clear(a.values)
	for start := 0; start < len(raw); {
		leaf := raw[start].Column()
		end := start + 1
		for end < len(raw) && raw[end].Column() == leaf {
			end++
		}
		if leaf < 0 || leaf >= len(a.values) || a.values[leaf] != nil {
			return nil, fmt.Errorf("values of an unknown column")
		}
		a.values[leaf] = raw[start:end]
		start = end
	}
	row := make(map[string]any, len(a.columns))
	for _, c := range a.columns {
		v, err := a.read(c)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", c.name, err)
		}
		row[c.name] = v
	}
	for _, rest := range a.values {
		if len(rest) > 0 {
			return nil, errors.New("columns of different lengths")
		}
	}
	return row, nil
}

// definition returns the definition level of the next value below c.
func (a *assembler) definition(c *column) (int, error) {
	if len(a.values[c.first]) == 0 {
		return 0, errors.New("fewer values than rows")
	}
	return a.values[c.first][0].DefinitionLevel(), nil
}

// skip passes over the one value that each leaf below c has where c or
// something around it is null or empty.
func (a *assembler) skip(c *column) error {
	for i := c.first; i < c.first+c.leaves; i++ {
		if len(a.values[i]) == 0 {
			return errors.New("fewer values than rows")
		}
		a.values[i] = a.values[i][1:]
	}
	return nil
}

// read takes the next value of a column. What is below it takes exactly the
// values that belong to it.
func (a *assembler) read(c *column) (any, error) {
	def, err := a.definition(c)
	if err != nil {
		return nil, err
	}
	if def < c.def {
		return nil, a.skip(c)
	}
	switch c.kind {
	case kindLeaf:
		v := a.values[c.first][0]
		a.values[c.first] = a.values[c.first][1:]
		if v.IsNull() {
			return nil, nil
		}
		return c.value(v)

	case kindStruct:
		members := make(map[string]any, len(c.members))
		for _, m := range c.members {
			v, err := a.read(m)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
			members[m.name] = v
		}
		return members, nil

	case kindList:
		elements := []any{}
		return elements, a.entries(c, def, func() error {
			v, err := a.read(c.members[0])
			elements = append(elements, v)
			return err
		})

	default:
		entries := map[string]any{}
		return entries, a.entries(c, def, func() error {
			key, err := a.read(c.members[0])
			if err != nil {
				return err
			}
			var v any
			if len(c.members) > 1 {
				v, err = a.read(c.members[1])
			}
			entries[fmt.Sprint(key)] = v
			return err
		})
	}
}

// entries calls entry for each entry of a list or map that is not null.
func (a *assembler) entries(c *column, def int, entry func() error) error {
	if def < c.entryDef {
		return a.skip(c)
	}
	for {
		if err := entry(); err != nil {
			return err
		}
		next := a.values[c.first]
		if len(next) == 0 || next[0].RepetitionLevel() < c.entryRep {
			return nil
		}
		if next[0].RepetitionLevel() > c.entryRep {
			return errors.New("values out of place")
		}
	}
}
