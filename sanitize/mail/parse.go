package mail

import (
	"context"
	"fmt"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/plaintext"
)

// Parse reads a mail and emits its values: numbers and notes, then date,
// addresses and fields of the allow-list, then texts and children in reading
// order. It runs in the box.
//
// The error is an *format.Error when the mail must be held: limit_size for
// headers (256 KiB each, 1 MiB in all), limit_depth (20 multiparts), limit_count
// (500 parts), limit_expanded (in.Budget.Bytes decoded bytes), mail_loop,
// fragment for a message/partial, limit_time when ctx is over, malformed for
// bytes that are no mail at all. Any other error is that of out. What was emitted before an error says
// which mail it was, and MUST NOT be built from. in.Self MUST be set for root
// mails only: an attached copy of a mail that has passed here is no loop.
func Parse(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	r := &parseRun{in: in, out: out, notes: &parseNotes{}, clean: &parseCleaner{}}
	root, count, err := mimeTree(ctx, in.Data, r.notes)
	if err != nil {
		return fmt.Errorf("read the MIME structure: %w", err)
	}
	if len(root.hdr.fields) == 0 && !parseLooksText(in.Data) {
		return format.Hold(format.Malformed, "no mail header and no text")
	}
	received, own := hdrTrace(&root.hdr, in.Self)
	if own || received > hdrMaxReceived {
		return r.held(&root.hdr, format.Hold(format.MailLoop, fmt.Sprintf("%d hops", received)))
	}
	if root.media == "message/partial" {
		return r.held(&root.hdr, format.Hold(format.FragmentOfMail, parseParam(root.ctype.params, "number")))
	}
	w := bodyWalker{ctx: ctx, in: in, notes: r.notes, clean: r.clean, count: count,
		cids: map[string]bool{}, invited: map[string]bool{}}
	items, err := w.walk(root, bodyPlace{root: true})
	if err != nil {
		return r.held(&root.hdr, fmt.Errorf("read the parts: %w", err))
	}
	head := r.header(&root.hdr)
	html := r.findings(items, &w)
	r.write(ir.Number{Name: ir.NumberReceived, N: received})
	r.write(ir.Number{Name: ir.NumberHTML, N: html})
	r.trail()
	for _, v := range head {
		r.write(v)
	}
	return r.body(items, &w)
}

// held emits the header before err: the recipient is told of a held mail by its
// sender and subject (DECISIONS 11).
func (r *parseRun) held(h *hdrBlock, err error) error {
	for _, v := range r.header(h) {
		r.write(v)
	}
	return err
}

// parseRun is one Parse; after an error of out nothing more is written.
type parseRun struct {
	in    format.Untrusted
	out   *ir.Writer
	notes *parseNotes
	clean *parseCleaner
	err   error
}

func (r *parseRun) write(v ir.Value) {
	if r.err == nil {
		r.err = r.out.Write(v)
	}
}

// header decodes what crosses of the header.
func (r *parseRun) header(h *hdrBlock) []ir.Value {
	var out []ir.Value
	if raw := h.first("date"); raw != nil {
		if d, ok := hdrDate(raw); ok {
			out = append(out, d)
		} else {
			r.notes.add("mime_defect", "message", "unreadable date")
		}
	}
	var from []ir.Address
	left := hdrMaxAddresses
	for _, f := range hdrAddressFields {
		for _, raw := range h.all(f.field) {
			list, more := hdrAddresses(raw, left)
			left -= len(list)
			if more {
				r.notes.add("header_dropped", "message", fmt.Sprintf("more than %d addresses", hdrMaxAddresses))
			}
			for _, a := range list {
				box := hdrMailbox(a, f.role, r.clean)
				if box.Name == "" && box.Addr == "" {
					continue
				}
				if f.role == ir.RoleFrom {
					from = append(from, box)
				}
				out = append(out, box)
			}
		}
	}
	for _, f := range hdrFields(h, r.clean) {
		out = append(out, f)
	}
	if v := hdrAuthResult(h, r.in.Authserv, from); v != "" {
		out = append(out, ir.Field{Name: ir.FieldAuthResult, Value: parseCut(v, 200)})
	}
	r.headerNotes(h)
	return out
}

// headerNotes notes what of the header is dropped and worth a word.
func (r *parseRun) headerNotes(h *hdrBlock) {
	for _, name := range []string{"disposition-notification-to", "return-receipt-to", "x-confirm-reading-to"} {
		if h.has(name) {
			r.notes.add("receipt_request", "message", name)
			break
		}
	}
	for _, name := range []string{"from", "subject", "date", "message-id"} {
		if h.count(name) > 1 {
			r.notes.add("mime_defect", "message", "several "+name+" fields")
		}
	}
}

// findings moves the notes of the chosen texts to the list and returns 1 when
// one of them came from HTML.
func (r *parseRun) findings(items []bodyItem, w *bodyWalker) int64 {
	var html int64
	shown := false
	for _, it := range items {
		for _, n := range it.notes {
			r.notes.add(n.Code, n.Where, n.Detail)
		}
		if it.child != nil {
			continue
		}
		r.clean.add(it.clean)
		if it.text == "" {
			continue // only its notes
		}
		if it.role != ir.RoleCalendar {
			shown = true
		}
		if it.kind == bodyHTML {
			html = 1
		}
	}
	switch {
	case shown:
	case w.unreadable:
		r.notes.add("body_unreadable", "message", "")
	default:
		r.notes.add("body_empty", "message", "")
	}
	return html
}

// trail emits all notes.
func (r *parseRun) trail() {
	for _, n := range r.clean.notes() {
		r.notes.add(n.Code, n.Where, n.Detail)
	}
	for _, n := range r.notes.list {
		r.write(n)
	}
}

// body emits texts and children in reading order.
func (r *parseRun) body(items []bodyItem, w *bodyWalker) error {
	var seq int64
	for _, it := range items {
		if err := plaintext.Alive(w.ctx); err != nil {
			return err
		}
		if it.child == nil && it.text == "" {
			continue
		}
		if it.child == nil {
			r.write(ir.Text{Role: it.role, Seq: seq, S: it.text})
			seq++
			continue
		}
		c := it.child
		if c.Role == ir.RoleAttachment && w.inline(c) {
			c.Role = ir.RoleInline
		}
		r.write(c.Child)
		r.write(ir.Data{B: c.data})
	}
	if r.err != nil {
		return fmt.Errorf("write values: %w", r.err)
	}
	return nil
}

// parseMaxNotes bounds the findings of one mail.
const parseMaxNotes = 200

// parseNotes collects findings, one for each code and place.
type parseNotes struct {
	list []ir.Note
	seen map[[2]string]bool
}

// add notes a finding; detail may quote hostile text.
func (n *parseNotes) add(code, where, detail string) {
	key := [2]string{code, where}
	if n.seen[key] || len(n.list) >= parseMaxNotes {
		return
	}
	if n.seen == nil {
		n.seen = map[[2]string]bool{}
	}
	n.seen[key] = true
	n.list = append(n.list, ir.Note{Code: code, Where: parseLine(where, 200), Detail: parseLine(detail, 500)})
}
