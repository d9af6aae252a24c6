package demo

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"mime"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed assets
var assets embed.FS

// Setup is what the page says about how to send one's own mail.
type Setup struct {
	SMTP      string // address of the intake
	Recipient string
}

// Handler serves the page of b. The page works without JavaScript and loads
// nothing from elsewhere.
func Handler(b *Board, s Setup) (http.Handler, error) {
	page, err := template.New("").Funcs(template.FuncMap{"clock": clock, "join": strings.Join, "seconds": seconds}).ParseFS(assets, "assets/*.html")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		var out bytes.Buffer
		pairs := b.snapshot()
		if err := page.ExecuteTemplate(&out, "board.html", map[string]any{"Pairs": pairs, "Setup": s}); err != nil {
			http.Error(w, "page", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(out.Bytes())
	})
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, assets, "assets/style.css")
	})
	mux.HandleFunc("GET /mail/{n}/raw", b.serveRaw)
	mux.HandleFunc("GET /mail/{n}/file/{k}", b.serveFile)
	return guard(mux), nil
}

// Serve shows the page on l until ctx ends.
func Serve(ctx context.Context, l net.Listener, b *Board, s Setup) error {
	page, err := Handler(b, s)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: page, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { web.Close() })
	defer stop()
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// guard sets the headers that keep a page from doing more than it says, and
// answers only requests for loopback names, so that a web page elsewhere
// cannot reach it through a name of its own (DNS rebinding).
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
			host = host[:i]
		}
		if host != "127.0.0.1" && host != "localhost" && host != "[::1]" {
			http.Error(w, "loopback only", http.StatusMisdirectedRequest)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (b *Board) requested(r *http.Request) (Mail, bool) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		return Mail{}, false
	}
	return b.mail(n)
}

func (b *Board) serveRaw(w http.ResponseWriter, r *http.Request) {
	m, ok := b.requested(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", inert)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write(m.Raw)
}

func (b *Board) serveFile(w http.ResponseWriter, r *http.Request) {
	m, ok := b.requested(r)
	k, err := strconv.Atoi(r.PathValue("k"))
	if !ok || err != nil || k < 0 || k >= len(m.Files) {
		http.NotFound(w, r)
		return
	}
	f := m.Files[k]
	w.Header().Set("Content-Security-Policy", inert)
	w.Header().Set("Content-Type", f.Media)
	w.Header().Set("Content-Disposition", disposition(f))
	w.Write(f.Body)
}

// inert keeps a file that is opened by itself from doing anything.
const inert = "default-src 'none'; sandbox"

// disposition says what to do with a file: only a picture is shown.
func disposition(f File) string {
	how := "attachment"
	if f.Picture() {
		how = "inline"
	}
	name := path.Base(f.Name)
	if name == "." || name == "/" {
		return how
	}
	if s := mime.FormatMediaType(how, map[string]string{"filename": name}); s != "" {
		return s
	}
	return how
}

func clock(t time.Time) string { return t.Format("15:04:05") }

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) }
