package magic

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"unicode/utf16"
)

// zipOf makes a ZIP of entries "name" or "name=content".
func zipOf(t testing.TB, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		name, content, _ := strings.Cut(e, "=")
		method := zip.Deflate
		if name == "mimetype" {
			method = zip.Store
		}
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// encrypted sets the encryption flag of every entry of a ZIP.
func encrypted(p []byte) []byte {
	q := bytes.Clone(p)
	for i := 0; i+10 < len(q); i++ {
		switch string(q[i : i+4]) {
		case "PK\x03\x04":
			q[i+6] |= 1
		case "PK\x01\x02":
			q[i+8] |= 1
		}
	}
	return q
}

// withoutDirectory cuts a ZIP before its central directory.
func withoutDirectory(p []byte) []byte { return p[:bytes.Index(p, []byte("PK\x01\x02"))] }

func tarOf(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "a.txt", Size: 1, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipOf(t testing.TB, p []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(p); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// oleOf makes a compound file of one directory chain. class is the root's; a
// stream "name=bytes" has those bytes at the start of a sector of its own.
func oleOf(class string, streams ...string) []byte {
	const sector = 512
	head := make([]byte, sector)
	copy(head, oleMark)
	head[30], head[32] = 9, 6
	binary.LittleEndian.PutUint32(head[48:], 1) // the directory begins in sector 1
	binary.LittleEndian.PutUint32(head[76:], 0) // the allocation table is sector 0
	for i := 1; i < 109; i++ {
		binary.LittleEndian.PutUint32(head[76+4*i:], 0xFFFFFFFF)
	}
	dirs := (len(streams) + 1 + 3) / 4
	fat := bytes.Repeat([]byte{0xFF}, sector)
	for i := 1; i < dirs; i++ {
		binary.LittleEndian.PutUint32(fat[4*i:], uint32(i+1))
	}
	binary.LittleEndian.PutUint32(fat[4*dirs:], 0xFFFFFFFE)
	dir := make([]byte, dirs*sector)
	var content []byte
	entry := func(i int, kind byte, name string, start uint32) {
		p := dir[128*i:]
		units := utf16.Encode([]rune(name))
		for j, u := range units {
			binary.LittleEndian.PutUint16(p[2*j:], u)
		}
		binary.LittleEndian.PutUint16(p[64:], uint16(2*len(units)+2))
		p[66] = kind
		binary.LittleEndian.PutUint32(p[116:], start)
	}
	entry(0, 5, "Root Entry", 0)
	copy(dir[80:96], class)
	for i, s := range streams {
		name, data, _ := strings.Cut(s, "=")
		entry(i+1, 2, name, uint32(1+dirs+len(content)/sector))
		page := make([]byte, sector)
		copy(page, data)
		content = append(content, page...)
	}
	return bytes.Join([][]byte{head, fat, dir, content}, nil)
}

// wide is s in UTF-16 with a byte order mark.
func wide(s string) []byte {
	b := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

// padded is s followed by zeros up to n bytes, with extra put at offset off.
func padded(s string, n, off int, extra string) []byte {
	b := make([]byte, n)
	copy(b, s)
	copy(b[off:], extra)
	return b
}
