package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/modules"
)

// decoderDir is where the decoders of HEIC, AVIF and SVG are looked for: beside
// this program, as in a checkout, or where an administrator puts them. What a
// file holds decides (modules.Find), not where it lies.
func decoderDir() string {
	if self, err := os.Executable(); err == nil {
		if dir := filepath.Join(filepath.Dir(self), "modules"); isDir(dir) {
			return dir
		}
	}
	return modules.DefaultDir
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// decoderFonts are the letters of drawings: Debian's fonts-ipafont-gothic.
const decoderFonts = "/usr/share/fonts/opentype/ipafont-gothic"

// decoders are the classes of boxes with a decoder, whether it is installed or
// not: a box knows the class that it is asked to be.
func decoders() []sanitize.Heavy {
	var all []sanitize.Heavy
	for name, kind := range modules.Kinds() {
		all = append(all, decoder(name, kind, decoderDir()))
	}
	return all
}

// installedDecoders are those whose file is there.
func installedDecoders() []sanitize.Heavy {
	var all []sanitize.Heavy
	dir := decoderDir()
	for name, kind := range modules.Kinds() {
		if _, err := modules.Find(dir, name); err == nil {
			all = append(all, decoder(name, kind, dir))
		}
	}
	return all
}

func decoder(name string, kind format.Kind, dir string) sanitize.Heavy {
	return sanitize.Heavy{Class: format.Class(kind), Dirs: []string{dir, decoderFonts},
		Load: func(dirs []string) (map[format.Kind]sanitize.Parser, error) {
			if len(dirs) != 2 {
				return nil, errors.New("load a decoder: two directories are needed")
			}
			letters, err := modules.ReadFonts(dirs[1:])
			if err != nil {
				return nil, err
			}
			parse, err := modules.Load(context.Background(), name, modules.Config{Dir: dirs[0], Fonts: letters})
			return map[format.Kind]sanitize.Parser{kind: parse}, err
		}}
}

// decoders says which decoders are missing or of another version. Without them
// nothing is wrong: files of their kinds are held.
func (d *doctor) decoders() {
	var have, none []string
	for _, m := range modules.Known() {
		kind := string(modules.Kinds()[m.Name])
		switch _, err := modules.Find(decoderDir(), m.Name); {
		case err == nil:
			have = append(have, kind)
		case errors.Is(err, modules.ErrMissing):
			none = append(none, kind)
		default:
			d.say("decoders", gradeBad, m.File+" は、使える版ではありません", err.Error(), m.Source+" を "+decoderDir()+"/"+m.File+" に置いてください")
		}
	}
	if len(none) > 0 {
		d.say("decoders", gradeNote, strings.Join(none, "、")+" の画像はお預かりになります（追加のプログラムがありません）",
			"pictures of these kinds are held, since their decoders are not installed: "+strings.Join(none, " "), "要るときは、運用者の手引きの「画像の追加のプログラム」を見てください")
	}
	if len(have) > 0 {
		d.say("decoders", gradeGood, strings.Join(have, "、")+" の画像を作り直せます", "decoders are installed for "+strings.Join(have, " "), "")
	}
	if _, err := os.Stat(decoderFonts); err != nil && len(have) > 0 {
		d.say("decoders", gradeNote, "図の文字を描く書体がありません。文字のある図はお預かりになります", "no font for the words of drawings: "+decoderFonts, "apt-get install fonts-ipafont-gothic")
	}
}
