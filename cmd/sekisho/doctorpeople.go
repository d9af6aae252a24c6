package main

import (
	"fmt"
	"slices"

	"sekisho/gateway/account"
)

// people says when there are not two administrators who can act: until then the
// user of the machine does alone what takes two persons.
func (d *doctor) people() {
	var users []account.User
	err := d.ledger.Accounts().View(d.e.ctx, func(r account.Reader) error {
		var err error
		users, err = r.Users(account.UserQuery{State: account.Active, Role: account.Admin})
		return err
	})
	able := len(slices.DeleteFunc(slices.Clone(users), func(u account.User) bool { return !u.Able() }))
	next := "隔離管理者を二人以上にし、それぞれ認証アプリを登録してください（sekisho user add --role admin）"
	switch {
	case err != nil:
		d.say("administrators", gradeNone, "アカウントを読めません", err.Error(), "")
	case len(users) == 0:
		d.say("administrators", gradeGood, "アカウントはまだ使っていません", "there are no accounts yet", "")
	case able < 2:
		d.say("administrators", gradeNote, fmt.Sprintf("操作できる隔離管理者は %d 人です。二人の確認が要ることを、機械の利用者が一人で行えます", able),
			fmt.Sprintf("%d administrator(s) can act: the user of the machine does alone what takes two persons", able), next)
	default:
		d.say("administrators", gradeGood, fmt.Sprintf("操作できる隔離管理者は %d 人です", able), fmt.Sprintf("%d administrators can act", able), "")
	}
}
