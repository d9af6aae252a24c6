package configs

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sekisho/gateway/peertest"
)

// insideEnv is set in the test that runs as a service of the booted system.
const insideEnv = "SEKISHO_TEST_INSIDE"

// installed boots this system once more, beside itself (testdata/boot.sh), with
// systemd as its first process, and takes the package through its life in there.
// Who may not mount, or has no systemd, is told so: the scripts are tested
// without.
func installed(t *testing.T, deb string) {
	t.Helper()
	control := controlGroups(t)
	_, err := os.Stat("/lib/systemd/systemd")
	if os.Geteuid() != 0 || err != nil || control == "" || exec.CommandContext(t.Context(), "unshare", "-m", "-n", "-C", "true").Run() != nil {
		t.Logf("no system can be booted here (user %d, control groups at %q, %v)", os.Geteuid(), control, err)
		return
	}
	dir := t.TempDir()
	copyTo(t, dir, "1.deb", deb)
	run(t, "dpkg-deb", "-R", deb, filepath.Join(dir, "next"))
	run(t, "sed", "-i", "s/^Version: .*/Version: 1.3~test/", filepath.Join(dir, "next", "DEBIAN", "control"))
	run(t, "dpkg-deb", "-Znone", "-b", filepath.Join(dir, "next"), filepath.Join(dir, "2.deb"))
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copyTo(t, dir, "configs.test", exe)
	copyTo(t, dir, "boot.sh", filepath.Join("testdata", "boot.sh"))
	script := "#!/bin/sh\n" + insideEnv + "=1 exec /out/configs.test -test.v '-test.run=^TestPackage$'\n"
	if err := os.WriteFile(filepath.Join(dir, "inside"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	said := boot(t, control, dir)
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil || !bytes.Contains(log, []byte("--- PASS: TestPackage ")) {
		t.Errorf("in the booted system: %v\n%s\nits first process:\n%s", err, log, said)
		return
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "after ") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// controlGroups is where the second version's hierarchy is mounted, "" if it is
// not.
func controlGroups(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1]
		}
	}
	return ""
}

func copyTo(t *testing.T, dir, name, from string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), read(t, from), 0o755); err != nil {
		t.Fatal(err)
	}
}

// boot runs the system to its end and returns what its first process said.
func boot(t *testing.T, control, dir string) string {
	t.Helper()
	group := filepath.Join(control, fmt.Sprintf("sekisho-test-%d", os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Fatal(err)
	}
	fd, err := os.Open(group)
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "unshare", "-C", "-m", "-p", "-f", "-u", "-i", "-n", "--kill-child", "/bin/sh", filepath.Join(dir, "boot.sh"), dir)
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(fd.Fd())}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("boot: %v", err)
	}
	removeGroups(t, group)
	return string(out)
}

// removeGroups removes what the system left of its control groups, leaves first.
func removeGroups(t *testing.T, group string) {
	t.Helper()
	eventually(t, "the control group to be empty", func() bool {
		var dirs []string
		filepath.WalkDir(group, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for i := len(dirs) - 1; i >= 0; i-- {
			if os.Remove(dirs[i]) != nil {
				return false
			}
		}
		return true
	})
}

// eventually waits for what another process does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.NewTimer(2 * time.Minute) // an engine may be compiled meanwhile
	defer end.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-end.C:
			t.Fatalf("waited for %s\n%s", what, run(t, "systemctl", "show", "sekisho"))
		}
	}
}

// inside is the life of the package: installation, start, a mail, a crash, an
// upgrade, removal and purge, on a real system with systemd.
func inside(t *testing.T) {
	begin := time.Now()
	done := func(what string) { t.Logf("%s after %v", what, time.Since(begin).Round(time.Second)) }
	came := make(chan peertest.Mail, 10)
	s := peertest.NewSink("127.0.0.2:25", func(m peertest.Mail) error { came <- m; return nil })
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	defer func() {
		if t.Failed() {
			t.Log(run(t, "journalctl", "--no-pager", "-u", "sekisho", "-n", "60"))
		}
	}()
	if said := run(t, "dpkg", "--force-unsafe-io", "-i", "/out/1.deb"); !strings.Contains(said, "sekisho init /etc/sekisho") {
		t.Errorf("the first installation does not say what comes next: %s", said)
	}
	owners(t)
	run(t, "sekisho", "init", "/etc/sekisho", "--storage", "/var/lib/sekisho", "--instance", "gw", "--name", "さくら町", "--contact", "情報政策課",
		"--postmaster", "postmaster@town.example.lg.jp", "--domain", "town.example.lg.jp", "--recipient", "@town.example.lg.jp", "--listen", "127.0.0.1:25",
		"--hostname", "gw.town.example.lg.jp", "--client", "127.0.0.1", "--relay", "127.0.0.2:25", "--relay-tls", "none", "--my-number", "10.30.0.0/16")
	run(t, "chown", "-R", "sekisho:", "/etc/sekisho")
	run(t, "chmod", "0750", "/etc/sekisho")
	keys := read(t, "/etc/sekisho/keys/originals.agekey")
	run(t, "systemctl", "enable", "--now", "sekisho")
	ready(t, `version="1.2~test"`)
	walls(t)
	done("ready")
	mail(t, came)
	drawn(t, came)
	healthy(t)
	done("mail relayed, the doctor is content")

	first := property(t, "MainPID")
	run(t, "kill", "-9", first)
	eventually(t, "another process", func() bool { pid := property(t, "MainPID"); return pid != first && pid != "0" })
	ready(t, `version="1.2~test"`)
	run(t, "systemctl", "reload", "sekisho")
	mail(t, came)
	done("killed and back")

	before := property(t, "MainPID")
	if said := run(t, "dpkg", "--force-unsafe-io", "-i", "/out/2.deb"); strings.Contains(said, "sekisho init") {
		t.Errorf("an upgrade says what a first installation does: %s", said)
	}
	if property(t, "MainPID") == before {
		t.Error("the upgrade did not restart the gateway")
	}
	ready(t, `version="1.2~test"`) // the program in the second package is the same
	mail(t, came)
	done("upgraded")
	judged(t)
	run(t, "runuser", "-u", "sekisho", "--", "sekisho", "verify")

	done("judged and verified")

	run(t, "dpkg", "--force-unsafe-io", "-r", "sekisho")
	if s := property(t, "ActiveState"); s != "inactive" {
		t.Errorf("after the removal the service is %s", s)
	}
	for _, name := range []string{"/usr/bin/sekisho", "/var/cache/sekisho", "/usr/lib/sekisho"} {
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			t.Errorf("after the removal %s: %v", name, err)
		}
	}
	if said := run(t, "dpkg", "--force-unsafe-io", "-P", "sekisho"); !strings.Contains(said, "/var/lib/sekisho は残しました") || !strings.Contains(said, "/etc/sekisho は残しました") {
		t.Errorf("purge does not say what stays: %s", said)
	}
	if !bytes.Equal(keys, read(t, "/etc/sekisho/keys/originals.agekey")) || len(read(t, "/var/lib/sekisho/ledger.db")) == 0 {
		t.Error("the keys or the ledger are not what they were")
	}
}

// owners looks at what the installation made, with its owners.
func owners(t *testing.T) {
	t.Helper()
	for name, want := range map[string]string{"/usr/bin/sekisho": "755 root:root", "/usr/libexec/sekisho/sekisho-box": "755 root:root",
		"/lib/systemd/system/sekisho.service": "644 root:root", "/etc/sekisho": "750 root:sekisho", "/var/lib/sekisho": "700 sekisho:sekisho",
		"/var/cache/sekisho": "755 root:root", "/var/cache/sekisho/engine": "755 root:root", "/var/cache/sekisho/engine/stamp": "644 root:root",
		"/usr/lib/sekisho/modules": "755 root:root", "/usr/lib/sekisho/modules/cache": "755 root:root",
		"/usr/share/doc/sekisho/operator.md": "644 root:root", "/usr/share/doc/sekisho/copyright": "644 root:root",
		"/usr/share/doc/sekisho/examples/alerts.yaml": "644 root:root", "/usr/share/doc/sekisho/examples/sekisho.yaml": "644 root:root"} {
		if got := strings.TrimSpace(run(t, "stat", "-c", "%a %U:%G", name)); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if user := run(t, "getent", "passwd", "sekisho"); !strings.HasSuffix(strings.TrimSpace(user), ":/var/lib/sekisho:/usr/sbin/nologin") {
		t.Errorf("user %s", user)
	}
}

// property asks systemd about the service.
func property(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(run(t, "systemctl", "show", "-P", name, "sekisho"))
}

// ready waits until the gateway says that it can work, and looks for a label
// among its metrics.
func ready(t *testing.T, label string) {
	t.Helper()
	eventually(t, "the gateway to be ready", func() bool { status, _ := get(t, "/readyz"); return status == http.StatusOK })
	if _, text := get(t, "/metrics"); !strings.Contains(text, label) {
		t.Errorf("the metrics lack %s", label)
	}
}

// get fetches a page of the management listener; status 0 when it is down.
func get(t *testing.T, page string) (int, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8025"+page, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, ""
	}
	defer a.Body.Close()
	text, err := io.ReadAll(io.LimitReader(a.Body, 1<<20))
	if err != nil {
		return 0, ""
	}
	return a.StatusCode, string(text)
}

// walls checks that every wall of the boxes stands under the unit's own, and
// that these hold the gateway itself.
func walls(t *testing.T) {
	t.Helper()
	if _, text := get(t, "/metrics"); !strings.Contains(text, "\nsekisho_walls_missing 0\n") {
		t.Errorf("walls are missing: %s", run(t, "journalctl", "-u", "sekisho", "--no-pager"))
	}
	status := string(read(t, "/proc/"+property(t, "MainPID")+"/status"))
	for _, want := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapEff:\t0000000000000400\n", "CapBnd:\t0000000000000400\n"} {
		if !strings.Contains(status, want) {
			t.Errorf("the gateway's process lacks %q:\n%s", want, status)
		}
	}
}

// mail sends one and waits until it is relayed.
func mail(t *testing.T, came <-chan peertest.Mail) {
	t.Helper()
	text := "From: kumin@example.com\r\nTo: yamada@town.example.lg.jp\r\nSubject: one\r\nMessage-ID: <one@example.com>\r\n\r\none\r\n"
	if err := smtp.SendMail("127.0.0.1:25", nil, "kumin@example.com", []string{"yamada@town.example.lg.jp"}, []byte(text)); err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-came:
		if !bytes.Contains(m.Data, []byte("X-Sekisho-Result: v=1; verdict=rebuilt;")) {
			t.Errorf("relayed:\n%s", m.Data)
		}
	case <-time.After(time.Minute):
		t.Fatal("the mail was not relayed")
	}
}

// drawn sends a mail with a PDF: it is drawn with the code that the installation
// made, and none is made by the service.
func drawn(t *testing.T, came <-chan peertest.Mail) {
	t.Helper()
	page := "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n" +
		"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R>>\nendobj\n4 0 obj\n<</Length 27>>\nstream\n1 0 0 rg 50 50 100 100 re f \nendstream\nendobj\n" +
		"trailer\n<</Size 5/Root 1 0 R>>\n%%EOF\n"
	text := "From: kumin@example.com\r\nTo: yamada@town.example.lg.jp\r\nSubject: two\r\nMIME-Version: 1.0\r\nContent-Type: application/pdf; name=a.pdf\r\n" +
		"Content-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	for line := base64.StdEncoding.EncodeToString([]byte(page)); line != ""; line = line[min(76, len(line)):] {
		text += line[:min(76, len(line))] + "\r\n"
	}
	if err := smtp.SendMail("127.0.0.1:25", nil, "kumin@example.com", []string{"yamada@town.example.lg.jp"}, []byte(text)); err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-came:
		if !bytes.Contains(m.Data, []byte("X-Sekisho-Result: v=1; verdict=rebuilt;")) || !bytes.Contains(m.Data, []byte("application/pdf")) {
			t.Errorf("relayed:\n%s", m.Data)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("the mail with a PDF was not relayed")
	}
	made, err := filepath.Glob("/tmp/systemd-private-*-sekisho.service-*/tmp/sekisho-engine-*")
	if err != nil || len(made) > 0 {
		t.Errorf("the service compiled the engine itself: %v, %v", made, err)
	}
}

// healthy asks the doctor, as an operator does after the installation.
func healthy(t *testing.T) {
	t.Helper()
	said := run(t, "runuser", "-u", "sekisho", "--", "sekisho", "doctor", "--json")
	for _, check := range []string{"config", "boxes", "pdf", "decoders", "next_hop", "listener", "audit"} {
		if !strings.Contains(said, `{"check":"`+check+`","grade":"good"`) {
			t.Errorf("the doctor is not content with %s:\n%s", check, said)
		}
	}
}

// judged has systemd judge the unit as it is installed.
func judged(t *testing.T) {
	t.Helper()
	if out := run(t, "systemd-analyze", "verify", "--man=no", "sekisho.service"); strings.Contains(out, "sekisho.service:") {
		t.Errorf("verify: %s", out)
	}
	t.Log(run(t, "systemd-analyze", "security", "--offline=yes", "--threshold=40", "/lib/systemd/system/sekisho.service"))
}
