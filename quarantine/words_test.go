package quarantine

import "testing"

func TestWords(t *testing.T) {
	for in, want := range map[string]string{
		" 入札の原本\r\n二部 ": "入札の原本\n二部", "approve\u202eyned": "approveyned", "a\u0000b\u001b[31mc": "ab[31mc", "x\u200b\u2066y\u3164": "xy", "\u2028": "",
		"表\tと列": "表\tと列",
	} {
		if got := words(in); got != want {
			t.Errorf("%+q: %+q, want %+q", in, got, want)
		}
	}
	r, err := Request(Ask{ID: "r", Form: TextOnly, Reason: "\u202e", Dept: "soumu"}, heldItem(), clerk, Rules{}, noon)
	if err != NoReason {
		t.Errorf("a reason that nobody can read: %+v %v", r, err)
	}
}
