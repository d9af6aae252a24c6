package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/quarantine"
	"sekisho/sanitize/format"
)

const (
	// previewWait is how long a page may wait to be drawn before nobody wants it.
	previewWait = 2 * time.Minute
	// maxPreviews is how many pages of one person wait at once.
	maxPreviews = 8
	// maxShowing is how many pictures are read at once: each is in memory whole, so
	// that nothing goes out that was not drawn.
	maxShowing = 4
	// maxPicture bounds the picture of a page in bytes.
	maxPicture = 64 << 20
	// previewPoll is when to ask again about a page that is being drawn.
	previewPoll = time.Second
)

// previewView is a page that somebody asked to see.
type previewView struct {
	ID        string    `json:"id"`
	Item      string    `json:"item,omitempty"`
	Message   string    `json:"message"`
	Part      string    `json:"part" doc:"Place in the mail, empty for the whole mail"`
	Page      int64     `json:"page"`
	Pages     int64     `json:"pages,omitempty" doc:"Of the document, once the page is drawn"`
	State     string    `json:"state" enum:"requested,done"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at" doc:"When it is forgotten"`
}

func viewPreview(j gateway.Job) previewView {
	return previewView{ID: string(j.ID), Item: j.Item, Message: string(j.Message), Part: j.Preview.Part, Page: j.Preview.Page, Pages: j.Preview.Pages,
		State: string(j.State), CreatedAt: j.CreatedAt, ExpiresAt: j.Preview.ExpiresAt}
}

type previewInput struct {
	Body struct {
		Item    string `json:"item,omitempty" maxLength:"64" doc:"Id of a held part; or message and part"`
		Message string `json:"message,omitempty" maxLength:"64"`
		Part    string `json:"part,omitempty" maxLength:"128" pattern:"^([1-9][0-9]{0,4}(\\.[1-9][0-9]{0,4})*)?$" doc:"Place in the mail"`
		Page    int64  `json:"page" minimum:"1" maximum:"100000"`
	}
}

type previewAsked struct {
	Location string `header:"Location"`
	Body     previewView
}

type previewOutput struct{ Body previewView }

type pictureInput struct {
	IDInput
	None string `header:"If-None-Match"`
}

// pictureOutput is a PNG that we wrote from pixels.
type pictureOutput struct {
	Status int
	Type   string `header:"Content-Type"`
	ETag   string `header:"ETag"`
	Cache  string `header:"Cache-Control"`
	Origin string `header:"Cross-Origin-Resource-Policy"`
	Body   []byte
}

func (a *API) addPreviews() {
	look := account.PreviewParts
	add(a, route{method: "POST", path: "/previews", id: "askPreview", summary: "Ask to see a page of an original as a picture", cap: look, status: http.StatusAccepted},
		a.askPreview)
	add(a, route{method: "GET", path: "/previews/{id}", id: "getPreview", summary: "Is the page drawn? Problem with the reason when it cannot be", cap: look},
		func(ctx context.Context, q asked, in *IDInput) (*previewOutput, error) {
			j, _, err := a.preview(ctx, q, in.ID)
			return &previewOutput{viewPreview(j)}, err
		})
	add(a, route{method: "GET", path: "/previews/{id}/picture", id: "getPicture", summary: "The page as PNG; who looked is on record", cap: look, media: "image/png"},
		a.picture)
}

// seen is what somebody looks at.
type seen struct {
	m    gateway.Message
	item quarantine.Item // zero where nothing is held
	part string
	to   []string // the recipients within the person's reach: it is their mail that is looked at
}

// previewSight is whose mail the person may look at; staff only where the office
// lets them.
func (a *API) previewSight(ctx context.Context, q asked) (sight, error) {
	far, err := q.who.Reach(account.PreviewParts, a.c.Accounts.Now())
	if err != nil {
		return sight{}, err
	}
	if far == account.Own && a.c.NoOwnPreviews {
		return sight{}, account.ErrDenied
	}
	return a.sight(ctx, q, account.PreviewParts)
}

// heldPart finds a held part within reach.
func (a *API) heldPart(ctx context.Context, q asked, s sight, id string) (seen, error) {
	i, err := a.judged(ctx, q, s, id)
	if err != nil {
		return seen{}, err
	}
	m, err := a.c.Ledger.Message(ctx, gateway.ID(i.Message))
	if err == nil && (i.State != quarantine.Held || m.Blob == "") {
		err = errGone
	}
	return seen{m, i, i.Path, []string{i.Recipient}}, err
}

// mailPart finds a part of a mail within reach. Where it, or what it is in, is
// held for one of its recipients, it is looked at as that; where it was and is no
// more, it is gone.
func (a *API) mailPart(ctx context.Context, s sight, message, part string) (seen, error) {
	m, err := a.message(ctx, s, message)
	if err != nil {
		return seen{}, err
	}
	x := seen{m: m, part: part, to: slices.DeleteFunc(slices.Clone(m.Envelope.To), func(to string) bool { return !s.sees(to) })}
	known := false
	for _, to := range slices.Clone(x.to) {
		items, err := a.c.Ledger.Items(ctx, gateway.ItemQuery{Message: m.ID, Recipient: to, Limit: maxParts})
		if err != nil {
			return seen{}, err
		}
		for _, i := range items {
			if !within(part, i.Path) {
				continue
			}
			known = true
			if i.State == quarantine.Held && (x.item.ID == "" || len(i.Path) > len(x.item.Path)) {
				x.item, x.to = i, []string{i.Recipient}
			}
		}
	}
	if m.Blob == "" || known && x.item.ID == "" {
		err = errGone
	}
	return x, err
}

// maxParts is more than one recipient's held parts of one mail (flow bounds them).
const maxParts = 10_000

// within reports whether a part is another or lies inside of it.
func within(part, outer string) bool {
	return outer == "" || part == outer || strings.HasPrefix(part, outer+".")
}

func (a *API) askPreview(ctx context.Context, q asked, in *previewInput) (*previewAsked, error) {
	s, err := a.previewSight(ctx, q)
	if err != nil {
		return nil, err
	}
	b := in.Body
	if (b.Item == "") == (b.Message == "") || b.Item != "" && b.Part != "" {
		return nil, invalid(q, "body.item")
	}
	var x seen
	if b.Item != "" {
		x, err = a.heldPart(ctx, q, s, b.Item)
	} else {
		x, err = a.mailPart(ctx, s, b.Message, b.Part)
	}
	if err != nil {
		return nil, a.goneAs(q, err)
	}
	j, err := a.want(ctx, q, x, b.Page)
	if err != nil {
		return nil, err
	}
	return &previewAsked{Location: Prefix + "/previews/" + string(j.ID), Body: viewPreview(j)}, nil
}

// want makes the job, or finds the one that the person has of the same page.
func (a *API) want(ctx context.Context, q asked, x seen, page int64) (gateway.Job, error) {
	now := a.c.Accounts.Now()
	mine, err := a.c.Ledger.Jobs(ctx, gateway.JobQuery{Kind: gateway.JobPreview, By: q.who.ID(), States: []gateway.JobState{gateway.JobWaiting, gateway.JobDone}})
	if err != nil {
		return gateway.Job{}, err
	}
	waiting := 0
	for _, j := range mine {
		p := j.Preview
		if j.Message == x.m.ID && j.Item == x.item.ID && p.Part == x.part && p.Page == page && now.Before(p.ExpiresAt) {
			return j, nil
		}
		if j.State == gateway.JobWaiting {
			waiting++
		}
	}
	if waiting >= maxPreviews {
		return gateway.Job{}, a.wait(q, previewPoll)
	}
	id, err := gateway.NewID(a.c.Scribe.Random)
	if err != nil {
		return gateway.Job{}, err
	}
	j := gateway.Job{ID: id, Kind: gateway.JobPreview, Message: x.m.ID, Item: x.item.ID, By: q.who.ID(), State: gateway.JobWaiting, CreatedAt: now, NextAt: now,
		Preview: gateway.PagePreview{Part: x.part, Page: page, ExpiresAt: now.Add(previewWait)}}
	r, err := a.record(q, "job.requested", func(e *audit.Event) {
		e.Outcome = audit.Pending
		e.Object = audit.Object{Type: "job", ID: string(id), ReceiptNo: x.m.Receipt, Part: x.part}
		e.Decision.Form = string(gateway.JobPreview)
		e.Change = audit.Change{Path: "page", After: fmt.Sprint(page)}
	})
	if err != nil {
		return gateway.Job{}, err
	}
	if err := a.c.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.AddJob(j, r) }); err != nil {
		return gateway.Job{}, err
	}
	if a.c.WakePreview != nil {
		a.c.WakePreview()
	}
	return j, nil
}

// preview finds what the person asked to see, and whether they may see it still.
func (a *API) preview(ctx context.Context, q asked, id string) (gateway.Job, seen, error) {
	s, err := a.previewSight(ctx, q)
	if err != nil {
		return gateway.Job{}, seen{}, err
	}
	j, err := a.c.Ledger.Job(ctx, gateway.ID(id))
	if err == nil && (j.Kind != gateway.JobPreview || j.By != q.who.ID()) {
		err = account.ErrNotFound
	}
	if err != nil {
		return gateway.Job{}, seen{}, err
	}
	var x seen
	if j.Item != "" {
		x, err = a.heldPart(ctx, q, s, j.Item)
	} else {
		x, err = a.mailPart(ctx, s, string(j.Message), j.Preview.Part)
	}
	if err == nil && !a.c.Accounts.Now().Before(j.Preview.ExpiresAt) {
		err = errGone
	}
	if err == nil && j.State == gateway.JobFailed {
		err = undrawn(format.Reason(j.Reason), q.accept)
	}
	return j, x, a.goneAs(q, err)
}

// errGone says that there is nothing to look at any more.
var errGone = errors.New("api: the part or its picture is gone")

func (a *API) goneAs(q asked, err error) error {
	if errors.Is(err, errGone) {
		return problem(codeGone, q.accept)
	}
	return err
}

// undrawn is why there is no picture. What a box said of it stays inside: its
// words are the attacker's.
func undrawn(r format.Reason, accept string) *Problem {
	t := r.Text()
	p := &Problem{Type: "urn:sekisho:problem:" + string(r.Listed()), Status: http.StatusUnprocessableEntity, Code: string(r.Listed()),
		Title: "No picture could be made: " + t.EN + ". Do not open the original.", Next: t.NextEN()}
	if japanese(accept) {
		p.Title, p.Next = t.JA+"ため、画像にできませんでした。原本は開かないでください。", t.Next
	}
	return p
}

// picture answers with the page. That it was shown is on record before it is.
func (a *API) picture(ctx context.Context, q asked, in *pictureInput) (*pictureOutput, error) {
	j, x, err := a.preview(ctx, q, in.ID)
	if err != nil {
		return nil, err
	}
	if j.State != gateway.JobDone {
		p := problem(codeDrawing, q.accept)
		p.wait = previewPoll
		return nil, p
	}
	select {
	case a.showing <- struct{}{}:
		defer func() { <-a.showing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	png, err := a.pixels(ctx, j)
	if errors.Is(err, gateway.ErrNotFound) {
		return nil, problem(codeGone, q.accept)
	}
	if err != nil {
		return nil, err
	}
	if err := a.shown(ctx, q, j, x); err != nil {
		return nil, err
	}
	out := &pictureOutput{Status: http.StatusOK, Type: "image/png", ETag: `"` + hex.EncodeToString(j.Preview.Sum[:]) + `"`, Cache: "private, no-store",
		Origin: "same-origin", Body: png}
	if in.None == out.ETag {
		out.Status, out.Body = http.StatusNotModified, nil
	}
	return out, nil
}

// pixels reads a picture. Whoever can write to the disk can put another one there.
func (a *API) pixels(ctx context.Context, j gateway.Job) ([]byte, error) {
	r, err := a.c.Previews.Open(ctx, j.Preview.Blob)
	if err != nil {
		return nil, fmt.Errorf("open the picture of a page: %w", err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, min(j.Preview.Size, maxPicture)+1))
	if err != nil {
		return nil, fmt.Errorf("read the picture of a page: %w", err)
	}
	if sha256.Sum256(b) != j.Preview.Sum {
		return nil, errors.New("read the picture of a page: it is not the one that was drawn")
	}
	return b, nil
}

// shown records that somebody looked, in the history of those whose mail it is.
func (a *API) shown(ctx context.Context, q asked, j gateway.Job, x seen) error {
	r, err := a.record(q, "preview.page_rendered", func(e *audit.Event) {
		e.Object = x.m.Object()
		e.Object.Part = x.part
		if x.item.ID != "" {
			e.Object = gateway.ItemObject(x.item)
			e.Object.Part = x.part
		}
		e.Object.Sanitized = gateway.Hex(j.Preview.Sum)
		e.Mail.Recipients = gateway.AuditRecipients(x.to)
		e.Change = audit.Change{Path: "page", After: fmt.Sprintf("%d of %d", j.Preview.Page, j.Preview.Pages)}
	})
	if err != nil {
		return err
	}
	return a.c.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.NoteOn(x.m.ID, r) })
}
