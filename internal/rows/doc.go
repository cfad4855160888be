// Package rows holds the row types that the stages pass to one another, and is
// the only place that knows file formats: Parquet (zstd) and JSON lines (plain,
// .gz, .zst), chosen by a file's extension.
//
// There are two ways to read. [Records] reads foreign input, whatever its
// columns and nesting, as values by name, and goes on after a bad row. [Read]
// reads the project's own files into a row type and stops at anything that is
// not exactly as the type wants it: a file of ours that does not fit is a
// mistake to report, never a row of zeros; [ReadColumns] reads some of their
// columns. [Writer] writes those files as parts that appear under their names only
// when they are whole.
//
// Everything streams: memory holds a few batches of rows, a page of each column
// and, when writing, one row group, however large the input is. Decoding runs
// ahead of who reads, compressing behind who writes, each in goroutines that end
// with the reading and with the writer. Nothing here is safe for use by several
// goroutines at once, and one process at a time may write a directory; several may
// read it. Equal rows give byte-equal files.
//
// The package does not follow globs, does not merge schemas of parts, does not
// decrypt Parquet, and refuses Parquet that is compressed with LZ4 or has
// booleans in the RLE encoding, which are rare and which the Parquet library
// does not read safely.
package rows
