package mail

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// Limits of header values.
const (
	buildMaxFrom       = 10
	buildMaxSubject    = 1000 // characters
	buildMaxReferences = 50
	buildMaxReplies    = 10
	buildMaxMessageID  = 250 // bytes
	buildMaxLanguages  = 10
	buildDateTolerance = 7 * 24 * time.Hour // DECISIONS 14
)

// buildHeader holds every field of a mail as checked values or tokens. Empty
// ones are left out.
type buildHeader struct {
	host, receipt string // of Received; none without host
	receivedAt    time.Time

	date                      string
	from, sender, replyTo     []string
	to, cc                    []string
	subject                   []string
	messageID                 string
	inReplyTo, references     []string
	autoSubmitted, precedence string
	listID, importance        string
	language                  []string
	result                    []string

	findings []format.Finding // what was noticed on the way
}

// String writes the fields in the one order that the lint accepts, up to and
// without MIME-Version.
func (h *buildHeader) String() string {
	var b strings.Builder
	if h.host != "" {
		buildField(&b, "Received", []string{"from unspecified", "by " + h.host + " (sekisho)", "id " + h.receipt + ";",
			buildDate(h.receivedAt)})
	}
	rows := []struct {
		name   string
		tokens []string
	}{
		{"Date", buildOne(h.date)}, {"From", h.from}, {"Sender", h.sender}, {"Reply-To", h.replyTo}, {"To", h.to},
		{"Cc", h.cc}, {"Subject", h.subject}, {"Message-ID", buildOne(h.messageID)}, {"In-Reply-To", h.inReplyTo},
		{"References", h.references}, {"Auto-Submitted", buildOne(h.autoSubmitted)},
		{"Precedence", buildOne(h.precedence)}, {"List-Id", buildOne(h.listID)},
		{"Importance", buildOne(h.importance)}, {"Content-Language", h.language}, {"X-Sekisho-Result", h.result},
	}
	for _, r := range rows {
		buildField(&b, r.name, r.tokens)
	}
	return b.String()
}

func buildOne(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func buildDate(t time.Time) string { return t.Format("Mon, 02 Jan 2006 15:04:05 -0700") }

// buildHeaderOf judges the header values of a mail.
func buildHeaderOf(m *buildValues, c format.Construction) *buildHeader {
	h := &buildHeader{}
	h.setPeople(m, c)
	h.setDate(m, c.Facts)
	h.subject = buildUnstructured(buildCut(m.fields[ir.FieldSubject], buildMaxSubject))
	if ids := buildIDs(m.fields[ir.FieldMessageID], 1); len(ids) > 0 {
		h.messageID = ids[0]
	}
	h.inReplyTo = buildIDs(m.fields[ir.FieldInReplyTo], buildMaxReplies)
	h.references = buildIDs(m.fields[ir.FieldReferences], buildMaxReferences)
	h.autoSubmitted = buildChoice(m.fields[ir.FieldAutoSubmitted], "no", "auto-generated", "auto-replied", "auto-notified")
	h.precedence = buildChoice(m.fields[ir.FieldPrecedence], "bulk", "list", "junk")
	h.importance = buildChoice(m.fields[ir.FieldImportance], "high", "normal", "low")
	h.listID = buildListID(m.fields[ir.FieldListID])
	h.language = buildLanguages(m.fields[ir.FieldContentLanguage])
	if c.Facts != nil {
		h.setTrace(*c.Facts)
		if h.messageID == "" {
			h.messageID = buildMessageID("message", c.Facts)
		}
	}
	return h
}

// setTrace makes the mail a root mail.
// spec: rfc5321#4.4
func (h *buildHeader) setTrace(f format.Facts) {
	h.host = buildHost(f.Host)
	h.receipt = buildToken(f.ReceiptNo)
	h.receivedAt = f.ReceivedAt
}

// spec: rfc5322#3.6.2
func (h *buildHeader) setPeople(m *buildValues, c format.Construction) {
	from := h.people(m.boxes[ir.RoleFrom], c.Profile)
	if len(from) > 1 && !m.has("from_many") {
		h.note("from_many", "from", "")
	}
	if len(from) == 0 {
		from = []buildMailbox{{name: buildUnknownName, addr: buildUnknownAddr}}
		if !m.has("from_missing") {
			h.note("from_missing", "from", "")
		}
	}
	from = from[:min(len(from), buildMaxFrom)]
	sender := h.people(m.boxes[ir.RoleSender], c.Profile)
	if len(sender) == 0 && len(from) > 1 {
		sender = buildSender(from) // RFC 5322 section 3.6.2: several authors need a sender
	}
	h.from = buildBoxTokens(from)
	h.sender = buildBoxTokens(sender[:min(len(sender), 1)])
	h.replyTo = buildBoxTokens(h.people(m.boxes[ir.RoleReplyTo], c.Profile))
	h.to = buildBoxTokens(h.people(m.boxes[ir.RoleTo], c.Profile))
	h.cc = buildBoxTokens(h.people(m.boxes[ir.RoleCc], c.Profile))
	addr, own := buildOwnDomain(append(slices.Clone(from), sender...), c.Profile)
	if c.Facts != nil && own && m.fields[ir.FieldAuthResult] != "pass" && !m.has("own_domain") {
		h.note("own_domain", "from", addr)
	}
}

// buildSender chooses one of several authors: the last address that is one. The
// first is what programs show, and what a forger therefore claims.
func buildSender(from []buildMailbox) []buildMailbox {
	for _, b := range slices.Backward(from) {
		if b.addr != buildInvalidAddr && b.addr != buildUnknownAddr {
			return []buildMailbox{{addr: b.addr}}
		}
	}
	return from[:1]
}

// people judges the addresses of one role and notes an imitation.
func (h *buildHeader) people(list []ir.Address, p format.Profile) []buildMailbox {
	var boxes []buildMailbox
	for _, a := range list {
		b := buildBox(a, p.OwnDomains)
		if b.imitates {
			h.note("display_name", string(a.Role), buildCut(a.Name, buildQuotedMax)+" / "+b.addr)
		}
		boxes = append(boxes, b)
	}
	return boxes
}

func (h *buildHeader) note(code, where, detail string) {
	h.findings = append(h.findings, format.Finding{Code: code, Where: where, Detail: detail})
}

// setDate keeps the sender's date in the sender's zone, even when it is off. A
// root mail without a usable one gets the time of receipt; an attached mail
// then has none.
// spec: rfc5322#3.6.1
func (h *buildHeader) setDate(m *buildValues, f *format.Facts) {
	t, ok := buildInstant(m.date)
	switch {
	case ok && f == nil:
		h.date = buildDate(t)
	case ok && t.Before(f.ReceivedAt.AddDate(1, 0, 0)):
		h.date = buildDate(t)
		if d := t.Sub(f.ReceivedAt).Abs(); d > buildDateTolerance && !m.has("date_off") {
			h.note("date_off", "date", h.date)
		}
	case f != nil:
		h.date = buildDate(f.ReceivedAt)
		h.note("date_missing", "date", "")
	}
}

// buildInstant returns the sender's date when a person could have meant it:
// years 1980 to 2999, a zone of at most 14 hours.
func buildInstant(d *ir.Date) (time.Time, bool) {
	if d == nil {
		return time.Time{}, false
	}
	offset := d.Offset
	if offset < -14*60 || offset > 14*60 {
		offset = 0
	}
	t := time.Unix(d.Unix, 0).In(time.FixedZone("", int(offset)*60))
	return t, t.Year() >= 1980 && t.Year() <= 2999
}

// buildIDs returns at most limit valid message ids of s: the first one and the
// last ones.
func buildIDs(s string, limit int) []string {
	var ids []string
	for id := range strings.FieldsSeq(s) {
		if buildIsID(id) {
			ids = append(ids, id)
		}
	}
	if len(ids) > limit {
		ids = append(ids[:1], ids[len(ids)-limit+1:]...)
	}
	return ids
}

// buildIsID accepts the characters that message ids are made of in practice;
// quotes, comments and folding are left out.
//
// spec: rfc5322#3.6.4
func buildIsID(s string) bool {
	if len(s) < 5 || len(s) > buildMaxMessageID || s[0] != '<' || s[len(s)-1] != '>' {
		return false
	}
	inner := s[1 : len(s)-1]
	for _, c := range []byte(inner) {
		if !buildAlnum(c) && !strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~@[]:", rune(c)) {
			return false
		}
	}
	at := strings.IndexByte(inner, '@')
	return at > 0 && at < len(inner)-1 && !strings.Contains(inner, "=?")
}

// buildMessageID derives an id of our own; purpose keeps the ids of different
// mails about one message apart.
func buildMessageID(purpose string, f *format.Facts) string {
	sum := sha256.Sum256([]byte("sekisho message id\x00" + purpose + "\x00" + f.MessageID + "\x00" + f.ReceiptNo))
	return "<" + hex.EncodeToString(sum[:16]) + "@" + buildHost(f.Host) + ">"
}

// buildHost returns a configured host name, or a stand-in when it is none.
func buildHost(s string) string {
	if d, ok := buildDomain(s); ok {
		return d
	}
	return "localhost.invalid"
}

func buildChoice(s string, choices ...string) string {
	if slices.Contains(choices, s) {
		return s
	}
	return ""
}

// buildListID writes a list's identifier in brackets (RFC 2919 section 2).
func buildListID(s string) string {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">")
	if len(s) == 0 || len(s) > 200 || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..") {
		return ""
	}
	for _, c := range []byte(s) {
		if !buildAlnum(c) && !strings.ContainsRune(".-_+=", rune(c)) {
			return ""
		}
	}
	return "<" + s + ">"
}

// buildLanguages writes language tags (RFC 5646 in shape).
func buildLanguages(s string) []string {
	var tags []string
	for t := range strings.SplitSeq(s, ",") {
		t = strings.TrimSpace(t)
		if len(tags) < buildMaxLanguages && buildIsLanguage(t) {
			tags = append(tags, t)
		}
	}
	for i := range len(tags) - 1 {
		tags[i] += ","
	}
	return tags
}

func buildIsLanguage(s string) bool {
	if len(s) > 35 {
		return false
	}
	for sub := range strings.SplitSeq(s, "-") {
		if sub == "" || len(sub) > 8 {
			return false
		}
		for _, c := range []byte(sub) {
			if !buildAlnum(c) {
				return false
			}
		}
	}
	return true
}
