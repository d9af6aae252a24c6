package config

import "sekisho/gateway"

// checkDomain reports a name that is no mail domain.
func checkDomain(s string) error {
	if err := gateway.CheckAddress("x@"+s, true); err != nil {
		return faultf("「%s」はメールドメインとして読めません。town.example.lg.jp のように書いてください。",
			"%q is not a mail domain; write it like town.example.lg.jp.", s)
	}
	return nil
}
