package configs

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// world is a root directory with the little that the package's scripts call.
// What changes owners or users is written down instead of done, so the test
// runs as any user.
type world struct {
	t    *testing.T
	root string
	bin  string
}

func (w world) path(name string) string { return filepath.Join(w.root, name) }

// calls is what the scripts asked for that only root on a real machine can do.
func (w world) calls() string {
	b, err := os.ReadFile(filepath.Join(w.bin, "calls"))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return string(b)
}

// script runs one of the package's scripts with its absolute paths moved below
// the root.
func (w world) script(control, name string, args ...string) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(control, name))
	if err != nil {
		w.t.Fatal(err)
	}
	moved := string(text)
	for _, dir := range []string{"/etc/sekisho", "/var/lib/sekisho", "/var/cache/sekisho", "/usr/lib/sekisho", "/run/systemd"} {
		moved = strings.ReplaceAll(moved, dir, w.root+dir)
	}
	c := exec.CommandContext(w.t.Context(), "/bin/sh", append([]string{"-c", moved, name}, args...)...)
	c.Env = []string{"PATH=" + w.bin + ":/usr/bin:/bin"}
	out, err := c.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{t, t.TempDir(), t.TempDir()}
	for _, name := range []string{"adduser", "chown", "systemctl", "getent", "sekisho"} {
		text := fmt.Sprintf("#!/bin/sh\necho \"%s $*\" >>%s/calls\n", name, w.bin)
		if name == "getent" {
			text += "exit 2\n" // no such user yet
		}
		if err := os.WriteFile(filepath.Join(w.bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	install := "#!/bin/sh\necho \"install $*\" >>" + w.bin + "/calls\nfor last; do :; done\nmkdir -p \"$last\" && chmod 0700 \"$last\"\n"
	if err := os.WriteFile(filepath.Join(w.bin, "install"), []byte(install), 0o755); err != nil {
		t.Fatal(err)
	}
	return w
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// TestPackage builds the Debian package and takes it through its life: install,
// first settings, upgrade, removal and purge.
func TestPackage(t *testing.T) {
	if os.Getenv(insideEnv) != "" {
		inside(t)
		return
	}
	out := t.TempDir()
	t.Setenv("DEB_COMPRESSION", "none") // which takes most of the time
	run(t, "/bin/sh", "../.ci/deb.sh", out, "1.2~test")
	files, err := filepath.Glob(filepath.Join(out, "sekisho_1.2~test_*.deb"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	w, control := newWorld(t), filepath.Join(t.TempDir(), "control")
	run(t, "dpkg-deb", "-x", files[0], w.root)
	run(t, "dpkg-deb", "-e", files[0], control)
	contents(t, w, files[0])
	t.Run("installed", func(t *testing.T) { installed(t, files[0]) })
	t.Run("scripts", func(t *testing.T) { scripts(t, w, control) })
}

// scripts runs the package's scripts as any user may.
func scripts(t *testing.T, w world, control string) {
	t.Helper()
	if said := w.script(control, "postinst", "configure", ""); !strings.Contains(said, "sekisho init /etc/sekisho") && !strings.Contains(said, "sekisho init "+w.root) {
		t.Errorf("the first installation does not say what comes next: %s", said)
	}
	for _, want := range []string{"adduser --system --group", "-o sekisho -g sekisho", "chown root:sekisho", "install -d -m 0755 " + w.path("var/cache/sekisho"), "sekisho engine", "sekisho decoders"} {
		if !strings.Contains(w.calls(), want) {
			t.Errorf("postinst did not call %q: %s", want, w.calls())
		}
	}
	first(t, w)
	if err := os.WriteFile(w.path("var/lib/sekisho/ledger.db"), []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := read(t, w.path("etc/sekisho/keys/originals.agekey"))
	if said := w.script(control, "postinst", "configure", "1.1"); strings.Contains(said, "init") {
		t.Errorf("an upgrade says what a first installation does: %s", said)
	}
	w.script(control, "prerm", "upgrade", "1.3")
	if err := os.MkdirAll(w.path("usr/lib/sekisho/modules/cache/x"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.script(control, "prerm", "remove")
	w.script(control, "postrm", "remove")
	for _, name := range []string{"var/cache/sekisho", "usr/lib/sekisho/modules/cache"} {
		if _, err := os.Stat(w.path(name)); !os.IsNotExist(err) {
			t.Errorf("compiled code stays in %s: %v", name, err)
		}
	}
	said := w.script(control, "postrm", "purge")
	if !strings.Contains(said, "var/lib/sekisho は残しました") || !strings.Contains(said, "etc/sekisho は残しました") {
		t.Errorf("purge does not say what stays: %s", said)
	}
	if !bytes.Equal(keys, read(t, w.path("etc/sekisho/keys/originals.agekey"))) {
		t.Error("the keys are not what they were")
	}
}

// contents looks at what is in the package: files, modes, owners, no keys, no
// paths of the machine that built it.
func contents(t *testing.T, w world, deb string) {
	t.Helper()
	for name, mode := range map[string]fs.FileMode{"usr/bin/sekisho": 0o755, "usr/libexec/sekisho/sekisho-box": 0o755,
		"usr/lib/systemd/system/sekisho.service": 0o644, "etc/sekisho": fs.ModeDir | 0o750, "usr/share/doc/sekisho/operator.md": 0o644, "usr/share/doc/sekisho/copyright": 0o644,
		"usr/share/doc/sekisho/examples/alerts.yaml": 0o644, "usr/lib/sekisho/modules": fs.ModeDir | 0o755, "usr/share/doc/sekisho/decoders.txt": 0o644} {
		if i, err := os.Stat(w.path(name)); err != nil || i.Mode() != mode {
			t.Errorf("%s: %v, %v", name, i, err)
		}
	}
	for line := range strings.Lines(run(t, "dpkg-deb", "-c", deb)) {
		if !strings.Contains(line, " root/root ") || strings.Contains(line, "agekey") || strings.HasSuffix(line, " ./\n") && !strings.HasPrefix(line, "drwxr-xr-x ") {
			t.Errorf("in the package: %s", line)
		}
	}
	have, err := filepath.Glob("../bin/modules/*.wasm*") // make modules
	if err != nil || len(have) == 0 {
		t.Errorf("no decoders to put in: %v", err)
	}
	for _, file := range have {
		if !bytes.Equal(read(t, file), read(t, w.path(filepath.Join("usr/lib/sekisho/modules", filepath.Base(file))))) {
			t.Errorf("%s is another file in the package", file)
		}
	}
	unit := string(read(t, w.path("usr/lib/systemd/system/sekisho.service")))
	if strings.Contains(unit, "/usr/local/bin") || !strings.Contains(unit, "ExecStart=/usr/bin/sekisho serve") {
		t.Error("the unit does not start the program of the package")
	}
	if out := run(t, w.path("usr/bin/sekisho"), "version"); out != "sekisho 1.2~test\n" {
		t.Errorf("version: %s", out)
	}
}

// first does what the operator does after the installation.
func first(t *testing.T, w world) {
	t.Helper()
	run(t, w.path("usr/bin/sekisho"), "init", w.path("etc/sekisho"), "--storage", w.path("var/lib/sekisho"), "--instance", "gw", "--name", "さくら町",
		"--contact", "情報政策課", "--postmaster", "postmaster@town.example.lg.jp", "--domain", "town.example.lg.jp", "--recipient", "@town.example.lg.jp",
		"--listen", "127.0.0.1:2525", "--hostname", "gw.town.example.lg.jp", "--client", "127.0.0.1", "--relay", "127.0.0.2:25", "--relay-tls", "none",
		"--my-number", "10.30.0.0/16")
	if out := run(t, w.path("usr/bin/sekisho"), "config", "check", w.path("etc/sekisho/sekisho.yaml")); !strings.Contains(out, "設定に誤りはありません") {
		t.Errorf("config check: %s", out)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestUnit: systemd reads the unit without a complaint and calls it well
// protected, where systemd is.
func TestUnit(t *testing.T) {
	for _, want := range []string{"User=sekisho", "NoNewPrivileges=yes", "ProtectSystem=strict", "RestrictNamespaces=user pid net mnt ipc uts", "ExecReload=/bin/kill -HUP"} {
		if !strings.Contains(Unit, "\n"+want) {
			t.Errorf("the unit lacks %s", want)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd is not here; its own judgement is not asked")
		return
	}
	// The program must exist for systemd to be content.
	here := t.TempDir()
	stub := filepath.Join(here, "sekisho")
	if err := os.WriteFile(stub, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(here, "sekisho.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(Unit, "/usr/local/bin/sekisho", stub)), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=yes", "--threshold=40", unit).CombinedOutput(); err != nil {
		t.Errorf("security: %v\n%s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput(); err != nil || bytes.Contains(out, []byte("sekisho.service:")) {
		t.Errorf("verify: %v\n%s", err, out)
	}
}
