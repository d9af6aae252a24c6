package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// LoadEngine returns the engine block for commands that need nothing else of a
// configuration: that of the file, with environ laid over it as in Load. Where
// there is no file, or this user may not read it, the defaults hold.
func LoadEngine(path string, environ []string) (Engine, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Engine{}, fmt.Errorf("load the engine's settings: %w", err)
	}
	text, err := readFile(abs, maxFile+1)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return Engine{}, fmt.Errorf("load the engine's settings: %w", err)
	}
	c, err := parse(path, text, environ)
	if err != nil {
		return Engine{}, err
	}
	c.absolute(filepath.Dir(abs))
	return c.Engine, nil
}

// Limits of what Check looks at below a directory of fonts.
const (
	maxFontDirs  = 8 // boxes are shown 16 directories at most
	maxFontLooks = 2000
)

const (
	installFonts    = "apt-get install fonts-ipafont-mincho fonts-ipafont-gothic を実行するか、engine.fonts を直してください。"
	installFontsEN  = "run apt-get install fonts-ipafont-mincho fonts-ipafont-gothic, or correct engine.fonts."
	prepareEngine   = "root で sekisho engine を実行すると作られます。作らなくても動きますが、起動してから最初のPDFまでに数秒かかります。"
	prepareEngineEN = "run sekisho engine as root to make it; without it the first PDF after a start takes some seconds."
)

// engine looks at the directories of the engines. What is missing is doubtful
// only, since mail must not wait for a font; what others may write to is wrong:
// they would decide what people read, or what boxes execute.
func (r *report) engine() {
	e := r.c.Engine
	if len(e.Fonts) == 0 {
		r.doubtful("engine.fonts", "書体のディレクトリが書かれていません。書体を埋め込んでいないPDFは、お預かりになることがあります。"+installFonts,
			"no directory of fonts is listed; PDF files that bring none may be held; "+installFontsEN)
	}
	if len(e.Fonts) > maxFontDirs {
		r.wrong("engine.fonts", fmt.Sprintf("書体のディレクトリは %d 個までです。", maxFontDirs), fmt.Sprintf("write at most %d directories of fonts.", maxFontDirs))
		return
	}
	for i, dir := range e.Fonts {
		key := fmt.Sprintf("engine.fonts[%d]", i)
		if !r.directory(key, dir, installFonts, installFontsEN) {
			continue
		}
		if !holdsFont(dir) {
			r.doubtful(key, fmt.Sprintf("%s に書体のファイル (ttf、otf、ttc) がないか、読めません。", dir)+installFonts,
				fmt.Sprintf("%s holds no font file (ttf, otf, ttc) that can be read; ", dir)+installFontsEN)
		}
	}
	if e.Cache == "" {
		r.wrong("engine.cache", "ディレクトリが書かれていません。/var/cache/sekisho/engine のように書いてください。", "the directory is missing; write one like /var/cache/sekisho/engine.")
		return
	}
	if !r.directory("engine.cache", e.Cache, prepareEngine, prepareEngineEN) {
		return
	}
	if list, err := os.ReadDir(e.Cache); err != nil || len(list) == 0 {
		r.doubtful("engine.cache", fmt.Sprintf("%s は空か、読めません。", e.Cache)+prepareEngine, fmt.Sprintf("%s is empty or cannot be read; ", e.Cache)+prepareEngineEN)
	}
}

// directory notes a directory that is missing or that others may write to, and
// reports whether it is worth a look inside.
func (r *report) directory(key, dir, next, nextEN string) bool {
	st, err := os.Stat(dir)
	switch {
	case err != nil || !st.IsDir():
		r.doubtful(key, fmt.Sprintf("ディレクトリ %s がありません。", dir)+next, fmt.Sprintf("directory %s does not exist; ", dir)+nextEN)
		return false
	case st.Mode().Perm()&0o022 != 0:
		r.wrong(key, fmt.Sprintf("ほかの利用者が %s に書き込めます (権限 %04o)。chmod go-w %s を実行してください。", dir, st.Mode().Perm(), dir),
			fmt.Sprintf("other users may write to %s (mode %04o); run chmod go-w %s.", dir, st.Mode().Perm(), dir))
		return false
	}
	return true
}

// holdsFont reports whether there is a file below dir that engines take for a
// font by its name.
func holdsFont(dir string) bool {
	found, looks := false, 0
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if looks++; looks > maxFontLooks {
			return fs.SkipAll
		}
		if err != nil {
			return nil // what is below cannot be read; the rest may
		}
		if d.Type().IsRegular() && slices.Contains([]string{".ttf", ".otf", ".ttc", ".otc"}, strings.ToLower(filepath.Ext(p))) {
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return err == nil && found
}
