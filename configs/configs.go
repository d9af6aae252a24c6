// Package configs holds the annotated configuration templates that
// "sekisho init" writes. They are also the reference: a test in gateway/config
// keeps their keys equal to the keys of the program.
package configs

import _ "embed"

// Config is sekisho.yaml, the annotated static configuration.
//
//go:embed sekisho.yaml
var Config string

// Policy is policy.yaml, the annotated policy with the default rules.
//
//go:embed policy.yaml
var Policy string

// Recipients is recipients.txt, an empty recipient list with an explanation.
//
//go:embed recipients.txt
var Recipients string

// Unit is sekisho.service, the hardened systemd unit.
//
//go:embed sekisho.service
var Unit string
