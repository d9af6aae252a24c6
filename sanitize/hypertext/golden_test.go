package hypertext

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/*.txt anew")

// show writes a result the way the golden files hold it.
func show(r Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "title: %s\nstub: %v\n", r.Title, r.Stub)
	for _, im := range r.Images {
		fmt.Fprintf(&b, "image: cid=%q alt=%q %dx%d remote=%v\n", im.CID, im.Alt, im.W, im.H, im.Remote)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "finding: %s in %s: %s\n", f.Code, f.Where, f.Detail)
	}
	return b.String() + "\n" + r.Text + "\n"
}

// TestGolden reads whole mails: a vendor's newsletter made of nested tables, a
// Word mail, a webmail reply, and a phishing mail.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.html")
	if err != nil || len(files) < 4 {
		t.Fatalf("samples: %v %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			doc, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			res, err := Convert(string(doc), Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkText(t, res.Text)
			golden := strings.TrimSuffix(file, ".html") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(show(res)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), show(res)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestDefangOption: with Defang no address in the text can be clicked.
func TestDefangOption(t *testing.T) {
	doc, err := os.ReadFile("testdata/newsletter.html")
	if err != nil {
		t.Fatal(err)
	}
	res, err := Convert(string(doc)+"<p>http://a.test/ www.b.test</p>", Options{Defang: true})
	if err != nil {
		t.Fatal(err)
	}
	if i, _ := nextURL(res.Text); i >= 0 {
		t.Errorf("address left: %q", res.Text[i:])
	}
	for _, want := range []string{"hxxps://www[.]vendor[.]example[.]jp/apply", "hxxp://a[.]test/", "www[.]b[.]test"} {
		if !strings.Contains(res.Text, want) {
			t.Errorf("no %q", want)
		}
	}
}

// corpusCases says what must and must not be read from the corpus files.
var corpusCases = []struct {
	path     string
	contains []string
	absent   []string
	findings []string
}{
	{"bugs/html-image-link.eml", []string{"申請ボタン", "https://form.example.jp/apply?id=5", "bank[.]example[.]net"},
		[]string{"https://town.example.jp"}, []string{findMismatch, findRemote}},
	{"bugs/html-style-and-nested-div.eml", []string{"お知らせ本文"}, []string{"color", "hidden_text", "\n\n"}, []string{findScript}},
	{"bugs/html-table.eml", []string{"総務課 | 101\n", "税務課 | 202"}, nil, nil},
	{"html/dompurify-d01.html", nil, []string{"alert"}, []string{findEvent, findScriptURI}},
	{"html/dompurify-d02.html", nil, []string{"data:", "svg"}, []string{findSVG, findDataURI}},
	{"html/dompurify-d03.html", nil, []string{"rect"}, []string{findSVG}},
	{"html/dompurify-d04.html", []string{"a, a, a"}, []string{"#FF0000"}, nil},
	{"html/dompurify-d05.html", []string{"text"}, []string{"alert", "removeme"}, []string{findEvent}},
	{"html/dompurify-d06.html", nil, []string{"alert", "onerror"}, []string{findSVG}},
	{"html/dompurify-d07.html", nil, []string{"alert"}, []string{findFrame}},
	{"html/dompurify-d10.html", nil, []string{"alert", "onerror"}, []string{findSVG}},
	{"html/tika-testHTMLBadScript.html", []string{"This is a test."}, []string{"cool"}, []string{findScript}},
	{"html/tika-testHTML_embedded_data_uri_js.html", []string{"some content"}, []string{"data:", "YWxl"}, []string{findScript, findDataURI}},
	{"html/tika-testSrcDoc.html", []string{"outside"}, []string{"this is the iframe"}, []string{findFrame}},
	{"eml/rspamd-html_phishing.eml", []string{"Your account has been compromised click",
		"Verify Now <https://phishing-site.evil/steal-credentials>"}, nil, []string{findRemote}},
}

func TestCorpus(t *testing.T) {
	dir := os.Getenv("SEKISHO_CORPUS")
	if dir == "" {
		t.Log("SEKISHO_CORPUS is not set; the project's own samples are in TestGolden")
		return
	}
	for _, tc := range corpusCases {
		t.Run(tc.path, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, tc.path))
			if err != nil {
				t.Fatal(err)
			}
			doc := string(raw)
			if strings.HasSuffix(tc.path, ".eml") {
				_, doc, _ = strings.Cut(strings.ReplaceAll(doc, "\r\n", "\n"), "\n\n")
			}
			res, err := Convert(doc, Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkText(t, res.Text)
			for _, s := range tc.contains {
				if !strings.Contains(res.Text, s) {
					t.Errorf("no %q in %q", s, res.Text)
				}
			}
			for _, s := range tc.absent {
				if strings.Contains(res.Text, s) {
					t.Errorf("%q in %q", s, res.Text)
				}
			}
			for _, code := range tc.findings {
				if !hasFinding(res, code) {
					t.Errorf("no finding %s in %v", code, res.Findings)
				}
			}
		})
	}
}

func BenchmarkConvert20KB(b *testing.B) {
	doc, err := os.ReadFile("testdata/newsletter.html")
	if err != nil {
		b.Fatal(err)
	}
	for len(doc) < 20<<10 {
		doc = append(doc, doc...)
	}
	doc = doc[:20<<10]
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Convert(string(doc), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
