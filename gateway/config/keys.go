package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"sekisho/audit"
	"sekisho/sanitize/seal"
)

// The files of a key folder. Private ones are 0600; each may hold several keys,
// the present one first.
const (
	originalsPrivate = "originals.agekey"
	originalsPublic  = "originals.agepub"
	outboxPrivate    = "outbox.agekey"
	outboxPublic     = "outbox.agepub"
	sealPrivate      = "seal.key"
	sealPublic       = "seal.pub"
	auditPrivate     = "audit.key"
	auditPublic      = "audit.pub"
)

// maxKeyFile bounds a key file in bytes.
const maxKeyFile = 64 << 10

// Role is a part of the program that needs keys of its own.
type Role string

// The roles and what they read (DECISIONS 22).
const (
	IntakeRole    Role = "intake"    // originals.agepub: can store originals, not read them
	FlowRole      Role = "flow"      // originals.agekey, outbox.agepub, seal.key
	DeliverRole   Role = "deliver"   // outbox.agekey, seal.pub
	SequencerRole Role = "sequencer" // audit.key
	AuditorRole   Role = "auditor"   // audit.pub
	AccountRole   Role = "account"   // outbox.agekey: what second factors are sealed with follows from it
)

// Keys are the loaded keys. What no role asked for stays zero.
type Keys struct {
	OriginalsTo   []age.Recipient // exactly the present key
	OriginalsWith []age.Identity  // the present key and earlier ones
	OutboxTo      []age.Recipient
	OutboxWith    []age.Identity
	Seal          seal.Key
	SealPublic    seal.Keyring
	Audit         note.Signer
	AuditPublic   audit.Keys
	Accounts      [][]byte // secrets that second factors are sealed with, the present one first
}

// LoadKeys reads from dir what the roles need and nothing else. The error is
// Problems: it names the file and the next step, never a key.
func LoadKeys(dir string, need ...Role) (Keys, error) {
	l := keyLoader{dir: dir}
	for _, r := range need {
		switch r {
		case IntakeRole:
			l.recipients(originalsPublic, &l.keys.OriginalsTo)
		case FlowRole:
			l.identities(originalsPrivate, &l.keys.OriginalsWith)
			l.recipients(outboxPublic, &l.keys.OutboxTo)
			load(&l, sealPrivate, &l.keys.Seal, func(s string) (seal.Key, error) { return seal.ParseKey(firstLine(s)) })
		case DeliverRole:
			l.identities(outboxPrivate, &l.keys.OutboxWith)
			load(&l, sealPublic, &l.keys.SealPublic, seal.ParseKeyring)
		case SequencerRole:
			load(&l, auditPrivate, &l.keys.Audit, func(s string) (note.Signer, error) { return audit.ParseSigner(firstLine(s)) })
		case AuditorRole:
			load(&l, auditPublic, &l.keys.AuditPublic, audit.ParseKeys)
		case AccountRole:
			load(&l, outboxPrivate, &l.keys.Accounts, accountSecrets)
		default:
			return Keys{}, fmt.Errorf("load keys: no role %q", r)
		}
	}
	if err := l.problems.Err(); err != nil {
		return Keys{}, err
	}
	return l.keys, nil
}

// accountSecrets returns each identity as the secret that the sealing key of
// second factors is derived from: who may read the outbox may run the accounts,
// and there is no further file to lose or to make when a gateway is upgraded.
func accountSecrets(text string) ([][]byte, error) {
	if _, err := age.ParseIdentities(strings.NewReader(text)); err != nil {
		return nil, err
	}
	var all [][]byte
	for _, l := range keyLines(text) {
		all = append(all, []byte(l))
	}
	return all, nil
}

type keyLoader struct {
	dir      string
	keys     Keys
	problems Problems
}

// load reads one file into to; faults are noted.
func load[T any](l *keyLoader, name string, to *T, read func(string) (T, error)) {
	path := filepath.Join(l.dir, name)
	text, p := keyText(path)
	if p != nil {
		l.problems = append(l.problems, *p)
		return
	}
	v, err := read(text)
	if err != nil {
		l.problems = append(l.problems, Problem{File: path, Key: "keys.dir",
			JA: "鍵として読めません。バックアップから戻すか、sekisho keys rotate で新しい鍵にしてください。",
			EN: "this is not a key; restore it from a backup, or make a new one with sekisho keys rotate."})
		return
	}
	*to = v
}

func (l *keyLoader) identities(name string, to *[]age.Identity) {
	load(l, name, to, func(s string) ([]age.Identity, error) { return age.ParseIdentities(strings.NewReader(s)) })
}

// recipients keeps the first key only: new files are written for the present
// key, so that a key that was rotated away reads nothing new.
func (l *keyLoader) recipients(name string, to *[]age.Recipient) {
	load(l, name, to, func(s string) ([]age.Recipient, error) { return age.ParseRecipients(strings.NewReader(firstLine(s))) })
}

// keyText reads a key file. A private one that others can read is refused.
func keyText(path string) (string, *Problem) {
	b, err := readFile(path, maxKeyFile)
	if err != nil {
		p := missing(path, "keys.dir", err, "鍵がまだ無いときは sekisho init で作り、あるときは keys.dir と権限を確かめてください。",
			"sekisho init creates keys; if they exist, look at keys.dir and its permissions.")
		return "", &p
	}
	st, err := os.Stat(path)
	if err == nil && private(path) && st.Mode().Perm()&0o077 != 0 {
		return "", &Problem{File: path, Key: "keys.dir",
			JA: fmt.Sprintf("秘密鍵をほかの利用者が読めます (権限 %04o)。chmod 600 %s を実行してください。", st.Mode().Perm(), path),
			EN: fmt.Sprintf("other users can read this private key (mode %04o); run chmod 600 %s.", st.Mode().Perm(), path)}
	}
	return string(b), nil
}

func private(path string) bool {
	return slices.Contains([]string{originalsPrivate, outboxPrivate, sealPrivate, auditPrivate}, filepath.Base(path))
}

// keyLines returns the lines that hold keys.
func keyLines(s string) []string {
	var out []string
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			out = append(out, l)
		}
	}
	return out
}

func firstLine(s string) string {
	if l := keyLines(s); len(l) > 0 {
		return l[0]
	}
	return ""
}

// KeyInfo names one public key, for printing.
type KeyInfo struct {
	Name        string // originals, outbox, seal or audit
	ID          string // 16 hex digits
	Fingerprint string // SHA-256 of the public key line, in groups of four digits
	Public      string // the line itself
	Present     bool   // used for new files and signatures; others only open old ones
}

// publicFiles are the keys by name, in the order that they are shown.
var publicFiles = []struct{ name, public, private string }{
	{"originals", originalsPublic, originalsPrivate}, {"outbox", outboxPublic, outboxPrivate},
	{"seal", sealPublic, sealPrivate}, {"audit", auditPublic, auditPrivate},
}

// ListKeys describes the public keys in dir, the present one of each name first.
func ListKeys(dir string) ([]KeyInfo, error) {
	var out []KeyInfo
	for _, f := range publicFiles {
		text, p := keyText(filepath.Join(dir, f.public))
		if p != nil {
			return nil, Problems{*p}
		}
		for i, l := range keyLines(text) {
			out = append(out, info(f.name, l, i == 0))
		}
	}
	return out, nil
}

func info(name, line string, present bool) KeyInfo {
	sum := sha256.Sum256([]byte(line))
	digits := hex.EncodeToString(sum[:])
	k := KeyInfo{Name: name, ID: digits[:16], Public: line, Present: present}
	for i := 0; i < len(digits); i += 4 {
		k.Fingerprint += digits[i:i+4] + " "
	}
	k.Fingerprint = strings.TrimSpace(k.Fingerprint)
	if ring, err := seal.ParseKeyring(line); name == "seal" && err == nil {
		for id := range ring {
			k.ID = id
		}
	}
	if parts := strings.SplitN(line, "+", 3); name == "audit" && len(parts) == 3 { // name+hash+base64, which may hold a +
		k.ID = parts[1] // the key hash, as signatures carry it
	}
	return k
}

// CheckKeys finds keys that do not fit together: originals that could be stored
// and never read again, passports that deliver would refuse.
func CheckKeys(dir string) Problems {
	st, err := os.Stat(dir)
	switch {
	case err != nil:
		return Problems{missing(dir, "keys.dir", err, "sekisho init で鍵を作るか、keys.dir を直してください。", "sekisho init creates keys, or correct keys.dir.")}
	case st.Mode().Perm()&0o077 != 0:
		return Problems{{Key: "keys.dir", JA: fmt.Sprintf("鍵のディレクトリをほかの利用者が見られます (権限 %04o)。chmod 700 %s を実行してください。", st.Mode().Perm(), dir),
			EN: fmt.Sprintf("other users can look into the key directory (mode %04o); run chmod 700 %s.", st.Mode().Perm(), dir)}}
	}
	k, err := LoadKeys(dir, IntakeRole, FlowRole, DeliverRole, SequencerRole, AuditorRole)
	if err != nil {
		var ps Problems
		if errors.As(err, &ps) {
			return ps
		}
		return Problems{{Key: "keys.dir", JA: "鍵を読めません: " + err.Error(), EN: err.Error()}}
	}
	var ps Problems
	differ := func(private, public string) {
		ps = append(ps, Problem{File: filepath.Join(dir, public), Key: "keys.dir",
			JA: fmt.Sprintf("%s と %s の組が合いません。2 つを同じときのバックアップから戻してください。", private, public),
			EN: fmt.Sprintf("%s and %s do not belong together; restore both from the same backup.", private, public)})
	}
	if !opens(k.OriginalsWith, k.OriginalsTo) {
		differ(originalsPrivate, originalsPublic)
	}
	if !opens(k.OutboxWith, k.OutboxTo) {
		differ(outboxPrivate, outboxPublic)
	}
	if _, ok := k.SealPublic[k.Seal.ID()]; !ok {
		differ(sealPrivate, sealPublic)
	}
	if _, err := k.AuditPublic.Verifier(k.Audit.Name(), k.Audit.KeyHash()); err != nil {
		differ(auditPrivate, auditPublic)
	}
	return ps
}

// opens reports whether one of the identities belongs to the recipient.
func opens(ids []age.Identity, to []age.Recipient) bool {
	for _, i := range ids {
		if x, ok := i.(*age.X25519Identity); ok && len(to) == 1 && fmt.Sprint(x.Recipient()) == fmt.Sprint(to[0]) {
			return true
		}
	}
	return false
}
