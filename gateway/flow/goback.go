package flow

import (
	"context"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize/format"
)

// left returns the person of the request's chain who does not stand any more: what
// was approved an hour ago by somebody who was dismissed since is not carried out.
func (w *release) left(ctx context.Context) (string, error) {
	if w.flow.People == nil {
		return "", nil
	}
	now, err := gateway.Gather(ctx, w.flow.People, w.req.Chain())
	if err != nil {
		return "", err
	}
	return w.req.Left(now), nil
}

// goBack ends the request and its job without a mail; the part is held still, and
// may be asked for anew.
func (w *release) goBack(ctx context.Context, who string) error {
	req, err := w.req.GoBack(who, w.now)
	if err != nil {
		return err
	}
	back, err := w.flow.Scribe.System("release.sent_back", audit.Success, func(e *audit.Event) {
		gateway.RecordRequest(e, req, w.item, w.edition)
		e.Decision.ReasonCode = string(quarantine.PersonLeft)
		e.Mail = audit.Mail{Recipients: gateway.AuditRecipients(req.To())}
	})
	if err != nil {
		return err
	}
	if err := w.flow.Scribe.CommitReason(&back, req.Decisions[len(req.Decisions)-1].Reason); err != nil {
		return err
	}
	ended, err := w.flow.Scribe.System("job.failed", audit.Failure, func(e *audit.Event) {
		w.fill(e)
		e.Decision.ReasonCode = string(quarantine.PersonLeft)
	})
	if err != nil {
		return err
	}
	j := w.job
	j.State, j.EndedAt, j.Reason, j.Detail = gateway.JobFailed, w.now, string(format.ByPolicy), string(quarantine.PersonLeft)
	return w.flow.Ledger.Do(ctx, func(tx gateway.Tx) error {
		if err := tx.MoveRequest(req, back); err != nil {
			return err
		}
		return tx.EndJob(j, ended)
	})
}
