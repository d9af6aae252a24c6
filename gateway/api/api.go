package api

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/desk"
)

// Ledger is what the interface reads and changes.
type Ledger interface {
	gateway.Ledger
	gateway.Listing
}

// Config is what the interface needs.
type Config struct {
	Accounts *account.Service
	// Desk takes release requests and exceptions; nil where nobody carries them
	// out, and then there are no such routes.
	Desk   *desk.Desk
	Ledger Ledger
	// Previews has the pictures of pages that people look at; nil where nobody
	// draws them, and then there are no such routes. WakePreview tells who draws;
	// it may be nil.
	Previews    gateway.Blobs
	WakePreview func()
	// NoOwnPreviews keeps staff from looking at the originals of their own mail.
	NoOwnPreviews bool
	Scribe        gateway.Scribe
	Log           *slog.Logger
	// Plain is set when the listener has no TLS, which is for loopback alone:
	// cookies go without Secure then.
	Plain bool
	// Healthy reports why the log takes no records.
	Healthy func() error
	// Status are the conditions of readiness by name; nil holds.
	Status func(ctx context.Context) map[string]error
	// AuditFiles and AuditKeys are the log, for proofs and checkpoints.
	AuditFiles fs.FS
	AuditKeys  audit.Keys
	Version    string
}

// API answers requests below Prefix.
type API struct {
	c                 Config
	mux               *http.ServeMux
	routes            map[string]route
	huma              huma.API
	strangers, limits *limits // by address, and by principal: no crowd of addresses fills the second
	// exporting has a place for each export that may run at once.
	exporting chan struct{}
	showing   chan struct{} // likewise for pictures
}

// Prefix is where the interface begins.
const Prefix = "/api/v1"

// route is one row of what can be asked.
type route struct {
	method, path string
	id           string
	summary      string
	cap          account.Capability
	open         bool // needs no session
	moves        bool // moves mail: an Idempotency-Key is required
	versioned    bool // changes a version: If-Match is required
	waits        bool // may wait for a second person: 202 then
	status       int  // of success, 0: 200, or 204 without a body
	body         int64
	media        string // of an answer that is a file; several with commas
}

func (r route) pattern() string { return r.method + " " + Prefix + r.path }

func (r route) safe() bool { return r.method == http.MethodGet }

// New returns the interface.
func New(c Config) *API {
	a := &API{c: c, mux: http.NewServeMux(), routes: map[string]route{}, strangers: newLimits(c.Scribe.Clock, maxLimited), limits: newLimits(c.Scribe.Clock, maxLimited),
		exporting: make(chan struct{}, maxExports), showing: make(chan struct{}, maxShowing)}
	h := huma.DefaultConfig("sekisho", "1")
	h.OpenAPIPath, h.DocsPath, h.SchemasPath = "", "", ""
	h.CreateHooks = nil // no $schema in answers
	h.Formats = strictFormats(h.Formats)
	h.Transformers = []huma.Transformer{calm}
	h.Info.Description = "関所 (sekisho): the gateway's REST interface. Times are RFC 3339; lists go from the newest to the oldest."
	h.Servers = []*huma.Server{{URL: Prefix}}
	h.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: cookieName(false), Description: "With X-CSRF-Token on whatever is not GET"},
		"token":   {Type: "http", Scheme: "bearer"},
	}
	a.huma = humago.NewWithPrefix(a.mux, Prefix, h)
	a.addSessions()
	a.addMe()
	a.addMail()
	a.addItems()
	if c.Desk != nil {
		a.addReleases()
		a.addExceptions()
	}
	if c.Previews != nil {
		a.addPreviews()
	}
	a.addUsers()
	a.addRoles()
	a.addDepartments()
	a.addTokens()
	a.addAudit()
	a.addExports()
	return a
}

// OpenAPI returns the description as YAML.
func (a *API) OpenAPI() ([]byte, error) { return a.huma.OpenAPI().YAML() }

// Routes returns the method, path and capability of each route, in order.
func (a *API) Routes() []Route {
	var out []Route
	for _, r := range a.routes {
		out = append(out, Route{Method: r.method, Path: Prefix + r.path, ID: r.id, Capability: r.cap, Open: r.open})
	}
	slices.SortFunc(out, func(x, y Route) int {
		if x.Path != y.Path {
			if x.Path < y.Path {
				return -1
			}
			return 1
		}
		return slices.Index(methods, x.Method) - slices.Index(methods, y.Method)
	})
	return out
}

// methods in the order of Routes. Nothing writes to it.
var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// Route describes one route.
type Route struct {
	Method, Path, ID string
	Capability       account.Capability
	Open             bool
}

// calm takes what the library would say of a wrong request, which quotes it,
// and says where the fault is instead.
func calm(ctx huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	code := codeInvalid
	switch e.Status {
	case http.StatusRequestEntityTooLarge:
		code = codeTooLarge
	case http.StatusInternalServerError:
		code = codeInternal
	}
	p := problem(code, ctx.Header("Accept-Language"))
	p.Status = e.Status
	for _, d := range e.Errors {
		if d != nil && d.Location != "" && len(p.Fields) < 20 {
			p.Fields = append(p.Fields, d.Location)
		}
	}
	return p, nil
}

// asked is what handlers know of the request.
type asked struct {
	who    account.Principal
	secret string // of the session
	accept string // Accept-Language
	ip     string
	agent  string
	// browser is what the browser keeps of its last sign-in.
	browser string
}

type askedKey struct{}

func from(ctx context.Context) asked {
	v, _ := ctx.Value(askedKey{}).(asked)
	return v
}

// add makes one route.
func add[I, O any](a *API, r route, h func(context.Context, asked, *I) (*O, error)) {
	a.routes[r.pattern()] = r
	op := huma.Operation{Method: r.method, Path: r.path, OperationID: r.id, Summary: r.summary, DefaultStatus: r.status, MaxBodyBytes: max(r.body, defaultBody),
		Tags: []string{tag(r.path)}, Responses: map[string]*huma.Response{"default": a.problemResponse()},
		Extensions: map[string]any{}}
	if r.open {
		op.Security = []map[string][]string{}
	} else {
		op.Security = []map[string][]string{{"session": {}}, {"token": {string(r.cap)}}}
		op.Extensions["x-capability"] = string(r.cap)
	}
	if r.media != "" {
		ok := &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{}}
		for kind := range strings.SplitSeq(r.media, ",") {
			ok.Content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
		}
		op.Responses[strconv.Itoa(http.StatusOK)] = ok
	}
	if r.moves {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Required: true, Schema: &huma.Schema{Type: "string"}})
	}
	if r.versioned {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "If-Match", In: "header", Required: true, Schema: &huma.Schema{Type: "string"}})
	}
	if r.waits {
		op.Responses[strconv.Itoa(http.StatusAccepted)] = &huma.Response{Description: "It waits for a second person"}
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		q := from(ctx)
		out, err := h(ctx, q, in)
		if err == nil {
			return out, nil
		}
		p, known := explain(err, q.accept)
		if !known {
			a.c.Log.Error("api", "operation", r.id, "error", err)
		}
		if errors.Is(err, account.ErrDenied) {
			p = a.denied(ctx, r, q, p)
		}
		if p.wait > 0 {
			return nil, huma.ErrorWithHeaders(p, http.Header{"Retry-After": {seconds(p.wait)}})
		}
		return nil, p
	})
}

// denied records a refusal because of who somebody is.
func (a *API) denied(ctx context.Context, r route, q asked, p *Problem) *Problem {
	if err := a.c.Accounts.Denied(ctx, q.who, r.id); err != nil {
		a.c.Log.Error("a refusal was not recorded", "error", err)
		return problem(codeAudit, q.accept)
	}
	return p
}

func (a *API) problemResponse() *huma.Response {
	return &huma.Response{Description: "A problem", Content: map[string]*huma.MediaType{
		"application/problem+json": {Schema: a.huma.OpenAPI().Components.Schemas.Schema(problemType, true, "Problem")},
	}}
}

// tag is the first word of a path.
func tag(path string) string {
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			return path[1:i]
		}
	}
	return path[1:]
}

// etag is a version as If-Match names it.
func etag(version int64) string { return `"v` + strconv.FormatInt(version, 10) + `"` }

// version reads what etag wrote; -1 when it is something else, which no version
// is.
func version(s string) int64 {
	if len(s) < 4 || s[:2] != `"v` || s[len(s)-1] != '"' {
		return -1
	}
	n, err := strconv.ParseInt(s[2:len(s)-1], 10, 64)
	if err != nil || n < 1 || etag(n) != s {
		return -1
	}
	return n
}

// Server is the interface behind a listener.
type Server struct{ http http.Server }

// Server returns the interface as a server; certificate is nil for a Plain one.
func (a *API) Server(certificate *tls.Config) *Server {
	return &Server{http.Server{Handler: a, TLSConfig: certificate, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 15 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(a.c.Log.Handler(), slog.LevelDebug)}}
}

// Serve answers on l until Shutdown.
func (s *Server) Serve(l net.Listener) error {
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(l, "", "")
	} else {
		err = s.http.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown stops the listener and waits for answers in hand until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

// problemType is described in the OpenAPI document. Nothing writes to it.
var problemType = reflect.TypeFor[Problem]()
