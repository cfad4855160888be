package export

import (
	"context"
	"fmt"
	"path/filepath"

	"tinyv/internal/durable"
	"tinyv/internal/rows"
)

// ProvenanceStem is the stem of the parts that say where every row comes from, in
// the order in which the targets have them.
const ProvenanceStem = "provenance"

// provenance is the examples that are not dropped. As long as none is, those are
// the balance stage's own files, which are copied at the end: to encode them again
// would take as long as all else. The first row that is dropped begins a writer,
// and the rows before it are read once more.
type provenance struct {
	dir, balanceDir string
	parts           []string // of balanceDir
	written         *rows.Writer[rows.Example]
	rows            int64
}

func newProvenance(ctx context.Context, dir, balanceDir string) (*provenance, error) {
	parts, err := rows.Parts(balanceDir)
	if err != nil {
		return nil, err
	}
	p := &provenance{dir: dir, balanceDir: balanceDir, parts: parts}
	if filepath.Ext(parts[0]) != ".parquet" {
		err = p.begin(ctx)
	}
	return p, err
}

func (p *provenance) begin(ctx context.Context) (err error) {
	if p.written, err = rows.Create[rows.Example](p.dir, ProvenanceStem, "parquet", 0); err != nil || p.rows == 0 {
		return err
	}
	for e, err := range rows.Read[rows.Example](p.balanceDir) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = p.written.Write(e)
		}
		if err != nil || p.written.Rows() == p.rows {
			return err
		}
	}
	return fmt.Errorf("export: %s had %d rows a moment ago and has %d: does something else write to it?", p.balanceDir, p.rows, p.written.Rows())
}

// keep takes the next row, which is not dropped.
func (p *provenance) keep(e rows.Example) error {
	p.rows++
	if p.written == nil {
		return nil
	}
	return p.written.Write(e)
}

// drop passes over the next row.
func (p *provenance) drop(ctx context.Context) error {
	if p.written != nil {
		return nil
	}
	return p.begin(ctx)
}

// finish makes the files whole and returns their names.
func (p *provenance) finish() ([]string, error) {
	if p.written != nil {
		err := p.written.Close()
		return p.written.Files(), err
	}
	var names []string
	for i, part := range p.parts {
		name := fmt.Sprintf("%s-%05d.parquet", ProvenanceStem, i)
		if err := durable.CopyFile(part, filepath.Join(p.dir, name)); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// abort removes what is not finished; it does nothing after finish.
func (p *provenance) abort() {
	if p.written != nil {
		p.written.Abort()
	}
}
