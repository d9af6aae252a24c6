package flow

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"io"
	"strings"
	"testing"

	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/sandbox"
)

// deadly kills the worker of a test that reads it.
const deadly = "TEST-KILLS-ITS-WORKER"

// mortal are the real classes, except that their workers die of deadly as if
// it had taken a decoder over.
func mortal() map[string]sandbox.Class {
	classes := sanitize.Classes(slides())
	for _, name := range []format.Class{format.ClassLight, format.ClassImage} {
		c := classes[string(name)]
		load := c.Load
		c.Load = func() (sandbox.Serve, error) {
			serve, err := load()
			return func(in io.Reader, out io.Writer) error { return serve(&mine{in: in}, out) }, err
		}
		classes[string(name)] = c
	}
	return classes
}

// mine panics when deadly has gone through.
type mine struct {
	in   io.Reader
	seen []byte
}

func (m *mine) Read(p []byte) (int, error) {
	n, err := m.in.Read(p)
	m.seen = append(m.seen, p[:n]...)
	if bytes.Contains(m.seen, []byte(deadly)) {
		panic("killed")
	}
	m.seen = m.seen[max(0, len(m.seen)-len(deadly)):]
	return n, err
}

// deadlyPictures is a mail of pictures that kill their workers.
func deadlyPictures(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 80, 80))); err != nil {
		t.Fatal(err)
	}
	code := base64.StdEncoding.EncodeToString(append(b.Bytes(), deadly...))
	part := "--x\nContent-Type: image/png; name=a.png\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n" + code + "\n"
	return "From: a@example.com\nSubject: pictures\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nbody\n" + strings.Repeat(part, n) + "--x--\n"
}

// Mails that kill worker after worker, again and again, are each held with
// their recipient told; what kills too many workers is not tried on. The next
// mail does not notice.
// spec: g2 g3 g8
func TestWorkerKillingMailsAreHeld(t *testing.T) {
	w := newWorld(t)
	reasons := func(items []quarantine.Item) string {
		var all []string
		for _, i := range items {
			all = append(all, fmt.Sprintf("%q %s", i.Path, i.Reason))
		}
		return strings.Join(all, ", ")
	}
	for round := range 3 {
		body := w.accept("From: a@example.com\nSubject: body\n\n"+deadly+"\n", "b@town.example.lg.jp")
		w.step()
		if ds, got := w.deliveries(body), reasons(w.items(body)); len(ds) != 2 || ds[0].State != gateway.Held || got != `"" worker_crash` {
			t.Errorf("round %d: killing body: %d deliveries, items %s", round, len(ds), got)
		}
		pictures := w.accept(deadlyPictures(t, 5), "b@town.example.lg.jp")
		w.step()
		if ds, got := w.deliveries(pictures), reasons(w.items(pictures)); len(ds) != 2 || ds[0].State != gateway.Held || got != `"" crash_loop` {
			t.Errorf("round %d: killing pictures: %d deliveries, items %s", round, len(ds), got)
		}
		honest := w.accept(plain, "b@town.example.lg.jp")
		w.step()
		if ds := w.deliveries(honest); len(ds) != 1 || ds[0].State != gateway.Ready || len(w.items(honest)) != 0 {
			t.Errorf("round %d: the next mail: %+v", round, ds)
		}
	}
}
