package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// visitor is a browser of a story: its cookies, and the token of its page.
type visitor struct {
	cookies map[string]string
	csrf    string
}

type visitorsKey struct{}

// restCommand handles rest WHO METHOD PATH [BODY [Name:Value…]]: a request to
// the REST interface at $API as the visitor WHO. It prints the status and the
// body; with ! the status must be an error. What is still being made is asked for
// again, as the answer says.
func restCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) < 3, "rest WHO METHOD PATH [BODY [Name:Value…]]")
	all, _ := ts.Value(visitorsKey{}).(map[string]*visitor)
	v := all[args[0]]
	if v == nil {
		v = &visitor{cookies: map[string]string{}}
		all[args[0]] = v
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	body := ""
	if len(args) > 3 {
		body = args[3]
	}
	var status int
	var b []byte
	until(ts, "an answer to "+args[2], func() bool {
		var again bool
		status, b, again = v.ask(ctx, ts, args, body)
		return !again
	})
	fmt.Fprintf(ts.Stdout(), "%d\n%s", status, b)
	var err error
	if status >= 400 {
		err = fmt.Errorf("status %d: %s", status, b)
	}
	expect(ts, neg, err, "rest")
}

// ask sends one request. again is true for what is still being made.
func (v *visitor) ask(ctx context.Context, ts *testscript.TestScript, args []string, body string) (status int, b []byte, again bool) {
	q, err := http.NewRequestWithContext(ctx, args[1], "http://"+ts.Getenv("API")+"/api/v1/"+args[2], strings.NewReader(body))
	ts.Check(err)
	if body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	q.Header.Set("X-CSRF-Token", v.csrf)
	for n, c := range v.cookies {
		q.AddCookie(&http.Cookie{Name: n, Value: c})
	}
	for _, h := range args[min(4, len(args)):] {
		n, value, _ := strings.Cut(h, ":")
		q.Header.Set(n, value)
	}
	a, err := http.DefaultClient.Do(q)
	ts.Check(err)
	defer a.Body.Close()
	b, err = io.ReadAll(io.LimitReader(a.Body, 1<<20))
	ts.Check(err)
	for _, c := range a.Cookies() {
		v.cookies[c.Name] = c.Value
	}
	var me struct {
		CSRF string `json:"csrf_token"`
	}
	if json.Unmarshal(b, &me) == nil && me.CSRF != "" {
		v.csrf = me.CSRF
	}
	return a.StatusCode, b, a.StatusCode == http.StatusConflict && a.Header.Get("Retry-After") != ""
}

// codeCommand handles code ENV KEY STEPS: sets ENV to the code of a second
// factor, so many steps of thirty seconds from now.
func codeCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 3, "code ENV KEY STEPS")
	steps, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	code, err := codeAt(args[1], time.Now(), steps)
	ts.Check(err)
	ts.Setenv(args[0], code)
}
