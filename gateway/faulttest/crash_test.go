package faulttest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// moment is what there was behind one operation of a life.
type moment struct {
	n        int
	op       string
	at       time.Time
	disks    map[string]*disk // what a power cut may leave, by what is chosen
	ledger   files
	sink     *sink
	promised map[string]bool
}

// TestPowerMayFailBehindEveryOperation cuts the power behind each operation of
// a life: what was not synced is gone, there, or there in part. The process's
// end, which loses nothing, is among the choices. The gateway is started again
// on each of the disks that differ.
// spec: g3 g6
func TestPowerMayFailBehindEveryOperation(t *testing.T) {
	o := newOffice(t)
	seed := uint64(1)
	if n, err := strconv.ParseUint(os.Getenv("SEKISHO_SEED"), 10, 64); err == nil {
		seed = n
	} else if soak() {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("SEKISHO_SEED=%d", seed)
	cuts := o.moments(rand.New(rand.NewPCG(seed, 1)))
	if len(cuts) < 30 {
		t.Fatalf("only %d moments", len(cuts))
	}
	for half := range 2 {
		t.Run(fmt.Sprintf("half %d", half+1), func(t *testing.T) {
			t.Parallel()
			o := o.fork(t)
			for i := half; i < len(cuts); i += 2 {
				m := cuts[i]
				for _, choice := range slices.Sorted(maps.Keys(m.disks)) {
					o.clock.set(m.at)
					if faults := o.converge(m.disks[choice], m.ledger, m.sink.clone(), m.promised); len(faults) > 0 {
						t.Errorf("cut behind operation %d, %s, left %s:\n%s", m.n, m.op, choice, strings.Join(faults, "\n"))
					}
				}
			}
		})
	}
}

// moments lives through a mail's life, of two in the long runs, and returns what it passed, each
// disk with its ledger once.
func (o *office) moments(random *rand.Rand) []moment {
	o.t.Helper()
	d, s, p := newDisk(o.clock.now), &sink{}, &promises{}
	file, seen := "", map[[32]byte]bool{}
	var mu sync.Mutex
	var list []moment
	d.after = func(n int) {
		mu.Lock()
		defer mu.Unlock()
		m := moment{n: n, at: o.clock.now(), disks: map[string]*disk{}, ledger: readFiles(o.t, file), sink: s.clone(), promised: p.all()}
		for name, choose := range choices(n, random) {
			c := d.crash(choose)
			if sum := m.digest(c); !seen[sum] {
				seen[sum] = true
				m.disks[name] = c
			}
		}
		if len(m.disks) > 0 {
			list = append(list, m)
		}
	}
	w, err := o.open(d, o.empty, s, func(w *world) { file = w.file })
	check(o.t, err)
	lived := letters[2:]
	if soak() {
		lived = letters[1:]
	}
	w.life(p, lived...)
	mu.Lock()
	defer mu.Unlock()
	d.after = nil
	w.close()
	for i, op := range d.log() {
		for j := range list {
			if list[j].n == i+1 {
				list[j].op = op
			}
		}
	}
	return list
}

// choices are what a power cut may leave: all of them in the long runs, and
// otherwise what was synced always, the rest in turn.
func choices(n int, random *rand.Rand) map[string]func(int) int {
	c := map[string]func(int) int{"what was synced": nil}
	if soak() || n%3 == 0 {
		c["everything"] = all
	}
	if soak() || n%3 == 1 {
		c["some"] = random.IntN
	}
	if soak() {
		c["other"], c["more"] = random.IntN, random.IntN
	}
	return c
}

// digest tells whether a moment with a disk was there before. The order of the
// names is that of the JSON package.
func (m moment) digest(c *disk) [32]byte {
	files := map[string][]byte{}
	for p, n := range c.now {
		files[p] = n.data
	}
	b, _ := json.Marshal([]any{files, m.ledger, m.promised, len(m.sink.mails)}) // of these types it cannot fail
	return sha256.Sum256(b)
}

// fork is the same office for another goroutine, with a clock of its own.
func (o *office) fork(t testing.TB) *office {
	f := *o
	f.t, f.clock, f.dir = t, &clock{at: o.clock.now()}, quickDir(t)
	f.blobs.Now = f.clock.now
	return &f
}
