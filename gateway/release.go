package gateway

import (
	"context"
	"time"

	"sekisho/quarantine"
)

// JobState is the state of a Job.
type JobState string

// The states of a job. One that is leased stays JobWaiting.
const (
	JobWaiting JobState = "requested"
	JobDone    JobState = "done"
	JobFailed  JobState = "failed"
)

// JobKind is what a job is to do.
type JobKind string

// The kinds of jobs.
const (
	// JobRelease carries out an approved release request.
	JobRelease JobKind = "release"
	// JobPreview draws a page of a part, for somebody to look at (画面転送).
	JobPreview JobKind = "preview"
)

// Job is engine work that somebody asked for (DECISIONS 26); flow does it, for
// it alone runs the engine. The row is the truth: a job that is done has
// committed its result in the same transaction.
type Job struct {
	ID      ID
	Kind    JobKind
	Message ID
	Item    string // quarantine.Item
	Request string // quarantine.ReleaseRequest, of JobRelease
	By      string // id of the person who caused it
	State   JobState

	Lease    Lease
	Attempts int // tries that failed under a living parent
	Lost     int // leases lost to a dead parent

	CreatedAt time.Time
	NextAt    time.Time // not to be claimed before
	EndedAt   time.Time // zero while waiting
	Reason    string    // reason code of a failed job
	Detail    string    // for administrators; may quote hostile text

	Preview PagePreview // of JobPreview
}

// PagePreview is the page that a JobPreview draws and, once it is done, where
// the picture is: in the store of previews, for minutes.
type PagePreview struct {
	Part string // path in the mail, "" for the mail itself
	Page int64  // from 1

	Pages int64    // of the document, once done
	Blob  string   // the PNG, once done
	Size  int64    // its bytes
	Sum   [32]byte // its SHA-256
	// ExpiresAt is when a waiting preview is not wanted any more, and when the row
	// and the picture of one that has ended are deleted.
	ExpiresAt time.Time
}

// Releases is the part of a Ledger that holds requests, exceptions and jobs.
type Releases interface {
	Request(ctx context.Context, id string) (quarantine.ReleaseRequest, error)
	Requests(ctx context.Context, q RequestQuery) ([]quarantine.ReleaseRequest, error)
	Exception(ctx context.Context, id string) (quarantine.Exception, error)
	Exceptions(ctx context.Context, q ExceptionQuery) ([]quarantine.Exception, error)
	Job(ctx context.Context, id ID) (Job, error)
	Jobs(ctx context.Context, q JobQuery) ([]Job, error)
}

// RequestQuery selects requests, oldest first.
type RequestQuery struct {
	States    []quarantine.RequestState // none: all
	Item      string                    // "" for any
	Message   ID                        // "" for any
	Requester string                    // id of the person, "" for any
	DueBefore time.Time                 // expiry at or before; zero: any
	Limit     int                       // 0: 1000
	Newest    bool                      // the newest first, and only these beyond the limit
}

// ExceptionQuery selects exceptions, oldest first.
type ExceptionQuery struct {
	States    []quarantine.ExceptionState
	DueBefore time.Time // end at or before; zero: any
	Limit     int       // 0: 1000
}

// JobQuery selects jobs, oldest first.
type JobQuery struct {
	States  []JobState
	Kind    JobKind // "" for any
	Request string  // "" for any
	Message ID      // "" for any
	By      string  // id of the person, "" for any
	Limit   int     // 0: 1000
}

// ReleaseTx is the part of a Tx that changes requests, exceptions and jobs.
// Two people may decide at one moment: a change whose Version does not follow
// the stored one is refused with quarantine.AlreadyDecided, which is
// quarantine.ErrState too.
type ReleaseTx interface {
	// AddRequest inserts a new request of a held item that has no open one.
	AddRequest(r quarantine.ReleaseRequest, rec ...Record) error
	// MoveRequest stores what became of a request: its state, its end, the decisions
	// that came to it and whom they added in vain. The rest of a request never changes.
	MoveRequest(r quarantine.ReleaseRequest, rec ...Record) error
	// AddException and MoveException do the same for the register.
	AddException(e quarantine.Exception, rec ...Record) error
	MoveException(e quarantine.Exception, rec ...Record) error
	// EraseException deletes what people wrote about an exception that is over, in
	// its row and behind its records, for good; ErrState while it is not over.
	EraseException(id string, rec ...Record) error

	// AddItem inserts a held part that was found inside a released one.
	AddItem(i quarantine.Item, rec ...Record) error

	// AddJob inserts a waiting job.
	AddJob(j Job, rec ...Record) error
	// ClaimJob leases the oldest job of one of the kinds (none: of any) that is due
	// and has no living lease; ErrNotFound when there is none. A lease that ended
	// counts Lost up.
	ClaimJob(owner string, now, until time.Time, kinds ...JobKind) (Job, error)
	// RenewJob extends a lease; ErrLease when it was lost.
	RenewJob(j Job, until time.Time) error
	// ReturnJob gives a leased job back with its Attempts and NextAt as in j;
	// ErrLease when the lease was lost.
	ReturnJob(j Job) error
	// EndJob ends a leased job Done or Failed with its Reason, Detail and Preview;
	// ErrLease when the lease was lost.
	EndJob(j Job, rec ...Record) error
	// ForgetPreview deletes the row of an ended preview, and needs no record: what
	// was drawn and who looked are on record. One that is not there is no error.
	ForgetPreview(id ID) error
}
