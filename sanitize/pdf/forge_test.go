package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"strings"
	"testing"
)

// forgery is a file of ours taken to pieces, to be put together wrongly.
type forgery struct {
	t       testing.TB
	objects []string // by number, from 1, without "n 0 obj" and "endobj"
}

func takeApart(t testing.TB, data []byte) *forgery {
	t.Helper()
	l := lint{data: data}
	table, end := l.table()
	if table == nil || !l.read(table, len(header), end) {
		t.Fatal("not a file of ours")
	}
	f := &forgery{t: t, objects: make([]string, len(table))}
	for n := 1; n < len(table); n++ {
		body := string(data[table[n]:])
		_, body, _ = strings.Cut(body, "obj\n")
		if b := l.objects[n].body; b != nil {
			at := strings.Index(body, "stream\n") + len("stream\n") + len(b)
			f.objects[n] = body[:at] + "\nendstream"
			continue
		}
		f.objects[n], _, _ = strings.Cut(body, "\nendobj\n")
	}
	return f
}

// put writes the objects, in the order of their numbers, with a right table.
func (f *forgery) put() []byte {
	var b bytes.Buffer
	b.WriteString(header)
	table := "0000000000 65535 f \n"
	for n, o := range f.objects[1:] {
		table += fmt.Sprintf("%010d 00000 n \n", b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", n+1, o)
	}
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(f.objects), table, len(f.objects), at)
	return b.Bytes()
}

// find returns the number of the first object with a word in its dictionary.
func (f *forgery) find(word string) int {
	for n, o := range f.objects {
		head, _, _ := strings.Cut(o, "stream\n")
		if strings.Contains(head, word) {
			return n
		}
	}
	f.t.Fatalf("no object with %q", word)
	return 0
}

// change replaces words of the first object that has a word.
func (f *forgery) change(word, old, new string) *forgery {
	n := f.find(word)
	if !strings.Contains(f.objects[n], old) {
		f.t.Fatalf("no %q in %.200q", old, f.objects[n])
	}
	f.objects[n] = strings.Replace(f.objects[n], old, new, 1)
	return f
}

// content is the number of the content of the first page.
func (f *forgery) content() int {
	var n int
	_, rest, _ := strings.Cut(f.objects[f.find("/Type/Page/")], "/Contents ")
	if _, err := fmt.Sscanf(rest, "%d", &n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// named is the object that stands behind a key of the first object with a word.
func (f *forgery) named(word, key string) int {
	var n int
	_, rest, _ := strings.Cut(f.objects[f.find(word)], key)
	if _, err := fmt.Sscanf(rest, "%d", &n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// inflated gives what a stream holds to a function and stores what it returns.
func (f *forgery) inflated(n int, change func(string) string) *forgery {
	dict, body, _ := strings.Cut(f.objects[n], "/Length ")
	_, body, _ = strings.Cut(body, "stream\n")
	body = strings.TrimSuffix(body, "\nendstream")
	z, err := zlib.NewReader(strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		f.t.Fatal(err)
	}
	return f.body(n, dict, packed(change(string(plain))))
}

// raw changes the compressed bytes of a stream.
func (f *forgery) raw(n int, change func(string) string) *forgery {
	dict, body, _ := strings.Cut(f.objects[n], "/Length ")
	_, body, _ = strings.Cut(body, "stream\n")
	return f.body(n, dict, change(strings.TrimSuffix(body, "\nendstream")))
}

func (f *forgery) body(n int, dict, body string) *forgery {
	f.objects[n] = fmt.Sprintf("%s/Length %d>>\nstream\n%s\nendstream", dict, len(body), body)
	return f
}

func packed(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// add adds an object and returns its number.
func (f *forgery) add(o string) int {
	f.objects = append(f.objects, o)
	return len(f.objects) - 1
}
