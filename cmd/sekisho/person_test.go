package main

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"sekisho/quarantine"
)

// TestPersonOf: who runs a command is who the kernel says, and who logged in is
// told beside, never in place of it.
func TestPersonOf(t *testing.T) {
	names := map[string]string{"0": "root", "1000": "yamada", "1001": "suzuki"}
	name := func(uid string) string {
		if n := names[uid]; n != "" {
			return n
		}
		return "uid"
	}
	for _, c := range []struct{ what, uid, login, want string }{
		{"no audit in the kernel", "1000", "", "yamada (1000)"},
		{"no login started it", "0", unsetLogin, "root (0)"},
		{"as oneself", "1000", "1000", "yamada (1000)"},
		{"root by sudo", "0", "1000", "root (0), login yamada (1000)"},
		{"a login that the process chose", "1001", "1000", "suzuki (1001), login yamada (1000)"},
		{"no name", "4242", "4243", "uid (4242), login uid (4243)"},
	} {
		if got := personOf(c.uid, c.login, name); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

// TestEnvironmentNamesNobody: what the caller writes does not change who acts
// (an original was once let in by one shell that named three persons).
func TestEnvironmentNamesNobody(t *testing.T) {
	before := console()
	for _, v := range []string{"SUDO_USER", "USER", "LOGNAME", "SUDO_UID"} {
		t.Setenv(v, "kacho")
	}
	after := console()
	if after.ID != before.ID || after.Audit.ID != before.Audit.ID {
		t.Errorf("%q became %q", before.ID, after.ID)
	}
	if !strings.Contains(after.ID, " ("+strconv.Itoa(os.Getuid())+")") || !strings.HasPrefix(after.ID, quarantine.OSPrefix) {
		t.Errorf("%q does not say which user of the machine it is", after.ID)
	}
	if after.Has(quarantine.Approver) {
		t.Error("a user of the machine is an approver")
	}
}

// TestCredentialsFile: a file that others can read is refused; a line each.
func TestCredentialsFile(t *testing.T) {
	file := t.TempDir() + "/kacho"
	if err := os.WriteFile(file, []byte("正しい馬の電池\n123456\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := asArgs{As: "kacho", Credentials: file}
	if password, code, err := a.read(env{}); err != nil || password != "正しい馬の電池" || code != "123456" {
		t.Errorf("%q %q %v", password, code, err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.read(env{}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("others can read it: %v", err)
	}
}
