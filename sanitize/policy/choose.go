package policy

import (
	"slices"

	"sekisho/sanitize/format"
)

// Facts are what the engine knows of a parsed node before it is built.
type Facts struct {
	Kind   format.Kind
	Root   bool // the mail as received
	Inline bool // a picture shown inside a body
	Drawn  bool // page by page
	Part   bool // inside another file
	W, H   int64
	Size   int64
	// From are the addresses of a mail's From field, Auth its trusted
	// authentication result: "pass", "fail:…" or "".
	From []string
	Auth string
}

// Do is what is done with a node. The zero Do holds.
type Do uint8

// The decisions.
const (
	Hold Do = iota
	Build
	StripOut
)

// Decision is what Choose says about one node.
type Decision struct {
	Do      Do
	Reason  format.Reason // of a hold
	Finding string        // of a strip: a finding code, "" for none
	Profile format.Profile
}

// Smallest inline picture that is attached (DECISIONS 17).
const (
	inlineSide  = 64      // pixels, both sides
	inlineBytes = 4 << 10 // and more bytes than this
)

// A part of a mail is written in lines of 76 characters and a line end, each of
// which holds 57 bytes (RFC 2045, 6.8): what is larger can be in no mail.
const (
	base64Bytes = 57
	base64Line  = 78
)

// Choose decides about one node. It is pure.
func (r Rules) Choose(f Facts) Decision {
	switch r.Kinds[f.Kind] {
	case Text, Image, Reconstruct:
	case Strip:
		return Decision{Do: StripOut, Reason: format.ByPolicy}
	default:
		return Decision{Reason: format.ByPolicy}
	}
	if f.Inline && f.W > 0 && (f.W < inlineSide || f.H < inlineSide || f.Size <= inlineBytes) {
		return Decision{Do: StripOut, Finding: "inline_picture"}
	}
	if f.Root && r.Spoofed == "hold" && r.Spoof(f.From, f.Auth) {
		return Decision{Reason: format.SpoofedOwnDomain}
	}
	return Decision{Do: Build, Profile: r.profile(f)}
}

// Spoof reports whether a mail from outside claims an own-domain sender
// without a trusted pass (DECISIONS 15).
func (r Rules) Spoof(from []string, auth string) bool {
	if auth == "pass" {
		return false
	}
	return slices.ContainsFunc(from, func(address string) bool {
		return slices.ContainsFunc(r.OwnDomains, func(own string) bool { return format.Within(address, own) })
	})
}

func (r Rules) profile(f Facts) format.Profile {
	p := format.Profile{Charset: r.TextCharset, BOM: r.TextBOM, Quality: r.JPEGQuality, OwnDomains: r.OwnDomains}
	if f.Kind == format.CSV {
		p.Charset, p.BOM = r.CSVCharset, r.CSVBOM
	}
	switch r.Kinds[f.Kind] {
	case Text:
		p.Method = format.MethodText
	case Image:
		p.Method = format.MethodImage
	case Reconstruct:
		p.Method = format.MethodReconstruct
	}
	if f.Drawn {
		p = r.Pages.drawn(p)
		if f.Part {
			p.MaxBytes = r.Limits.Output / base64Line * base64Bytes
		}
	}
	if f.Kind == format.Mail && f.Root {
		p.MaxBytes = r.Limits.Output
	}
	return p
}
