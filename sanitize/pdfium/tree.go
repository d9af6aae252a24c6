package pdfium

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Limits of the font tree. A machine's fonts are some files of some megabytes;
// PDFium reads the head of each when it first needs one.
const (
	maxFontFiles = 64
	maxFontBytes = 64 << 20 // of one file
	maxFontDepth = 4        // directories below the one that is named
)

// DefaultFonts are where Debian puts the IPA fonts (packages
// fonts-ipafont-mincho and fonts-ipafont-gothic): Mincho and Gothic, each with
// fixed and with proportional width, which is what Japanese PDFs without
// embedded fonts ask for.
func DefaultFonts() []string {
	return []string{"/usr/share/fonts/opentype/ipafont-mincho", "/usr/share/fonts/opentype/ipafont-gothic"}
}

// guestFonts is where PDFium on Linux looks for fonts.
const guestFonts = "usr/share/fonts"

// tree is the file system that an instance sees: directories down to
// usr/share/fonts and font files in it, from memory. The files are mapped, so
// that workers share their pages and nothing is read at the start; after the
// box is shut no file could be opened any more.
type tree struct{ files map[string][]byte }

// readTree maps the font files below the directories. Directories that are
// missing and files that are no fonts are passed over; links are not followed.
func readTree(dirs []string) (*tree, error) {
	t := &tree{files: map[string][]byte{}}
	for i, dir := range dirs {
		if err := t.addDir(i, dir); err != nil {
			return nil, errors.Join(err, t.Close())
		}
	}
	return t, nil
}

func (t *tree) addDir(n int, dir string) error {
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return nil // counted as missing: fewer fonts
		}
		if err != nil {
			return err
		}
		below, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		if d.IsDir() && strings.Count(below, "/") >= maxFontDepth {
			return fs.SkipDir
		}
		name := fmt.Sprintf("%s/%d/%s", guestFonts, n, filepath.Base(p))
		if !d.Type().IsRegular() || !isFont(p) || t.files[name] != nil || len(t.files) >= maxFontFiles {
			return nil
		}
		return t.addFile(name, p)
	})
	if err != nil {
		return fmt.Errorf("pdfium: read fonts: %w", err)
	}
	return nil
}

// isFont goes by the name: what a wrong one holds is for PDFium, in its own
// memory, to find out.
func isFont(name string) bool {
	return slices.Contains([]string{".ttf", ".ttc", ".otf", ".otc"}, strings.ToLower(filepath.Ext(name)))
}

func (t *tree) addFile(name, host string) error {
	f, err := os.Open(host)
	if err != nil {
		return err
	}
	defer f.Close() // a mapping outlives its descriptor
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 || info.Size() > maxFontBytes {
		return nil
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("map %s: %w", host, err)
	}
	t.files[name] = data
	return nil
}

func (t *tree) count() int { return len(t.files) }

// Close unmaps the files.
func (t *tree) Close() error {
	var errs []error
	for name, data := range t.files {
		errs = append(errs, unix.Munmap(data))
		delete(t.files, name)
	}
	return errors.Join(errs...)
}

// Open implements fs.FS.
func (t *tree) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if data, ok := t.files[name]; ok {
		return &openFile{bytes.NewReader(data), entry{path.Base(name), int64(len(data)), false}}, nil
	}
	list := t.list(name)
	if len(list) == 0 && name != "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &openDir{entry{path.Base(name), 0, true}, list}, nil
}

// list returns what is in a directory, in order of names.
func (t *tree) list(dir string) []fs.DirEntry {
	found := map[string]entry{}
	for name, data := range t.files {
		below := name
		if dir != "." {
			var inside bool
			if below, inside = strings.CutPrefix(name, dir+"/"); !inside {
				continue
			}
		}
		first, _, deeper := strings.Cut(below, "/")
		e := entry{first, int64(len(data)), deeper}
		if deeper {
			e.size = 0
		}
		found[first] = e
	}
	all := make([]fs.DirEntry, 0, len(found))
	for _, e := range found {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all
}

// entry is a file or directory of the tree.
type entry struct {
	name string
	size int64
	dir  bool
}

// Name implements fs.DirEntry and fs.FileInfo.
func (e entry) Name() string { return e.name }

// Size implements fs.FileInfo.
func (e entry) Size() int64 { return e.size }

// IsDir implements fs.DirEntry and fs.FileInfo.
func (e entry) IsDir() bool { return e.dir }

// Mode implements fs.FileInfo.
func (e entry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// Type implements fs.DirEntry.
func (e entry) Type() fs.FileMode { return e.Mode().Type() }

// Info implements fs.DirEntry.
func (e entry) Info() (fs.FileInfo, error) { return e, nil }

// ModTime implements fs.FileInfo; the tree has no times.
func (e entry) ModTime() time.Time { return time.Time{} }

// Sys implements fs.FileInfo.
func (e entry) Sys() any { return nil }

// openFile is a font file that was opened.
type openFile struct {
	*bytes.Reader
	is entry
}

// Stat implements fs.File.
func (f *openFile) Stat() (fs.FileInfo, error) { return f.is, nil }

// Close implements fs.File.
func (f *openFile) Close() error { return nil }

// openDir is a directory that was opened.
type openDir struct {
	is   entry
	left []fs.DirEntry
}

// Stat implements fs.File.
func (d *openDir) Stat() (fs.FileInfo, error) { return d.is, nil }

// Read implements fs.File.
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.is.name, Err: errors.New("is a directory")}
}

// Close implements fs.File.
func (d *openDir) Close() error { return nil }

// ReadDir implements fs.ReadDirFile.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		all := d.left
		d.left = nil
		return all, nil
	}
	if len(d.left) == 0 {
		return nil, io.EOF
	}
	some := d.left[:min(n, len(d.left))]
	d.left = d.left[len(some):]
	return some, nil
}
