package sanitize

// Progress is how far the drawing of a document has come, for people who look.
// It follows from what the document's worker says, which may be a lie: but a
// page comes once and after those before it, and there are not more of them
// than the rules allow.
type Progress struct {
	Path        string // of the part, "" for the file itself
	Page, Pages int    // page n of m, from 1
}

// turned counts the pages of a document. One that is drawn again, more
// coarsely, is not told of a second time (DECISIONS 19).
type turned struct {
	page, pages int // now, and as the worker announced them
	most        int // told of
}

// begin takes the announced number of pages, of at most limit.
func (t *turned) begin(pages, limit int64) {
	t.page, t.pages = 0, int(max(0, min(pages, limit)))
}

// next counts a page and reports whether it is one to tell of.
func (t *turned) next() bool {
	t.page++
	if t.page > t.pages || t.page <= t.most {
		return false
	}
	t.most = t.page
	return true
}

// pagesOf returns the count of a part's pages, whoever draws them.
func (s *session) pagesOf(path string) *turned {
	if s.turned == nil {
		s.turned = map[string]*turned{}
	}
	if s.turned[path] == nil {
		s.turned[path] = &turned{}
	}
	return s.turned[path]
}

// turn counts a page of a part and tells of it.
func (s *session) turn(path string) {
	if t := s.pagesOf(path); t.next() && s.in.Progress != nil {
		s.in.Progress(Progress{Path: path, Page: t.most, Pages: t.pages})
	}
}
