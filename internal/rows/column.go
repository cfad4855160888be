package rows

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	schema "github.com/parquet-go/parquet-go/format"
)

type columnKind int8

const (
	kindLeaf   columnKind = iota
	kindStruct            // a group of named members
	kindList              // of its one member
	kindMap               // from its first member, the key, to its second, the value
)

// column is a node of a Parquet file's schema as a reader thinks of it: lists
// and maps are one node, whatever groups the file spells them with.
type column struct {
	name string
	kind columnKind
	typ  string // for a leaf: its type, for people and to compare

	def      int // definition level from which the value is there, not null
	optional bool

	entryDef, entryRep int // list, map: levels from which there is an entry, and at which the next one begins

	first, leaves int // the leaf columns below it

	members []*column
	value   func(parquet.Value) (any, error) // leaf: its value, if not null
}

// describe names the type for error messages.
func (c *column) describe() string {
	switch c.kind {
	case kindStruct:
		return "struct"
	case kindList:
		return "list of " + c.members[0].describe()
	case kindMap:
		return "map"
	}
	return c.typ
}

// columnsOf builds the columns of a file from its schema, the flattened tree
// that Parquet's footer has. Lists and maps are recognised by the rules of
// parquet-format's LogicalTypes.md, those for older files included; no name but
// `array` and `..._tuple` matters, so pyarrow's `item` reads as `element` does.
func columnsOf(elements []schema.SchemaElement) ([]*column, error) {
	if len(elements) == 0 {
		return nil, fmt.Errorf("the file has no schema")
	}
	b := schemaReader{elements: elements}
	root, err := b.node(0, 0)
	if err != nil {
		return nil, err
	}
	if root.kind != kindStruct || len(root.members) == 0 {
		return nil, fmt.Errorf("the file has no columns")
	}
	return root.members, nil
}

type schemaReader struct {
	elements []schema.SchemaElement
	next     int // element
	leaves   int // seen so far
}

// A raw node of the schema, before lists and maps are recognised.
type rawNode struct {
	*schema.SchemaElement
	children []rawNode
	first    int // leaf column
}

func (b *schemaReader) raw() (rawNode, error) {
	if b.next >= len(b.elements) {
		return rawNode{}, fmt.Errorf("the schema is damaged: it ends inside a group")
	}
	n := rawNode{SchemaElement: &b.elements[b.next], first: b.leaves}
	b.next++
	if n.Type.Valid {
		b.leaves++
		return n, nil
	}
	for range n.NumChildren.V {
		child, err := b.raw()
		if err != nil {
			return n, err
		}
		n.children = append(n.children, child)
	}
	return n, nil
}

func (b *schemaReader) node(def, rep int) (*column, error) {
	n, err := b.raw()
	if err != nil {
		return nil, err
	}
	return n.members(&column{name: n.Name, kind: kindStruct}, def, rep)
}

func (n rawNode) repetition() schema.FieldRepetitionType { return n.RepetitionType.V }

// column turns a node into a column. def and rep are the levels of its parent.
func (n rawNode) column(def, rep int) (*column, error) {
	if n.repetition() == schema.Repeated {
		// Outside LIST and MAP, a repeated field is a list that is never null.
		element, err := n.present(def+1, rep+1)
		if err != nil {
			return nil, err
		}
		return &column{name: n.Name, kind: kindList, def: def, entryDef: def + 1, entryRep: rep + 1,
			first: n.first, leaves: element.leaves, members: []*column{element}}, nil
	}
	optional := n.repetition() == schema.Optional
	if optional {
		def++
	}
	c, err := n.present(def, rep)
	if err != nil {
		return nil, err
	}
	c.optional = optional
	return c, nil
}

// present turns a node into a column that is not null at the levels def and rep.
func (n rawNode) present(def, rep int) (*column, error) {
	c := &column{name: n.Name, def: def, first: n.first}
	switch {
	case n.Type.Valid:
		c.leaves = 1
		return c, c.leafType(n.SchemaElement)
	case n.isList():
		return n.list(c, def, rep)
	case n.isMap():
		return n.entries(c, def, rep)
	}
	c.kind = kindStruct
	return n.members(c, def, rep)
}

func (n rawNode) members(c *column, def, rep int) (*column, error) {
	for _, child := range n.children {
		if !child.Type.Valid && child.leaves() == 0 {
			continue // a group without columns has no values, not even nulls
		}
		m, err := child.column(def, rep)
		if err != nil {
			return nil, fmt.Errorf("%s.%w", child.Name, err)
		}
		for _, other := range c.members {
			if other.name == m.name {
				return nil, fmt.Errorf("column %q occurs twice", m.name)
			}
		}
		c.members = append(c.members, m)
		c.leaves += m.leaves
	}
	return c, nil
}

func (n rawNode) leaves() int {
	if n.Type.Valid {
		return 1
	}
	count := 0
	for _, child := range n.children {
		count += child.leaves()
	}
	return count
}

func (n rawNode) converted(want deprecated.ConvertedType) bool {
	return n.ConvertedType.Valid && n.ConvertedType.V == want
}

func (n rawNode) isList() bool {
	_, logical := n.LogicalType.Value.(*schema.ListType)
	return (logical || n.converted(deprecated.List)) && len(n.children) == 1 &&
		n.children[0].repetition() == schema.Repeated && n.children[0].leaves() > 0
}

func (n rawNode) isMap() bool {
	_, logical := n.LogicalType.Value.(*schema.MapType)
	if !logical && !n.converted(deprecated.Map) && !n.converted(deprecated.MapKeyValue) || len(n.children) != 1 {
		return false
	}
	entry := n.children[0]
	return entry.repetition() == schema.Repeated && (len(entry.children) == 1 || len(entry.children) == 2) &&
		entry.children[0].Type.Valid && entry.children[0].repetition() != schema.Repeated && entry.children[len(entry.children)-1].leaves() > 0
}

func (n rawNode) list(c *column, def, rep int) (*column, error) {
	c.kind, c.entryDef, c.entryRep = kindList, def+1, rep+1
	repeated := n.children[0]
	var element *column
	var err error
	if repeated.Type.Valid || len(repeated.children) > 1 || repeated.children[0].repetition() == schema.Repeated ||
		repeated.Name == "array" || repeated.Name == n.Name+"_tuple" {
		element, err = repeated.present(c.entryDef, c.entryRep) // two levels: the repeated node is the element
	} else {
		element, err = repeated.children[0].column(c.entryDef, c.entryRep)
	}
	if err != nil {
		return nil, err
	}
	c.members, c.leaves = []*column{element}, element.leaves
	return c, nil
}

func (n rawNode) entries(c *column, def, rep int) (*column, error) {
	c.kind, c.entryDef, c.entryRep = kindMap, def+1, rep+1
	for _, child := range n.children[0].children {
		m, err := child.column(c.entryDef, c.entryRep)
		if err != nil {
			return nil, err
		}
		c.members = append(c.members, m)
		c.leaves += m.leaves
	}
	return c, nil
}

// leafType sets the type of a leaf and how its values are rendered. Of the two
// kinds of annotation the newer, the logical type, wins.
func (c *column) leafType(e *schema.SchemaElement) error {
	annotation := e.LogicalType.Value
	if annotation == nil && e.ConvertedType.Valid {
		annotation = logicalType(e)
	}
	if d, ok := annotation.(*schema.DecimalType); ok {
		return c.decimal(e.Type.V, int(d.Precision), int(d.Scale))
	}
	if c.annotated(annotation, e.Type.V) {
		return nil
	}
	return c.plain(annotation, e.Type.V)
}

// annotated sets the type that an annotation gives, and reports whether it gives one.
func (c *column) annotated(annotation schema.LogicalTypeValue, physical schema.Type) bool {
	switch a := annotation.(type) {
	case *schema.NullType:
		c.typ, c.value = "null", func(parquet.Value) (any, error) { return nil, nil }
		return true
	case *schema.DateType:
		if physical == schema.Int32 {
			c.typ, c.value = "date", func(v parquet.Value) (any, error) {
				return time.Unix(int64(v.Int32())*24*60*60, 0).UTC().Format(time.DateOnly), nil
			}
			return true
		}
	case *schema.TimestampType:
		if physical == schema.Int64 && a.Unit.Value != nil {
			c.timestamp(a.Unit.Value.Duration(), a.IsAdjustedToUTC)
			return true
		}
	case *schema.TimeType:
		if a.Unit.Value != nil && (physical == schema.Int32 || physical == schema.Int64) {
			unit := a.Unit.Value.Duration()
			c.typ, c.value = "time", func(v parquet.Value) (any, error) {
				n := v.Int64()
				if physical == schema.Int32 {
					n = int64(v.Int32())
				}
				return time.Unix(0, 0).UTC().Add(time.Duration(n) * unit).Format("15:04:05.999999999"), nil
			}
			return true
		}
	case *schema.IntType:
		if !a.IsSigned && physical == schema.Int32 {
			c.typ, c.value = "uint32", func(v parquet.Value) (any, error) { return int64(v.Uint32()), nil }
			return true
		}
		if !a.IsSigned && physical == schema.Int64 {
			c.typ, c.value = "uint64", func(v parquet.Value) (any, error) {
				if n := v.Uint64(); n > math.MaxInt64 {
					return strconv.FormatUint(n, 10), nil
				}
				return v.Int64(), nil
			}
			return true
		}
	case *schema.UUIDType:
		c.typ, c.value = "uuid", func(v parquet.Value) (any, error) {
			b := v.ByteArray()
			if len(b) != 16 {
				return nil, fmt.Errorf("a UUID of %d bytes", len(b))
			}
			x := hex.EncodeToString(b)
			return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:], nil
		}
		return true
	case *schema.Float16Type:
		c.typ, c.value = "float16", func(v parquet.Value) (any, error) {
			b := v.ByteArray()
			if len(b) != 2 {
				return nil, fmt.Errorf("a 16-bit float of %d bytes", len(b))
			}
			return float16(binary.LittleEndian.Uint16(b)), nil
		}
		return true
	}
	return false
}

// plain sets the type as it is stored.
func (c *column) plain(annotation schema.LogicalTypeValue, physical schema.Type) error {
	switch physical {
	case schema.Boolean:
		c.typ, c.value = "bool", func(v parquet.Value) (any, error) { return v.Boolean(), nil }
	case schema.Int32:
		c.typ, c.value = "int32", func(v parquet.Value) (any, error) { return int64(v.Int32()), nil }
	case schema.Int64:
		c.typ, c.value = "int64", func(v parquet.Value) (any, error) { return v.Int64(), nil }
	case schema.Int96:
		c.typ, c.value = "timestamp", func(v parquet.Value) (any, error) {
			// Nanoseconds of the day, then the Julian day, whose 2440588th began 1970.
			t := v.Int96()
			nanos := int64(t[1])<<32 | int64(t[0])
			return timestamp(time.Unix((int64(t[2])-2440588)*24*60*60, nanos), false), nil
		}
	case schema.Float:
		c.typ, c.value = "float", func(v parquet.Value) (any, error) { return float64(v.Float()), nil }
	case schema.Double:
		c.typ, c.value = "double", func(v parquet.Value) (any, error) { return v.Double(), nil }
	case schema.ByteArray, schema.FixedLenByteArray:
		c.typ, c.value = "binary", text8
		switch annotation.(type) {
		case *schema.StringType, *schema.EnumType, *schema.JsonType:
			c.typ = "string"
		}
	default:
		return fmt.Errorf("unknown type %v", physical)
	}
	return nil
}

// logicalType translates the older kind of annotation.
func logicalType(e *schema.SchemaElement) schema.LogicalTypeValue {
	milli := schema.TimeUnit{Value: new(schema.MilliSeconds)}
	micro := schema.TimeUnit{Value: new(schema.MicroSeconds)}
	switch e.ConvertedType.V {
	case deprecated.UTF8, deprecated.Json:
		return new(schema.StringType)
	case deprecated.Enum:
		return new(schema.EnumType)
	case deprecated.Decimal:
		return &schema.DecimalType{Scale: e.Scale.V, Precision: e.Precision.V}
	case deprecated.Date:
		return new(schema.DateType)
	case deprecated.TimeMillis:
		return &schema.TimeType{IsAdjustedToUTC: true, Unit: milli}
	case deprecated.TimeMicros:
		return &schema.TimeType{IsAdjustedToUTC: true, Unit: micro}
	case deprecated.TimestampMillis:
		return &schema.TimestampType{IsAdjustedToUTC: true, Unit: milli}
	case deprecated.TimestampMicros:
		return &schema.TimestampType{IsAdjustedToUTC: true, Unit: micro}
	case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
		return &schema.IntType{IsSigned: false}
	}
	return nil
}

// errNotUTF8 is a fault of the row; any other error of a value is one of the file.
type errNotUTF8 struct{ at int }

func (e errNotUTF8) Error() string { return fmt.Sprintf("not valid UTF-8 at byte %d", e.at+1) }

func text8(v parquet.Value) (any, error) {
	b := v.ByteArray()
	if !utf8.Valid(b) {
		return nil, errNotUTF8{invalidAt(string(b))}
	}
	return string(b), nil
}

func (c *column) timestamp(unit time.Duration, utc bool) {
	c.typ = "timestamp"
	perSecond := int64(time.Second / unit)
	c.value = func(v parquet.Value) (any, error) {
		n := v.Int64()
		seconds, rest := n/perSecond, n%perSecond // time.Unix takes a negative rest
		return timestamp(time.Unix(seconds, rest*int64(unit)), utc), nil
	}
}

// timestamp renders a time in ISO 8601, with a Z if it is known to be UTC.
func timestamp(t time.Time, utc bool) string {
	s := t.UTC().Format("2006-01-02T15:04:05.999999999")
	if utc {
		s += "Z"
	}
	return s
}

func (c *column) decimal(physical schema.Type, precision, scale int) error {
	// No writer goes beyond 76 digits (Arrow's decimal256); the bound keeps a
	// damaged schema from asking for a gigabyte of zeros.
	if scale < 0 || scale > 1000 || precision > 1000 {
		return fmt.Errorf("unusable type decimal(%d,%d)", precision, scale)
	}
	c.typ = fmt.Sprintf("decimal(%d,%d)", precision, scale)
	c.value = func(v parquet.Value) (any, error) {
		var n big.Int
		switch physical {
		case schema.Int32:
			n.SetInt64(int64(v.Int32()))
		case schema.Int64:
			n.SetInt64(v.Int64())
		case schema.ByteArray, schema.FixedLenByteArray: // two's complement, big-endian
			b := v.ByteArray()
			n.SetBytes(b)
			if len(b) > 0 && b[0]&0x80 != 0 {
				n.Sub(&n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
			}
		default:
			return nil, fmt.Errorf("a decimal stored as %v", physical)
		}
		if scale == 0 {
			return n.String(), nil
		}
		digits, sign := n.String(), ""
		if n.Sign() < 0 {
			digits, sign = digits[1:], "-"
		}
		if missing := scale + 1 - len(digits); missing > 0 {
			digits = strings.Repeat("0", missing) + digits
		}
		point := len(digits) - scale
		return sign + digits[:point] + "." + digits[point:], nil
	}
	return nil
}

// float16 decodes an IEEE 754 half-precision number.
func float16(bits uint16) float64 {
	fraction, exponent := float64(bits&0x3ff), int(bits>>10&0x1f)
	var f float64
	switch {
	case exponent == 0:
		f = math.Ldexp(fraction, -24)
	case exponent < 31:
		f = math.Ldexp(fraction+1024, exponent-25)
	case fraction == 0:
		f = math.Inf(1)
	default:
		f = math.NaN()
	}
	if bits&0x8000 != 0 {
		f = -f
	}
	return f
}
