package main

import (
	"errors"
	"fmt"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// nextSteps say at the command line what to do after a refusal. Refusals whose
// own sentence says it have none. Nothing writes to it.
var nextSteps = map[quarantine.Refusal]quarantine.RefusalText{
	quarantine.SelfApproval:     {JA: "別の人が、自分のアカウントで（--as ログイン名）実行してください。", EN: "let another person run it with their own account (--as NAME)."},
	quarantine.NotEnoughPersons: {JA: "別の人が、自分のアカウントで（--as ログイン名）実行してください。", EN: "let another person run it with their own account (--as NAME)."},
	quarantine.AlreadyDecided:   {JA: "sekisho quarantine requests か sekisho exception list で今の状態を見てください。", EN: "see sekisho quarantine requests or sekisho exception list."},
	quarantine.NotOffered: {JA: "例外解除は、設定の release.exceptions が true のときだけ使えます。変えるのは運用者で、変えたら sekisho serve を起動し直します。",
		EN: "exceptions need release.exceptions: true in the configuration, and a restart of sekisho serve."},
	quarantine.NoException: {JA: "sekisho exception list で、期間、回数、宛先、差出人、種類を確かめてください。なければ sekisho exception propose で登録します。",
		EN: "look at dates, uses and scope in sekisho exception list, or register one with sekisho exception propose."},
	quarantine.NoReason: {JA: "--reason に書きます。", EN: "write it with --reason."},
	quarantine.Ended:    {JA: "sekisho quarantine show で今の状態を見てください。", EN: "see sekisho quarantine show."},
}

// explain adds both languages and the next step to what the rules and the ledger
// answer; other errors stay as they are.
func explain(err error) error {
	var no quarantine.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &no):
		t, next := no.Text(), nextSteps[no]
		text := fmt.Sprintf("%s%s / %s %s(%s)", t.JA, next.JA, t.EN, spaced(next.EN), string(no))
		if detail := err.Error(); detail != no.Error() {
			text += ": " + detail
		}
		return errors.New(text)
	case errors.Is(err, gateway.ErrNotFound):
		return fmt.Errorf("その番号のものはありません。一覧で番号を確かめてください / there is none with this number; look at the list: %w", err)
	case errors.Is(err, quarantine.ErrState):
		return fmt.Errorf("今の状態ではできません。先にした申請が続いていないかを sekisho quarantine requests で見てください / not in its present state: %w", err)
	}
	return err
}

func spaced(s string) string {
	if s == "" {
		return ""
	}
	return s + " "
}
