package pdfread

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"fmt"
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// deflated compresses a content.
func deflated(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// contentOf is a document of one page with this stream as its content.
func contentOf(entries, body string) []byte {
	return onePage("", a5+"/Contents 6 0 R", "", fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", entries, len(body), body))
}

// TestContentsToTheEnd: a content that cannot be read to its end is told of, and
// holds a page that shows nothing.
func TestContentsToTheEnd(t *testing.T) {
	var lines strings.Builder
	for i := range 40 {
		fmt.Fprintf(&lines, "BT /F 10 Tf 50 %d Td (line %d of %x) Tj ET\n", 560-12*i, i, 7919*i*i)
	}
	packed := deflated(t, lines.String())
	flip := []byte(packed)
	for i := len(flip) / 2; i < len(flip)/2+8; i++ {
		flip[i] ^= 0xA5
	}
	text := make([]byte, ascii85.MaxEncodedLen(len(packed)))
	text = append(text[:ascii85.Encode(text, []byte(packed))], "~>"...)
	for _, test := range []struct {
		name   string
		data   []byte
		told   bool
		reason format.Reason
	}{
		{"plain", contentOf("", lines.String()), false, ""},
		{"packed", contentOf("/Filter/FlateDecode", packed), false, ""},
		{"packed, in a list", contentOf("/Filter[/FlateDecode]", packed), false, ""},
		{"packed, as text", contentOf("/Filter[/ASCII85Decode/FlateDecode]", string(text)), false, ""},
		{"without its checksum", contentOf("/Filter/FlateDecode", packed[:len(packed)-4]), false, ""},
		{"another checksum", contentOf("/Filter/FlateDecode", packed[:len(packed)-1]+string(packed[len(packed)-1]^1)), true, ""},
		{"cut", contentOf("/Filter/FlateDecode", packed[:len(packed)/2]), true, ""},
		{"damaged", contentOf("/Filter/FlateDecode", string(flip)), true, ""},
		{"not packed at all", contentOf("/Filter/FlateDecode", "BT ET"), false, format.FidelityLoss},
		{"a filter that is none", contentOf("/Filter/LZWDecode", "\xff\xff\xff"), false, format.FidelityLoss},
		{"one part is not there", onePage("", a5+"/Contents[4 0 R 99 0 R]", lines.String()), true, ""},
		{"nothing of it is there", onePage("", a5+"/Contents 99 0 R", ""), false, format.FidelityLoss},
		{"empty", contentOf("", ""), false, ""},
		{"packed and nothing to show", contentOf("/Filter/FlateDecode", deflated(t, "q Q\n")), false, ""},
		{"no content", bytes.Replace(onePage("", a5, ""), []byte("/Contents 4 0 R"), []byte("/Kontents 4 0 R"), 1), false, ""},
	} {
		for how, in := range map[string]format.Untrusted{"image": asked(test.data), "text": asText(test.data)} {
			t.Run(test.name+"/"+how, func(t *testing.T) {
				a := parse(t, dressed(t), in)
				if a.reason != test.reason || a.has("content_truncated") != test.told {
					t.Errorf("%q %s %v, want %q, told: %v", a.reason, a.detail, a.notes, test.reason, test.told)
				}
			})
		}
	}
}

// FuzzContents: whatever the bytes, the reading ends, within its budget.
func FuzzContents(f *testing.F) {
	f.Add(contentOf("/Filter/FlateDecode", deflated(f, "q Q")), 0)
	f.Add(contentOf("/Filter[/ASCII85Decode/FlateDecode]", "<~9jqo^~>"), 0)
	f.Add(onePage("", a5+"/Contents[4 0 R 99 0 R]", "q"), 0)
	f.Fuzz(func(t *testing.T, data []byte, page int) {
		found, _ := treeOf(data, 1)
		if r := found.contents(max(page, 0)); r > toItsEnd || found.inflated > maxContents {
			t.Errorf("%v after %d bytes", r, found.inflated)
		}
	})
}
