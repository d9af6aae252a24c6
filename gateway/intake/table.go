package intake

import (
	"context"
	"fmt"
	"strings"

	"sekisho/gateway"
)

// Table is a fixed list of recipients. It is the zero value's empty list or
// made by NewTable, and safe for concurrent use.
type Table struct {
	addresses map[string]bool // lower case
	domains   map[string]bool // whose every address is ours, lower case
	known     map[string]bool // all our domains, lower case
	separator string
}

// NewTable makes a table of entries: "user@example.jp" is that address,
// "@example.jp" every address of the domain. Upper and lower case are the same.
// With a separator, as "+", what stands between the first one in a local part
// and the "@" is a subaddress (RFC 5233), and the address without it counts.
// postmaster@ any of the domains is always one of ours (RFC 5321 §4.5.1).
func NewTable(entries []string, separator string) (*Table, error) {
	t := &Table{addresses: map[string]bool{}, domains: map[string]bool{}, known: map[string]bool{}, separator: separator}
	for _, e := range entries {
		local, domain, ok := strings.Cut(strings.ToLower(e), "@")
		address := local + "@" + domain
		if ok && local == "" {
			address = "any" + address // only to check the domain
		}
		if err := gateway.CheckAddress(address, true); err != nil || !ok {
			return nil, fmt.Errorf("%w: recipient %q", ErrConfig, e)
		}
		t.known[domain] = true
		if local == "" {
			t.domains[domain] = true
		} else {
			t.addresses[address] = true
		}
	}
	return t, nil
}

// Check implements Recipients. It never says TryLater.
// spec: rfc5321#4.5.1
func (t *Table) Check(_ context.Context, address string) Verdict {
	local, domain, ok := strings.Cut(strings.ToLower(address), "@")
	if !ok || local == "" {
		return Unknown
	}
	if t.domains[domain] || t.addresses[local+"@"+domain] || local == "postmaster" && t.known[domain] {
		return Accept
	}
	if t.separator != "" {
		if base, _, sub := strings.Cut(local, t.separator); sub && t.addresses[base+"@"+domain] {
			return Accept
		}
	}
	return Unknown
}

// Chain asks several in turn: the first that accepts an address settles it. It
// is Unknown when all say so.
type Chain []Recipients

// Check implements Recipients.
func (c Chain) Check(ctx context.Context, address string) Verdict {
	verdict := Unknown
	for _, r := range c {
		switch r.Check(ctx, address) {
		case Accept:
			return Accept
		case TryLater:
			verdict = TryLater
		}
	}
	return verdict
}
