package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
)

// withOutput gives f a new file, or standard output when path is empty.
func withOutput(e env, path string, f func(io.Writer) error) error {
	if path == "" {
		return f(e.stdout)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f(file); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// jsonLines writes a list as scripts read it: one JSON object a line.
func jsonLines[T, J any](w io.Writer, list []T, form func(T) J) error {
	enc := json.NewEncoder(w)
	for _, v := range list {
		if err := enc.Encode(form(v)); err != nil {
			return err
		}
	}
	return nil
}

// indented returns an encoder for objects that people read too.
func indented(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc
}
