package audit

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrProof is wrapped by every error that says a bundle proves nothing.
var ErrProof = errors.New("audit proof")

// ErrNotSigned says that a record is in the log but not under a checkpoint yet;
// it can be proven after the next one.
var ErrNotSigned = errors.New("audit record is not under a checkpoint yet")

const (
	maxProven = 10000     // records in one bundle
	maxBundle = 256 << 20 // bytes of one bundle
	maxPath   = 64        // hashes in one inclusion proof
)

// Bundle is a set of records that anyone with the public key can check without
// the log: each with the RFC 6962 inclusion proof that leads to the root in the
// checkpoint. The other records are not revealed.
type Bundle struct {
	V          int      `json:"v"`          // Version
	Checkpoint string   `json:"checkpoint"` // signed note
	Records    []Proven `json:"records"`
	// Openings say what commitments in the records stand for: as many as whoever
	// made the bundle may show. They need no proof of their own.
	Openings []BundleOpening `json:"openings,omitempty"`
}

// BundleOpening is an Opening in a bundle.
type BundleOpening struct {
	Digest string `json:"digest"`
	Nonce  string `json:"nonce"` // base64
	Value  string `json:"value"`
}

// Disclose adds what a commitment of one of the records stands for.
func (b *Bundle) Disclose(o Opening) {
	b.Openings = append(b.Openings, BundleOpening{o.Digest, base64.StdEncoding.EncodeToString(o.Nonce[:]), o.Value})
}

// Proven is one record of a bundle.
type Proven struct {
	Seq    int64       `json:"seq"`
	Record string      `json:"record"` // the canonical bytes that were hashed
	Proof  []tlog.Hash `json:"proof"`  // base64; RFC 6962 section 2.1.1
}

// Prove makes a bundle of the records with the given numbers, at most 10,000,
// against the published checkpoint. Errors wrap ErrNotSigned, ErrCheckpoint or
// ErrProof where these apply.
func Prove(ctx context.Context, fsys fs.FS, keys Keys, seqs ...int64) (Bundle, error) {
	if len(seqs) == 0 || len(seqs) > maxProven {
		return Bundle{}, fmt.Errorf("%w: asked for %d records, possible are 1 to %d", ErrProof, len(seqs), maxProven)
	}
	msg, err := readSmall(fsys, checkpointFile, maxNote)
	if err != nil {
		return Bundle{}, fmt.Errorf("prove records: %w", err)
	}
	c, err := OpenCheckpoint(msg, keys)
	if err != nil {
		return Bundle{}, fmt.Errorf("prove records: %w", err)
	}
	sorted := slices.Clone(seqs)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	if sorted[0] < 0 || sorted[len(sorted)-1] >= c.Size {
		return Bundle{}, fmt.Errorf("prove record %d: %w", sorted[len(sorted)-1], ErrNotSigned)
	}
	lines, err := readLines(ctx, fsys, sorted)
	if err != nil {
		return Bundle{}, fmt.Errorf("prove records: %w", err)
	}
	b := Bundle{V: Version, Checkpoint: string(msg)}
	reader := tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tileFiles{fsys})
	for _, seq := range sorted {
		proof, err := tlog.ProveRecord(c.Size, seq, reader)
		if err != nil {
			return Bundle{}, fmt.Errorf("%w: record %d: %w", ErrProof, seq, err)
		}
		line := lines[seq]
		if err := tlog.CheckRecord(proof, c.Size, c.Root, seq, tlog.RecordHash(line)); err != nil {
			return Bundle{}, fmt.Errorf("%w: record %d is not the one that was signed", ErrProof, seq)
		}
		b.Records = append(b.Records, Proven{seq, string(line), proof})
	}
	return b, nil
}

// readLines reads the lines of the given numbers, which are sorted.
func readLines(ctx context.Context, fsys fs.FS, seqs []int64) (map[int64][]byte, error) {
	list, err := months(fsys, segmentDir, ".jsonl")
	if err != nil {
		return nil, err
	}
	lines := make(map[int64][]byte, len(seqs))
	for i, month := range list {
		first, ok, err := firstRecord(ctx, fsys, month)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if i == 0 && seqs[0] < first.Seq {
			return nil, fmt.Errorf("record %d was purged", seqs[0])
		}
		seq := first.Seq
		_, _, err = scanSegment(ctx, fsys, month, func(line []byte, _ int64) error {
			if _, want := slices.BinarySearch(seqs, seq); want {
				lines[seq] = bytes.Clone(line)
			}
			if seq++; len(lines) == len(seqs) {
				return errStop
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(lines) < len(seqs) {
		return nil, errors.New("records missing from the segments")
	}
	return lines, nil
}

// tileFiles gives tlog the tiles of a log. tlog checks them against the root.
type tileFiles struct{ fs fs.FS }

func (t tileFiles) Height() int { return tileHeight }

func (t tileFiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, want := range tiles {
		hashes, err := readTile(t.fs, want.L, want.N, want.W)
		if err != nil {
			return nil, err
		}
		data[i] = tile{hashes: hashes}.bytes()
	}
	return data, nil
}

func (t tileFiles) SaveTiles([]tlog.Tile, [][]byte) {}

// Marshal returns the bundle as indented JSON, the form of a bundle file.
func (b Bundle) Marshal() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(b); err != nil {
		return nil, fmt.Errorf("write proof bundle: %w", err)
	}
	return out.Bytes(), nil
}

// Proof is what a bundle shows: these events are in the log under this
// checkpoint, and this is what some of their commitments stand for, by digest.
type Proof struct {
	Checkpoint Checkpoint
	Events     []Event
	Texts      map[string]string
}

// VerifyBundle checks a bundle file against the public key, offline. It returns
// what is proven, or an error that wraps ErrProof; there is nothing in between.
// spec: rfc6962#2.1.1
func VerifyBundle(b []byte, keys Keys) (Proof, error) {
	if len(b) > maxBundle {
		return Proof{}, fmt.Errorf("%w: bundle longer than %d bytes", ErrProof, maxBundle)
	}
	var bundle Bundle
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&bundle); err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrProof, plain(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Proof{}, fmt.Errorf("%w: something follows the bundle", ErrProof)
	}
	if bundle.V != Version || len(bundle.Records) == 0 || len(bundle.Records) > maxProven {
		return Proof{}, fmt.Errorf("%w: unknown version or number of records", ErrProof)
	}
	c, err := OpenCheckpoint([]byte(bundle.Checkpoint), keys)
	if err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	p := Proof{Checkpoint: c}
	for _, r := range bundle.Records {
		e, err := r.check(c)
		if err != nil {
			return Proof{}, fmt.Errorf("%w: record %d: %w", ErrProof, r.Seq, err)
		}
		p.Events = append(p.Events, e)
	}
	if p.Texts, err = bundle.texts(p.Events); err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return p, nil
}

// texts checks that each opening opens a commitment of one of the events.
func (b Bundle) texts(events []Event) (map[string]string, error) {
	if len(b.Openings) > 3*len(events) {
		return nil, errors.New("more texts than commitments")
	}
	known := map[string]bool{}
	for _, e := range events {
		for _, d := range e.Commitments() {
			known[d] = true
		}
	}
	texts := map[string]string{}
	for _, o := range b.Openings {
		n, err := base64.StdEncoding.Strict().DecodeString(o.Nonce)
		if err != nil || len(n) != NonceSize || !known[o.Digest] || !CheckOpening(o.Digest, Opening{Digest: o.Digest, Nonce: [NonceSize]byte(n), Value: o.Value}) {
			return nil, errors.New("a text is not what a record commits to")
		}
		texts[o.Digest] = o.Value
	}
	return texts, nil
}

// check proves one record.
func (r Proven) check(c Checkpoint) (Event, error) {
	e, err := ParseRecord([]byte(r.Record))
	if err != nil {
		return Event{}, err
	}
	if e.Seq != r.Seq || len(r.Proof) > maxPath || r.Seq < 0 || r.Seq >= c.Size {
		return Event{}, errors.New("number or proof does not belong to it")
	}
	if err := tlog.CheckRecord(r.Proof, c.Size, c.Root, r.Seq, tlog.RecordHash([]byte(r.Record))); err != nil {
		return Event{}, errors.New("not in the tree of the checkpoint")
	}
	return e, nil
}
