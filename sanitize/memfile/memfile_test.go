package memfile

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestFile(t *testing.T) {
	for name, size := range map[string]int{"empty": 0, "small": 10, "edge": inMemory, "moved": inMemory + 1, "large": 3 << 20} {
		t.Run(name, func(t *testing.T) {
			f := New(4 << 20)
			defer f.Close()
			want := make([]byte, size)
			for i := range want {
				want[i] = byte(i * 7)
			}
			for rest := want; len(rest) > 0; {
				n := min(len(rest), 10_007)
				if _, err := f.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			for range 2 {
				got, err := io.ReadAll(f.Reader())
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d bytes back, %v", len(got), err)
				}
			}
			if f.Size() != int64(size) {
				t.Fatalf("size %d", f.Size())
			}
			if moved := f.file != nil; moved != (size > inMemory) {
				t.Fatalf("moved: %v", moved)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	f := New(10)
	defer f.Close()
	if _, err := f.Write(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte{1}); !errors.Is(err, ErrLimit) {
		t.Fatalf("over the limit: %v", err)
	}
	if f.Size() != 10 {
		t.Fatalf("size %d", f.Size())
	}
}
