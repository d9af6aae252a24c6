package ir

// Op is what a worker is asked to do with the bytes that follow a Request.
type Op string

// The closed list of operations.
const (
	OpIdentify Op = "identify" // answer Kind
	OpParse    Op = "parse"    // answer the file's values
	OpLint     Op = "lint"     // answer Notes, and the attachments not in Known as Children
)

// Request is the one frame that goes into a box, followed by Data frames with
// the file's bytes and an End. It carries no secrets.
type Request struct {
	Op    Op
	Kind  string // for parse and lint
	Name  string // the sender's file name, cleaned
	Media string // the claimed type/subtype

	// Size is how many bytes follow, as a hint for memory.
	Size int64

	// Budget of this layer; see format.Budget.
	Bytes, Files, Pixels, Pages, Depth int64
	DeadlineUnixMilli                  int64

	// Options that Parse needs because text leaves the box ready made.
	Defang   bool   // write every link defanged, not only lying ones
	Self     string // our instance id, to see loops
	Authserv string // the upstream authserv-id whose Authentication-Results count

	// Options of kinds that are drawn; see format.Render.
	Method string
	DPI    int64
	Shade  string
	Layer  bool
	Page   int64

	// Which pages are asked for; see format.Part.
	From, Step, To, Whole int64

	// Known are the SHA-256 sums, 32 bytes each, of bodies already linted.
	Known []byte
}

func (v Request) encode(e *encoder) {
	for _, s := range []string{string(v.Op), v.Kind, v.Name, v.Media, v.Self, v.Authserv, v.Method, v.Shade} {
		e.str(s)
	}
	for _, n := range []int64{v.Bytes, v.Files, v.Pixels, v.Depth, v.DeadlineUnixMilli, v.DPI, v.Page, v.Size, v.Pages, v.From, v.Step, v.To, v.Whole} {
		e.num(n)
	}
	e.flag(v.Defang)
	e.flag(v.Layer)
	e.bytes(v.Known)
}

func decodeRequest(d *decoder) Value {
	var r Request
	r.Op = Op(d.str())
	for _, p := range []*string{&r.Kind, &r.Name, &r.Media, &r.Self, &r.Authserv, &r.Method, &r.Shade} {
		*p = d.str()
	}
	for _, p := range []*int64{&r.Bytes, &r.Files, &r.Pixels, &r.Depth, &r.DeadlineUnixMilli, &r.DPI, &r.Page, &r.Size, &r.Pages, &r.From, &r.Step, &r.To, &r.Whole} {
		*p = d.num()
	}
	r.Defang = d.flag()
	r.Layer = d.flag()
	r.Known = d.bytes()
	return r
}
