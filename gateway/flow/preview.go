package flow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
)

// Drawer draws a page of a part of a mail, as sanitize.Engine does.
type Drawer interface {
	Preview(ctx context.Context, in sanitize.Input, path string, page int64, b format.Budget) (sanitize.Preview, error)
}

const (
	// previewTime is how long one page may take: somebody waits for it.
	previewTime = time.Minute
	// PreviewLife is how long the picture of a page is kept.
	PreviewLife = 10 * time.Minute
)

// look is the work on one page that somebody wants to see.
type look struct {
	flow *Flow
	job  gateway.Job
	m    gateway.Message
	item quarantine.Item // zero for a part that is not held
}

// Preview draws one page that was asked for and reports whether there was any.
func (f *Flow) Preview(ctx context.Context) (bool, error) {
	return f.work(ctx, gateway.JobPreview, f.show)
}

// show does a preview to its end: the picture, or the reason why there is none.
// The error is of the machine; the page is then tried again while it is wanted.
func (f *Flow) show(ctx context.Context, j gateway.Job) error {
	l := &look{flow: f, job: j}
	var err error
	if l.m, err = f.Ledger.Message(ctx, j.Message); err != nil {
		return err
	}
	if j.Item != "" {
		if l.item, err = f.Ledger.Item(ctx, j.Item); err != nil {
			return err
		}
	}
	drawn, err := l.draw(ctx)
	var held *format.Error
	if errors.As(err, &held) {
		return l.fail(ctx, held.Reason.Listed(), held.Detail)
	}
	if err != nil {
		return err
	}
	defer drawn.Close()
	return l.keep(ctx, drawn)
}

// draw draws the page in the boxes. An *format.Error is why it is not to be had.
func (l *look) draw(ctx context.Context) (sanitize.Preview, error) {
	switch {
	case l.m.Blob == "" || l.item.ID != "" && l.item.State != quarantine.Held:
		return sanitize.Preview{}, format.Hold(format.Internal, "the part is gone")
	case !l.flow.Scribe.Clock().Before(l.job.Preview.ExpiresAt):
		return sanitize.Preview{}, format.Hold(format.LimitTime, "it waited too long")
	case l.job.Lost >= maxLost:
		return sanitize.Preview{}, format.Hold(format.CrashLoop, "the gateway died of it")
	}
	data, err := l.flow.original(ctx, l.m)
	if err != nil {
		return sanitize.Preview{}, err
	}
	defer data.Close()
	rules := l.flow.Policy().For(l.recipient())
	b := sanitize.BudgetOf(rules)
	b.Deadline = time.Now().Add(min(rules.Limits.Time, previewTime))
	in := sanitize.Input{Kind: format.Mail, Data: data, Rules: rules, Authserv: l.flow.Authserv}
	drawn, err := l.flow.Pages.Preview(ctx, in, l.job.Preview.Part, l.job.Preview.Page, b)
	if err != nil {
		return sanitize.Preview{}, err
	}
	if l.item.Sum != [32]byte{} && l.item.Path == l.job.Preview.Part && drawn.Original != l.item.Sum {
		drawn.Close()
		return sanitize.Preview{}, format.Hold(format.Internal, "another part is in its place")
	}
	return drawn, nil
}

// recipient is whose policy says how pages are drawn.
func (l *look) recipient() string {
	if l.item.ID != "" {
		return l.item.Recipient
	}
	return append(l.m.Envelope.To, "")[0]
}

// keep stores the picture and ends the job.
func (l *look) keep(ctx context.Context, drawn sanitize.Preview) error {
	name, err := l.flow.Previews.Put(ctx, func(w io.Writer) error {
		_, err := io.Copy(w, drawn.Reader())
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the picture of a page: %w", err)
	}
	j, now := l.job, l.flow.Scribe.Clock()
	j.State, j.EndedAt = gateway.JobDone, now
	j.Preview.Pages, j.Preview.Blob, j.Preview.Size, j.Preview.Sum = drawn.Pages, name, drawn.Size(), drawn.Sum()
	j.Preview.ExpiresAt = now.Add(PreviewLife)
	r, err := l.record("job.done", audit.Success, "", fmt.Sprintf("%d of %d", drawn.Page, drawn.Pages))
	if err != nil {
		return errors.Join(err, l.flow.Previews.Delete(context.WithoutCancel(ctx), name))
	}
	unknown, err := l.flow.do(ctx, func(tx gateway.Tx) error { return tx.EndJob(j, r) })
	if err != nil && !unknown {
		err = errors.Join(err, l.flow.Previews.Delete(context.WithoutCancel(ctx), name))
	}
	return err
}

// fail ends the job with the reason why there is no picture.
func (l *look) fail(ctx context.Context, why format.Reason, detail string) error {
	j, now := l.job, l.flow.Scribe.Clock()
	j.State, j.EndedAt, j.Reason, j.Detail = gateway.JobFailed, now, string(why), audit.Clean(detail, 1024)
	j.Preview.ExpiresAt = now.Add(PreviewLife)
	r, err := l.record("job.failed", audit.Failure, string(why), strconv.FormatInt(j.Preview.Page, 10))
	if err != nil {
		return err
	}
	return l.flow.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.EndJob(j, r) })
}

func (l *look) record(v audit.Verb, o audit.Outcome, reason, page string) (gateway.Record, error) {
	return l.flow.Scribe.System(v, o, func(e *audit.Event) {
		e.Object = audit.Object{Type: "job", ID: string(l.job.ID), ReceiptNo: l.m.Receipt, Part: l.job.Preview.Part}
		e.Decision = audit.Decision{Form: string(gateway.JobPreview), ReasonCode: reason}
		e.Change = audit.Change{Path: "page", After: page}
	})
}
