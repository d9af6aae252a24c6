package config

import "time"

// release looks at which releases are offered.
func (r *report) release() {
	c := r.c.Release
	r.between("release.wait", int64(c.Wait), int64(time.Hour), int64(90*day), "1h - 90d")
	if c.Exceptions {
		r.doubtful("release.exceptions", "無害化していない原本を、LGWAN接続系へ届けられる設定です。例外措置を使わない間は false に戻してください。",
			"originals that are not sanitized can reach the LGWAN zone; set it to false while no exception is needed.")
	}
	if p, err := r.c.LoadPolicy(); err == nil && time.Duration(c.Wait) > p.Default.Limits.Retain {
		r.doubtful("release.wait", "方針の limits.retain より長いので、お預かりの期限で申請も終わります。",
			"it is longer than the policy's limits.retain; a request ends with the part that it is about.")
	}
}
