package sanitize

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"image"
	"image/png"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/sandbox"
)

// A picture that carries one of these words makes the test's image worker
// behave as if the decoder had been taken over.
const (
	wordLoop    = "TEST-ENDLESS-LOOP"
	wordMemory  = "TEST-TWO-GIGABYTES"
	wordAnswer  = "TEST-TEN-GIGABYTES"
	wordPanic   = "TEST-PANIC"
	wordExit    = "TEST-EXIT-ZERO"
	wordGarbage = "TEST-GARBAGE"
	wordText    = "TEST-TEXT-FROM-A-PICTURE"
)

// testClasses are the real ones, except that the image worker obeys the words
// above and has less time and memory.
func testClasses() map[string]sandbox.Class {
	classes := Classes()
	c := classes[string(format.ClassImage)]
	c.Limits.Wall, c.Limits.CPU, c.Limits.Memory = 20*time.Second, 3*time.Second, 512<<20
	c.Load = func() (sandbox.Serve, error) { return serveOrObey, nil }
	classes[string(format.ClassImage)] = c
	return classes
}

func serveOrObey(in io.Reader, out io.Writer) error {
	var seen bytes.Buffer
	req, data, err := receive(io.TeeReader(in, &seen))
	if err != nil {
		return err
	}
	_ = req
	switch {
	case bytes.Contains(data, []byte(wordLoop)):
		for i := 0; ; i++ {
			runtime.KeepAlive(i)
		}
	case bytes.Contains(data, []byte(wordMemory)):
		var hoard [][]byte
		for range 2048 {
			b := make([]byte, 1<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			hoard = append(hoard, b)
		}
		runtime.KeepAlive(hoard)
	case bytes.Contains(data, []byte(wordAnswer)):
		w := ir.NewWriter(out)
		if err := w.Write(ir.Picture{W: 1 << 12, H: 1 << 12}); err != nil {
			return err
		}
		for range 10 << 10 {
			if err := w.Write(ir.Pixels{B: make([]byte, 1<<20)}); err != nil {
				return err
			}
		}
	case bytes.Contains(data, []byte(wordPanic)):
		panic("taken over")
	case bytes.Contains(data, []byte(wordExit)):
		os.Exit(0)
	case bytes.Contains(data, []byte(wordGarbage)):
		_, err := out.Write(bytes.Repeat([]byte("MZ\x00\x01"), 4096))
		return err
	case bytes.Contains(data, []byte(wordText)):
		w := ir.NewWriter(out)
		for _, v := range []ir.Value{ir.Text{Role: ir.RoleContent, S: "raw"}, ir.Child{Role: ir.RoleAttachment, Name: "a.png"}, ir.Data{B: data}, ir.End{}} {
			if err := w.Write(v); err != nil {
				return err
			}
		}
		return nil
	}
	return Serve(&seen, out)
}

// wordPicture is a PNG with a word in a text chunk.
func wordPicture(t testing.TB, word string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 80, 80))); err != nil {
		t.Fatal(err)
	}
	p := b.Bytes()
	end := bytes.Index(p, []byte("IDAT")) - 4
	chunk := pngChunk("tEXt", "Comment\x00"+word)
	return append(p[:end:end], append(chunk, p[end:]...)...)
}

// mailWith is a mail with base64 attachments.
func mailWith(files map[string][]byte, order ...string) []byte {
	var b strings.Builder
	b.WriteString("From: a@example.com\r\nTo: b@town.example.lg.jp\r\nSubject: test\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=xyz\r\n\r\n--xyz\r\nContent-Type: text/plain\r\n\r\nthe body\r\n")
	for _, name := range order {
		b.WriteString("--xyz\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n" +
			"Content-Disposition: attachment; filename=\"" + name + "\"\r\n\r\n")
		s := base64.StdEncoding.EncodeToString(files[name])
		for len(s) > 76 {
			b.WriteString(s[:76] + "\r\n")
			s = s[76:]
		}
		b.WriteString(s + "\r\n")
	}
	b.WriteString("--xyz--\r\n")
	return []byte(b.String())
}

// A decoder that is taken over or runs away costs its own part, for the right
// reason, and nothing else: the mail and the picture after it arrive.
// spec: g1 g2 g4
func TestMisbehavingWorkerHoldsItsPart(t *testing.T) {
	e := testEngine(t)
	good := wordPicture(t, "harmless")
	for name, c := range map[string]struct {
		word   string
		reason format.Reason
	}{
		"endless loop":     {wordLoop, format.LimitTime},
		"2 GB of memory":   {wordMemory, format.LimitMemory},
		"10 GB answer":     {wordAnswer, format.LimitExpanded},
		"panic":            {wordPanic, format.WorkerCrash},
		"exit in the work": {wordExit, format.WorkerCrash},
		"no frames":        {wordGarbage, format.WorkerCrash},
		"not a picture":    {wordText, format.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			n := runMail(t, e, mailWith(map[string][]byte{"bad.png": wordPicture(t, c.word), "good.png": good}, "bad.png", "good.png"))
			if n.Verdict != format.Partly || len(n.Kids) != 2 {
				t.Fatalf("%s %s, %d parts", n.Verdict, n.Reason, len(n.Kids))
			}
			if k := n.Kids[0]; k.Verdict != format.Held || k.Reason != c.reason || k.Body.OK() {
				t.Errorf("the bad part: %s %s (%s)", k.Verdict, k.Reason, k.Detail)
			}
			if k := n.Kids[1]; k.Verdict != format.Rebuilt {
				t.Errorf("the good part: %s %s (%s)", k.Verdict, k.Reason, k.Detail)
			}
			if bytes.Contains(output(t, n), []byte(c.word)) {
				t.Error("a mark of the bad part is in the mail")
			}
		})
	}
}

// A mail that kills worker after worker is not tried for ever.
// spec: g2 g8
func TestCrashLoopIsCut(t *testing.T) {
	e := testEngine(t)
	files, order := map[string][]byte{}, []string{"1.png", "2.png", "3.png", "4.png", "5.png"}
	for _, name := range order {
		files[name] = wordPicture(t, wordPanic)
	}
	n := runMail(t, e, mailWith(files, order...))
	var reasons []format.Reason
	for _, k := range n.Kids {
		reasons = append(reasons, k.Reason)
	}
	for i, r := range reasons {
		want := format.WorkerCrash
		if i >= maxDeaths {
			want = format.CrashLoop
		}
		if r != want {
			t.Fatalf("part %d: %s, want %s (%v)", i+1, r, want, reasons)
		}
	}
}

// A shutdown or a lost lease ends the worker in the middle of its work. It is
// no word about the mail: there is no node, so that nothing is held for it.
// spec: g2 g3
func TestCalledOffWorkIsNoHold(t *testing.T) {
	why := errors.New("shutdown")
	for name, during := range map[string]bool{"before the work": false, "in the work": true} {
		t.Run(name, func(t *testing.T) {
			pool := testPool(t, testClasses())
			e := New(pool, slog.New(slog.DiscardHandler))
			ctx, cancel := context.WithCancelCause(t.Context())
			if during {
				go func() {
					for pool.Stats().Busy < 2 { // the mail's own and the picture's
						runtime.Gosched()
					}
					cancel(why)
				}()
			} else {
				cancel(why)
			}
			b := BudgetOf(policy.Default())
			b.Deadline = time.Now().Add(time.Minute)
			mail := mailWith(map[string][]byte{"bad.png": wordPicture(t, wordLoop)}, "bad.png")
			n, err := e.Sanitize(ctx, Input{Kind: format.Mail, Data: memory(t, mail), Rules: policy.Default(), Facts: testFacts()}, b)
			if !errors.Is(err, why) || n.Body.OK() || n.Kids != nil {
				t.Fatalf("%v; %s %s with %d parts", err, n.Verdict, n.Reason, len(n.Kids))
			}
			if s := pool.Stats(); s.Busy != 0 || s.Ended[sandbox.Time] != 0 {
				t.Errorf("%d workers are left, %d ran until their limit", s.Busy, s.Ended[sandbox.Time])
			}
		})
	}
}

// A mail whose time is over is held for it.
// spec: g2 g8
func TestDeadlineOfTheMailHolds(t *testing.T) {
	n := runUntil(t, testEngine(t), -time.Second, mailWith(map[string][]byte{"good.png": wordPicture(t, "")}, "good.png"))
	if n.Verdict != format.Held || n.Reason != format.LimitTime || n.Body.OK() {
		t.Fatalf("%s %s (%s)", n.Verdict, n.Reason, n.Detail)
	}
}

// A part that never ends uses up its share of the time and no more: it is held
// alone, what stands behind it is sanitized, and the mail arrives.
// spec: g2 g8
func TestPartHasItsShareOfTime(t *testing.T) {
	mail := mailWith(map[string][]byte{"bad.png": wordPicture(t, wordLoop), "good.png": wordPicture(t, "")}, "bad.png", "good.png")
	classes := testClasses()
	c := classes[string(format.ClassImage)]
	c.Limits.CPU, c.Limits.Wall = time.Minute, time.Minute
	classes[string(format.ClassImage)] = c
	n := runUntil(t, New(testPool(t, classes), slog.New(slog.DiscardHandler)), 16*time.Second, mail)
	if n.Verdict != format.Partly || !n.Body.OK() || len(n.Kids) != 2 {
		t.Fatalf("%s %s (%s), %d parts", n.Verdict, n.Reason, n.Detail, len(n.Kids))
	}
	if k := n.Kids[0]; k.Verdict != format.Held || k.Reason != format.LimitTime {
		t.Errorf("the bad part: %s %s (%s)", k.Verdict, k.Reason, k.Detail)
	}
	if k := n.Kids[1]; k.Verdict != format.Rebuilt {
		t.Errorf("the good part: %s %s (%s)", k.Verdict, k.Reason, k.Detail)
	}
}

func runUntil(t *testing.T, e *Engine, left time.Duration, mail []byte) Node {
	t.Helper()
	b := BudgetOf(policy.Default())
	b.Deadline = time.Now().Add(left)
	n, err := e.Sanitize(t.Context(), Input{Kind: format.Mail, Data: memory(t, mail), Rules: policy.Default(), Facts: testFacts()}, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

// The shares of parts that each use up theirs: the last still has one, and an
// eighth stays.
func TestTimeShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		ctx, cancel := context.WithDeadline(t.Context(), begin.Add(120*time.Second))
		defer cancel()
		share := timeShare(ctx)
		var used []time.Duration
		for range 4 {
			its, end := share(ctx)
			<-its.Done()
			used = append(used, time.Since(begin).Round(time.Second))
			end()
		}
		if want := []time.Duration{79 * time.Second, 98 * time.Second, 103 * time.Second, 105 * time.Second}; !slices.Equal(used, want) {
			t.Errorf("parts ended at %v, want %v", used, want)
		}
		time.Sleep(10 * time.Second) // the reserve is for no part
		its, end := share(ctx)
		defer end()
		if !errors.Is(its.Err(), context.DeadlineExceeded) || ctx.Err() != nil {
			t.Errorf("%v, %v", its.Err(), ctx.Err())
		}
	})
}
