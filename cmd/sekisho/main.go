// Command sekisho is a mail and file sanitization gateway (無害化通信) between
// a municipality's Internet zone and its LGWAN zone. One static binary holds
// every role; the boxes that parse hostile bytes are this same binary started
// again.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // the office's time zone must exist on a bare machine

	"github.com/alecthomas/kong"

	"sekisho/sanitize"
	"sekisho/sanitize/sandbox"
)

// cli is the command line. Its help texts are the first documentation that an
// operator sees: Japanese first.
type cli struct {
	Demo       demoCmd       `cmd:"" help:"試しに動かす（設定・管理者権限・外部通信は不要）/ run everything on loopback with sample mail"`
	Init       initCmd       `cmd:"" help:"設定の雛形と鍵を作る / create configuration templates and keys"`
	Serve      serveCmd      `cmd:"" help:"ゲートウェイを動かす / run the gateway"`
	Config     configCmd     `cmd:"" help:"設定を調べる / check or describe the configuration"`
	Sanitize   sanitizeCmd   `cmd:"" help:"ファイルや .eml を無害化する / sanitize files or mails"`
	Lint       lintCmd       `cmd:"" help:"無害化済みの形かどうかを調べる / is this in the closed output form?"`
	Quarantine quarantineCmd `cmd:"" help:"お預かり中のものを見る・破棄する / held items"`
	Exception  exceptionCmd  `cmd:"" help:"例外措置を登録する・承認する・終える / register of exceptions"`
	User       userCmd       `cmd:"" help:"アカウントを作る・見る・止める / accounts"`
	Queue      queueCmd      `cmd:"" help:"配送待ちを見る・やり直す / deliveries"`
	Notice     noticeCmd     `cmd:"" help:"お知らせの様子を見る・もう一度送る・試す / notices about held parts"`
	Policy     policyCmd     `cmd:"" help:"方針を見る・比べる・取り込む / policy"`
	Keys       keysCmd       `cmd:"" help:"鍵を替える・公開鍵を書き出す / keys"`
	Audit      auditCmd      `cmd:"" help:"監査記録を検証する・書き出す / audit records"`
	Verify     verifyCmd     `cmd:"" help:"台帳・保管庫・監査記録が合うかを調べる / do ledger, stores and log agree?"`
	Doctor     doctorCmd     `cmd:"" help:"足りないものと直し方を調べる / what is missing, and how to mend it"`
	Backup     backupCmd     `cmd:"" help:"動いている間にバックアップを取る（秘密鍵は入りません）/ back up, without private keys"`
	Restore    restoreCmd    `cmd:"" help:"バックアップを空のフォルダに戻し、確かめる / restore into an empty folder"`
	Decoders   decodersCmd   `cmd:"" help:"画像の追加のプログラムを使える形にする / compile the added decoders"`
	Engine     engineCmd     `cmd:"" help:"PDFを描くプログラムを使える形にする / compile the engine that draws PDF"`
	Version    versionCmd    `cmd:"" help:"版を表示する / print the version"`
}

// Exit codes that mean something to scripts; commands return an exit to choose.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

const (
	exitHeld  exit = 1 // something was held, or a check failed
	exitUsage exit = 2 // usage or failure
)

// env is what commands get from their surroundings.
type env struct {
	ctx    context.Context
	stdout io.Writer
	stderr io.Writer
}

func main() {
	sandbox.Main(sanitize.Classes(engines()...))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(env{ctx, os.Stdout, os.Stderr}, os.Args[1:]))
}

// run runs one command line and returns the exit code.
func run(e env, args []string) int {
	var c cli
	code := -1
	parser, err := kong.New(&c, kong.Name("sekisho"), kong.Description("関所 – 無害化通信ゲートウェイ / mail and file sanitization gateway"),
		kong.Writers(e.stdout, e.stderr), kong.Exit(func(n int) { code = n }), kong.Bind(e))
	if err != nil {
		fmt.Fprintln(e.stderr, "sekisho:", err)
		return int(exitUsage)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if code >= 0 { // --help was answered
		return code
	}
	if err != nil {
		fmt.Fprintf(e.stderr, "sekisho: %v\n使い方 / usage: sekisho --help\n", err)
		return int(usageCode(args))
	}
	return report(e, k.Run())
}

// usageCode is the exit code of a wrong command line. For audit verify it is 3,
// since 2 means a gap there.
func usageCode(args []string) exit {
	if len(args) >= 2 && args[0] == "audit" && args[1] == "verify" {
		return exitVerifyUsage
	}
	return exitUsage
}

func report(e env, err error) int {
	var x exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &x):
		return int(x)
	}
	fmt.Fprintln(e.stderr, "sekisho:", err)
	return int(exitUsage)
}

// version is set by release builds with -ldflags.
var version = ""

// buildVersion returns the version that records and headers carry.
func buildVersion() string {
	if version != "" {
		return version
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "dev-" + s.Value[:12]
			}
		}
	}
	return "dev"
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(e env) error {
	fmt.Fprintln(e.stdout, "sekisho", buildVersion())
	return nil
}
