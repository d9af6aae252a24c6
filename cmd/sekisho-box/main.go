// Command sekisho-box is the program of the boxes and of nothing else: the
// parsers, without the gateway, its store, keys and network code. A box lives
// for one mail, so the size of its program is part of what a mail costs; and
// what is not in it cannot be misused there. sekisho uses it where it is
// installed beside (ADR 0011) and itself otherwise.
package main

import (
	"fmt"
	"os"

	"sekisho/sanitize"
	"sekisho/sanitize/sandbox"
)

func main() {
	sandbox.Main(sanitize.Classes())
	fmt.Fprintln(os.Stderr, "sekisho-box: これは sekisho が使うプログラムです。sekisho を動かしてください / started by sekisho only; run sekisho")
	os.Exit(2)
}
