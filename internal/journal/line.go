package journal

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	// MaxValue is the size of the largest reply that Put takes, as JSON, in
	// bytes. It bounds what one damaged line can make Open hold in memory.
	MaxValue = 256 << 20

	linePrefix = `{"key":"`
	lineCRC    = `","crc32c":"`
	lineValue  = `","value":`
	lineEnd    = "}\n"

	keyAt    = len(linePrefix)
	crcAt    = keyAt + 2*len(Key{}) + len(lineCRC)
	valueAt  = crcAt + 2*crc32.Size + len(lineValue)
	shortest = valueAt + 1 + len(lineEnd) // a value has at least one byte
	longest  = valueAt + MaxValue + len(lineEnd)
)

func appendLine(b []byte, key Key, value []byte) []byte {
	b = append(b, linePrefix...)
	start := len(b)
	b = hex.AppendEncode(b, key[:])
	sum := checksum(b[start:], value)
	b = append(b, lineCRC...)
	b = hex.AppendEncode(b, binary.BigEndian.AppendUint32(nil, sum))
	b = append(b, lineValue...)
	b = append(b, value...)
	return append(b, lineEnd...)
}

// parseLine takes a line apart. The checksum vouches for the value, so its JSON
// is not parsed here.
func parseLine(line []byte) (key Key, value []byte, err error) {
	if len(line) < shortest || len(line) > longest ||
		string(line[:keyAt]) != linePrefix ||
		string(line[crcAt-len(lineCRC):crcAt]) != lineCRC ||
		string(line[valueAt-len(lineValue):valueAt]) != lineValue ||
		string(line[len(line)-len(lineEnd):]) != lineEnd {
		return Key{}, nil, errors.New("not a record")
	}
	digits := line[keyAt : keyAt+2*len(key)]
	if _, err := hex.Decode(key[:], digits); err != nil {
		return Key{}, nil, fmt.Errorf("key: %w", err)
	}
	var sum [crc32.Size]byte
	if _, err := hex.Decode(sum[:], line[crcAt:crcAt+2*len(sum)]); err != nil {
		return Key{}, nil, fmt.Errorf("checksum: %w", err)
	}
	value = line[valueAt : len(line)-len(lineEnd)]
	if want, got := binary.BigEndian.Uint32(sum[:]), checksum(digits, value); got != want {
		return Key{}, nil, fmt.Errorf("checksum is %08x, the record says %08x", got, want)
	}
	return key, value, nil
}

func checksum(digits, value []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // made once by the standard library
	return crc32.Update(crc32.Checksum(digits, table), table, value)
}

// readLine reads a line and its end, and returns it and the bytes that it took
// in the file. A line that is too long to be a record comes back cut short,
// which parseLine then refuses. io.EOF means that the line has no end. The line
// is good until the next call.
func readLine(r *bufio.Reader, buf *[]byte) ([]byte, int64, error) {
	piece, err := r.ReadSlice('\n')
	if err == nil {
		return piece, int64(len(piece)), nil // the common case copies nothing
	}
	n := int64(len(piece))
	line := append((*buf)[:0], piece...)
	for err == bufio.ErrBufferFull {
		piece, err = r.ReadSlice('\n')
		n += int64(len(piece))
		if len(line) <= longest {
			line = append(line, piece...)
		}
	}
	if err != nil && err != io.EOF {
		return nil, n, err
	}
	*buf = line
	return line, n, err
}
