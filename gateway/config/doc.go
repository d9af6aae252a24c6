// Package config loads, checks and describes what an operator writes: the
// static configuration (sekisho.yaml), the policy (policy.yaml), the recipient
// list and the keys.
//
// Every field starts at its safe default; a file, then SEKISHO_* variables, lay
// values over it. A key that is unknown, written twice or of the wrong type is
// an error with file, line, caret and the next step, in Japanese and English:
// a setting that is silently ignored is how gateways open by accident.
//
// Load reads the form, Check looks at the world (files, permissions, addresses,
// time zone, policy), and Guard keeps every listener and dialer away from the
// third zone while the program runs (guarantee G12).
package config
