//go:build !unix

package audit

import (
	"errors"
	"os"
)

// lockFile refuses: logs are written on Unix only; elsewhere they are verified.
func lockFile(*os.File) error { return errors.ErrUnsupported }
