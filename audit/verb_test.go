package audit

import (
	"regexp"
	"strings"
	"testing"
)

func TestVerbTable(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+(\.[a-z]+(_[a-z]+)*)$`)
	seen := map[Verb]bool{}
	for _, v := range Verbs() {
		if seen[v.Verb] || !form.MatchString(string(v.Verb)) || v.JA == "" || v.EN == "" || len(v.Articles) == 0 {
			t.Errorf("verb %+v", v)
		}
		seen[v.Verb] = true
		if strings.ContainsFunc(v.JA, notJIS) || strings.ContainsAny(v.JA, "放検") && (strings.Contains(v.JA, "解放") || strings.Contains(v.JA, "検疫")) {
			t.Errorf("%s: %q", v.Verb, v.JA)
		}
		e := fullEvent()
		e.Verb, e.Articles, e.Checkpoint = v.Verb, v.Articles, Signed{}
		if err := e.Validate(); err != nil {
			t.Error(err)
		}
		if !v.Verb.Known() {
			t.Errorf("%s is not known", v.Verb)
		}
	}
	// UX-AUDIT section 5 without part.verified_passed, and the additions of the decisions.
	for _, group := range []string{
		"message.received|sanitized|delivered|deferred|rejected|viewed", "part.textized|rasterized|reconstructed|stripped|quarantined|failed",
		"archive.unlock_attempted", "preview.page_rendered", "release.requested|approved|denied|sent_back|withdrawn|expired|executed",
		"exception.opened|used|ended", "outbound.held|confirmed|approved|denied|cancelled|split", "original.exported|purged",
		"policy.drafted|dry_run|approved|applied|rolled_back", "user.created|changed|disabled|imported",
		"auth.succeeded|failed|locked|unlocked|step_up", "session.revoked", "authz.denied",
		"audit.heartbeat|checkpoint|anchored|anchor_failed|exported|verified", "retention.purged",
		"system.started|stopped|clock_changed|engine_updated|backup|restored",
		"delivery.created|sealed", "relay.intent|relayed|deferred|failed", "item.held|released|discarded|expired",
		"job.requested|done|failed", "zone.refused", "notice.stopped|resumed", "key.created|rotated",
	} {
		noun, acts, _ := strings.Cut(group, ".")
		for act := range strings.SplitSeq(acts, "|") {
			if v := Verb(noun + "." + act); !seen[v] {
				t.Errorf("%s is missing", v)
			} else {
				delete(seen, v)
			}
		}
	}
	if len(seen) > 0 {
		t.Errorf("verbs that nobody decided: %v", seen)
	}
	if _, ok := Verb("part.verified_passed").Info(); ok || Verb("").Known() {
		t.Error("unknown verb has a description")
	}
}

// notJIS reports characters that are certainly outside JIS X 0208 with ASCII.
func notJIS(r rune) bool {
	switch {
	case r >= ' ' && r <= '~', r >= 0x3041 && r <= 0x3093, r >= 0x30a1 && r <= 0x30f6, r >= 0x4e00 && r <= 0x9fa0:
		return false
	case r >= 0xff01 && r <= 0xff5e:
		return strings.ContainsRune("＂＇－～", r)
	}
	return !strings.ContainsRune("、。・ー「」『』々　", r)
}

func TestJapaneseTexts(t *testing.T) {
	var texts []string
	for _, c := range []Code{FaultRecord, FaultSequence, FaultSegment, FaultRoot, FaultCut, FaultCheckpoint, FaultTile, FaultAnchor, FaultRetention,
		FaultForeign, FaultSilence, FaultClock, FaultEnd, FaultUnsigned, FaultNoAnchor} {
		if c.JA() == Code("x").JA() {
			t.Errorf("%s has no Japanese", c)
		}
		texts = append(texts, c.JA())
		for _, seq := range []int64{-1, 3} {
			r := Report{Faults: []Fault{{c, seq, seq + 5, "segments/2026-11.jsonl"}}}
			r.judge()
			texts = append(texts, r.JA())
		}
	}
	texts = append(texts, Report{}.JA(), Report{Verdict: Intact}.JA())
	for _, o := range []Outcome{Success, Failure, Denied, Pending} {
		texts = append(texts, o.JA())
	}
	for _, c := range columns {
		texts = append(texts, c.ja)
	}
	for _, s := range texts {
		if i := strings.IndexFunc(s, notJIS); i >= 0 {
			t.Errorf("%q has %q", s, s[i:])
		}
	}
}
