package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A compressed segment is a row of independent zstd frames, each of whole lines
// and about this much text, so that one look-up decodes no more, and any tool
// that reads .zst reads the whole file.
const frameText = 128 << 10

// frame is where a zstd frame lies, in the file and in the text.
type frame struct {
	off     int64 // in the file
	text    int64 // of its text in the segment's text
	len     int32 // in the file
	textLen int32
}

const zstdMagic = "\x28\xb5\x2f\xfd"

// decodeFrameAt decodes the frame at off and returns its text and its length in
// the file. The frame's own checksum is checked.
func decodeFrameAt(d *zstd.Decoder, file io.ReaderAt, off, size int64) ([]byte, int64, error) {
	length, err := frameLength(file, off, size)
	if err != nil {
		return nil, 0, err
	}
	data := make([]byte, length)
	if _, err := file.ReadAt(data, off); err != nil {
		return nil, 0, err
	}
	text, err := d.DecodeAll(data, nil)
	return text, length, err
}

// frameLength walks over the blocks of a frame (RFC 8878, section 3.1.1): a
// rebuilt index has nothing else to tell it where frames begin.
func frameLength(file io.ReaderAt, off, size int64) (int64, error) {
	head := make([]byte, min(zstd.HeaderMaxSize, size-off))
	if _, err := file.ReadAt(head, off); err != nil {
		return 0, err
	}
	var h zstd.Header
	if err := h.Decode(head); err != nil {
		return 0, err
	}
	if h.Skippable || !bytes.HasPrefix(head, []byte(zstdMagic)) {
		return 0, errors.New("not a frame that the journal writes")
	}
	end := off + int64(h.HeaderSize)
	for last := false; !last; {
		var b [4]byte
		if _, err := file.ReadAt(b[:3], end); err != nil {
			return 0, cutShort(err)
		}
		block := binary.LittleEndian.Uint32(b[:])
		last = block&1 == 1
		content := int64(block >> 3)
		const repeatedByte = 1
		if block>>1&3 == repeatedByte {
			content = 1
		}
		if end += 3 + content; end > size || end-off > int64(longest+frameText) {
			return 0, cutShort(io.EOF)
		}
	}
	if h.HasCheckSum {
		end += 4
	}
	if end > size {
		return 0, cutShort(io.EOF)
	}
	return end - off, nil
}

func cutShort(err error) error {
	if err == io.EOF {
		return errors.New("it is cut short")
	}
	return err
}

// nextFrame returns where, from off on, a frame may begin, or size.
func nextFrame(file io.ReaderAt, off, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for off < size {
		n, err := file.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.Index(buf[:n], []byte(zstdMagic)); i >= 0 {
			return off + int64(i), nil
		}
		if n < len(zstdMagic) {
			break
		}
		off += int64(n - len(zstdMagic) + 1) // the magic number may lie across the edge
	}
	return size, nil
}

// frameCache keeps the texts of the frames used last: runs ask for replies
// nearly in the order in which they were kept.
type frameCache struct {
	decoder *zstd.Decoder
	using   sync.RWMutex // held while decoding: a decoder that is closed meanwhile panics
	closed  bool

	mu    sync.Mutex
	texts []cachedFrame // the one used last is the last
	bytes int
}

type cachedFrame struct {
	file *os.File
	off  int64
	text []byte
}

// What the cache holds at most, unless one frame alone is larger.
const frameCacheBytes = 8 << 20

func newFrameCache() (*frameCache, error) {
	d, err := newDecoder()
	if err != nil {
		return nil, err
	}
	return &frameCache{decoder: d}, nil
}

// text returns the text of a frame. Callers do not change it.
func (c *frameCache) text(file *os.File, f frame) ([]byte, error) {
	if text := c.find(file, f.off); text != nil {
		return text, nil
	}
	text, length, err := c.decode(file, f)
	if err != nil {
		return nil, fmt.Errorf("compressed frame at byte %d: %w", f.off, err)
	}
	if length != int64(f.len) || len(text) != int(f.textLen) {
		return nil, fmt.Errorf("compressed frame at byte %d: %d bytes of text in %d, the index says %d in %d", f.off, len(text), length, f.textLen, f.len)
	}
	c.keep(cachedFrame{file, f.off, text})
	return text, nil
}

func (c *frameCache) decode(file *os.File, f frame) ([]byte, int64, error) {
	c.using.RLock()
	defer c.using.RUnlock()
	if c.closed {
		return nil, 0, os.ErrClosed
	}
	return decodeFrameAt(c.decoder, file, f.off, f.off+int64(f.len))
}

func (c *frameCache) find(file *os.File, off int64) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.texts) - 1; i >= 0; i-- {
		if f := c.texts[i]; f.file == file && f.off == off {
			copy(c.texts[i:], c.texts[i+1:])
			c.texts[len(c.texts)-1] = f
			return f.text
		}
	}
	return nil
}

func (c *frameCache) keep(f cachedFrame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.texts = append(c.texts, f)
	c.bytes += len(f.text)
	old := 0
	for ; c.bytes > frameCacheBytes && old < len(c.texts)-1; old++ {
		c.bytes -= len(c.texts[old].text)
	}
	n := copy(c.texts, c.texts[old:])
	clear(c.texts[n:])
	c.texts = c.texts[:n]
}

func (c *frameCache) close() {
	c.using.Lock()
	defer c.using.Unlock()
	if !c.closed {
		c.closed = true
		c.decoder.Close()
	}
}

// frameWriter writes lines as frames.
type frameWriter struct {
	out     io.Writer
	encoder *zstd.Encoder
	lines   []byte
	packed  []byte
	off     int64 // in the file
	text    int64 // of what is in frames already
	frames  []frame
}

func newFrameWriter(out io.Writer) (*frameWriter, error) {
	// One thread: the same bytes every time, and no goroutine to wait for.
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return nil, fmt.Errorf("making a zstd encoder: %w", err)
	}
	return &frameWriter{out: out, encoder: encoder}, nil
}

// line adds a line and returns where it lies in the text.
func (w *frameWriter) line(line []byte) (span, error) {
	at := span{w.text + int64(len(w.lines)), int32(len(line))}
	w.lines = append(w.lines, line...)
	if len(w.lines) < frameText {
		return at, nil
	}
	return at, w.flush()
}

func (w *frameWriter) close() { w.encoder.Close() }

func (w *frameWriter) flush() error {
	if len(w.lines) == 0 {
		return nil
	}
	w.packed = w.encoder.EncodeAll(w.lines, w.packed[:0])
	if _, err := w.out.Write(w.packed); err != nil {
		return err
	}
	w.frames = append(w.frames, frame{off: w.off, text: w.text, len: int32(len(w.packed)), textLen: int32(len(w.lines))})
	w.off += int64(len(w.packed))
	w.text += int64(len(w.lines))
	w.lines = w.lines[:0]
	return nil
}
