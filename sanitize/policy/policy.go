// Package policy decides how each file is treated. Its rules are pure: the
// engine gives facts about a parsed node, and gets back what to do. The zero
// Decision holds.
//
// A Policy has default rules and overrides for recipients; recipients whose
// effective rules are equal share one delivery. Loading and checking policy
// files is done in gateway/config.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sekisho/sanitize/format"
)

// Action is what is done with files of a kind.
type Action string

// The actions. Text, Image and Reconstruct rebuild; which of them a kind
// allows is in the table of choices.
const (
	Quarantine  Action = "quarantine"
	Strip       Action = "strip"
	Text        Action = "text"
	Image       Action = "image"
	Reconstruct Action = "reconstruct"
)

// choices lists how a kind may be rebuilt, the default first. A kind that is
// not listed can only be quarantined or stripped.
var choices = map[format.Kind][]Action{
	format.Mail: {Text},
	format.Text: {Text},
	format.CSV:  {Text},
	format.HTML: {Text},
	format.PNG:  {Image},
	format.JPEG: {Image},
	format.GIF:  {Image},
	format.BMP:  {Image},
	format.ICO:  {Image},
	format.WebP: {Image},
	format.PDF:  {Image, Text},
	format.TIFF: {Image, Reconstruct},
	format.HEIC: {Image},
	format.AVIF: {Image},
	format.SVG:  {Image},
	format.EMF:  {Image},
	format.WMF:  {Image},
}

// Choices returns how files of the kind may be rebuilt, the default first;
// none for a kind that is only quarantined or stripped.
func Choices(k format.Kind) []Action { return slices.Clone(choices[k]) }

// Rules are the effective rules for one recipient. The zero Rules hold
// everything.
type Rules struct {
	Kinds  map[format.Kind]Action `json:"kinds"`
	Limits Limits                 `json:"limits"`

	TextCharset string `json:"text_charset"` // "utf-8" or "cp932"
	TextBOM     bool   `json:"text_bom"`
	CSVCharset  string `json:"csv_charset"`
	CSVBOM      bool   `json:"csv_bom"`
	JPEGQuality int    `json:"jpeg_quality"`

	Pages PageRules `json:"pages"` // of kinds that are drawn page by page

	Defang     string   `json:"defang"`      // "mismatch" (lying links only) or "all"
	OwnDomains []string `json:"own_domains"` // lower case
	Spoofed    string   `json:"spoofed"`     // outside mail with an own-domain From: "warn" or "hold"
}

// Limits bound the work on one mail and everything in it.
type Limits struct {
	Bytes   int64         `json:"bytes"`  // decoded bytes of all files together
	Files   int64         `json:"files"`  // files together
	Depth   int           `json:"depth"`  // layers
	Pixels  int64         `json:"pixels"` // pixels of one picture or page
	Pages   int64         `json:"pages"`  // pages of all documents together
	Time    time.Duration `json:"time"`   // of the whole sanitizing
	Output  int64         `json:"output"` // bytes of the rebuilt mail
	Retain  time.Duration `json:"retain"` // originals and held parts
	Expires time.Duration `json:"expires"`
}

// Default returns the rules that hold where a policy file says nothing.
func Default() Rules {
	r := Rules{
		Kinds: map[format.Kind]Action{},
		Limits: Limits{Bytes: 200 << 20, Files: 1000, Depth: 8, Pixels: 50_000_000, Pages: 1000, Time: 2 * time.Minute,
			Output: 50 << 20, Retain: 30 * 24 * time.Hour, Expires: 5 * 24 * time.Hour},
		TextCharset: "utf-8", TextBOM: true, CSVCharset: "utf-8", CSVBOM: true, JPEGQuality: 90,
		Defang: "mismatch", Spoofed: "warn", Pages: PageRules{Profile: ProfileStandard, Shade: format.ShadeAuto, Layer: true},
	}
	for k, c := range choices {
		r.Kinds[k] = c[0]
	}
	return r
}

// Check reports every fault of the rules, joined.
func (r Rules) Check() error {
	var errs []error
	for k, a := range r.Kinds {
		if a != Quarantine && a != Strip && !slices.Contains(choices[k], a) {
			errs = append(errs, fmt.Errorf("kinds.%s: %q is not possible; choose one of %v", k, a,
				append(slices.Clone(choices[k]), Quarantine, Strip)))
		}
	}
	l := r.Limits
	if l.Bytes <= 0 || l.Files <= 0 || l.Depth <= 0 || l.Pixels <= 0 || l.Pages <= 0 || l.Time <= 0 || l.Output <= 0 || l.Retain <= 0 || l.Expires <= 0 {
		errs = append(errs, errors.New("limits: every limit must be above zero"))
	}
	for name, c := range map[string]string{"text_charset": r.TextCharset, "csv_charset": r.CSVCharset} {
		if c != "utf-8" && c != "cp932" {
			errs = append(errs, fmt.Errorf("%s: %q; choose utf-8 or cp932", name, c))
		}
	}
	if r.JPEGQuality < 1 || r.JPEGQuality > 100 {
		errs = append(errs, fmt.Errorf("jpeg_quality: %d; choose 1 to 100", r.JPEGQuality))
	}
	errs = append(errs, r.Pages.check())
	if r.Defang != "mismatch" && r.Defang != "all" {
		errs = append(errs, fmt.Errorf("defang: %q; choose mismatch or all", r.Defang))
	}
	if r.Spoofed != "warn" && r.Spoofed != "hold" {
		errs = append(errs, fmt.Errorf("spoofed: %q; choose warn or hold", r.Spoofed))
	}
	return errors.Join(errs...)
}

// Digest identifies the rules: SHA-256 over their canonical JSON, hex.
func (r Rules) Digest() string {
	b, err := json.Marshal(r) // maps are written in key order
	if err != nil {
		return "" // not reachable: Rules holds only plain values
	}
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// Override changes the rules for some recipients.
type Override struct {
	// Recipients are addresses, or @domain for all of a domain; lower case.
	Recipients []string
	Rules      Rules
}

// Policy is a checked policy.
type Policy struct {
	Default   Rules
	Overrides []Override // the first that matches counts
}

// For returns the effective rules for a recipient's address.
func (p Policy) For(address string) Rules {
	a := strings.ToLower(address)
	at := strings.LastIndexByte(a, '@')
	for _, o := range p.Overrides {
		if slices.Contains(o.Recipients, a) || at >= 0 && slices.Contains(o.Recipients, a[at:]) {
			return o.Rules
		}
	}
	return p.Default
}

// Digest identifies the policy as a whole.
func (p Policy) Digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", p.Default.Digest())
	for _, o := range p.Overrides {
		fmt.Fprintf(h, "%q %s\n", o.Recipients, o.Rules.Digest())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Check reports every fault of the policy, joined.
func (p Policy) Check() error {
	errs := []error{p.Default.Check()}
	for i, o := range p.Overrides {
		if len(o.Recipients) == 0 {
			errs = append(errs, fmt.Errorf("overrides[%d]: no recipients", i))
		}
		if err := o.Rules.Check(); err != nil {
			errs = append(errs, fmt.Errorf("overrides[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}
