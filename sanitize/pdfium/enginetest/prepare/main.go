// Command prepare makes a compile cache for tests. Tests with the race
// detector run it as a program without, since compiling PDFium under the
// detector takes most of a minute.
package main

import (
	"context"
	"fmt"
	"os"

	"sekisho/sanitize/pdfium"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: prepare DIR")
		os.Exit(2)
	}
	if err := pdfium.Prepare(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
