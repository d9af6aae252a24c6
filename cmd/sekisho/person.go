package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"

	"sekisho/audit"
	"sekisho/gateway/desk"
	"sekisho/quarantine"
)

// osUser names the person at the command line: who the kernel says runs the
// program, never what the environment says (SUDO_USER is a variable like any
// other). Records keep it; no decision of the release rules counts it.
func osUser() string {
	login, err := os.ReadFile("/proc/self/loginuid")
	if err != nil {
		login = nil // no audit in this kernel: nobody logged in that we know of
	}
	return personOf(strconv.Itoa(os.Getuid()), strings.TrimSpace(string(login)), loginName)
}

// unsetLogin is the login uid of a process that no login started (audit(7)).
const unsetLogin = "4294967295"

// personOf names a real uid, "yamada (1000)", and beside it who logged in when
// that is another: "root (0), login yamada (1000)". A login uid that was set is
// changed by root alone, but a process without one may choose any: it is told,
// and never takes the place of the uid.
func personOf(uid, login string, name func(uid string) string) string {
	told := func(id string) string { return name(id) + " (" + id + ")" }
	if login == "" || login == unsetLogin || login == uid {
		return told(uid)
	}
	return told(uid) + ", login " + told(login)
}

// loginName looks a uid up, "uid" when it has no name.
func loginName(uid string) string {
	u, err := user.LookupId(uid)
	if err != nil {
		return "uid"
	}
	return u.Username
}

// consoleDept is the department of everybody at the command line.
const consoleDept = "console"

// console is the operating system's user as a person of the rules, who may ask
// for what needs nobody else, and take back or end: the operating system does not
// say who is an approver, and two of its names may be one person. Whatever needs a
// vote is done with asArgs.
func console() desk.Person {
	who := osUser()
	return desk.Person{
		Actor: quarantine.Actor{ID: quarantine.OSPrefix + who, Name: who, Dept: consoleDept, Roles: []quarantine.Role{quarantine.Admin}},
		Audit: audit.Actor{Type: audit.ActorOS, ID: audit.Clean(who, 256)},
	}
}

// errNeedsAccount is the answer to who tries with a user name of the machine what
// takes a person of the rules.
type errNeedsAccount struct{ what string }

func (n errNeedsAccount) Error() string {
	return fmt.Sprintf("%sには、自分のアカウントが要ります。機械の利用者名では、別の人かどうかを確かめられないためです。"+
		"--as ログイン名 を付けて実行し、パスワードと確認コードを入力してください（ファイルからは --credentials ファイル）。アカウントは sekisho user add で作ります / "+
		"this takes an account of yours: add --as NAME and type password and code, or give --credentials FILE; accounts are made with sekisho user add", n.what)
}
