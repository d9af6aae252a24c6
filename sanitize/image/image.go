// Package image rebuilds pictures from their pixels.
//
// Parse runs in the box: it reads the header, refuses pictures above the pixel
// budget before any memory is taken, decodes, turns the picture upright as
// EXIF says, brings its colours to sRGB as its profile says, and emits nothing
// but a Picture and its RGBA rows. Build writes a new PNG or JPEG from those
// rows, with the resolution and nothing else beside them. Lint re-reads the
// result with a chunk and marker walker of its own. Metadata, profiles,
// thumbnails, comments and everything behind the end of the picture have no
// word in between, so polyglots and hidden payloads die here.
//
// Of an animation the first frame is kept. Sixteen-bit samples lose their low
// byte. A transparent pixel loses its colour, which nobody can see but which
// can carry a hidden picture.
package image

import (
	"context"
	"errors"
	"fmt"
	stdimage "image"
	"image/jpeg"
	"image/png"
	"io"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/bmp"
	"sekisho/sanitize/image/icc"
	"sekisho/sanitize/image/metafile"
	"sekisho/sanitize/image/tiff"
	"sekisho/sanitize/ir"
)

// MaxPixels is the largest picture that is ever built, whatever the budget
// says: its RGBA bytes take 256 MB on the trusted side.
const MaxPixels = 1 << 26

// The codes of findings that this package emits.
const (
	codeMetadata    = "metadata_removed"
	codeProfile     = "color_profile"
	codeDiffers     = "color_differs"
	codeConverted   = "color_converted"
	codeDepth       = "depth_reduced"
	codeTrailing    = "trailing_data"
	codeOrientation = "orientation_applied"
	codeAnimation   = "animation_first"
	codeChanged     = "format_changed"
	codeCut         = "picture_truncated"
	codeLines       = "fax_lines_lost"
	codeLargest     = "icon_largest"
)

// Parse emits the findings and the pixels of a PNG, JPEG or GIF, told apart by
// content. It runs in the box. The reasons to hold are limit_pixels,
// limit_count, limit_time, truncated, malformed and kind_unsupported.
func Parse(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	ctx, cancel := withDeadline(ctx, in.Budget)
	defer cancel()
	switch format.Certain {
	case MatchPNG(in.Data):
		return parsePNG(ctx, in, out)
	case MatchJPEG(in.Data):
		return parseJPEG(ctx, in, out)
	case MatchGIF(in.Data):
		return parseGIF(ctx, in, out)
	}
	return format.Hold(format.Malformed, "no picture")
}

// survey is what a walk over the container, without decoding, tells about a
// picture.
type survey struct {
	w, h      int64 // as the header claims
	meta      metadata
	turn      orientation
	res       density
	profile   []byte         // colour profile, nil for none
	grey      bool           // a PNG of grey samples, with or without transparency
	exact     bool           // the profile must be of the samples' own space
	described *icc.Transform // colours that are said without a profile, nil for sRGB
	film      string         // the numbers of a curve of film, which is not applied
	unread    []string       // what was said about colours and is not applied
	animated  bool
	pixels    bool // the walk has seen pixels of a PNG
	trailing  int  // bytes behind the end that are not all zero, else 0
	truncated bool
	coarse    bool   // a progressive JPEG without its last refinements
	changed   string // the kind that comes out when it is another one
	lossy     bool   // the pixels were coded with loss
	deep      bool   // sixteen bits a colour, of which eight are left
}

// allowed reports an *format.Error when a picture of w × h pixels must not be
// decoded. A 1 KB file can claim 60000 × 60000 pixels.
func allowed(w, h int64, b format.Budget) error {
	if w < 1 || h < 1 {
		return format.Hold(format.Malformed, fmt.Sprintf("%d x %d pixels", w, h))
	}
	limit := min(b.Pixels, MaxPixels)
	if w > ir.MaxSide || h > ir.MaxSide || w*h > limit {
		return format.Hold(format.LimitPixels, fmt.Sprintf("%d x %d pixels", w, h))
	}
	return nil
}

// withDeadline bounds ctx by the budget's deadline, if it has one.
func withDeadline(ctx context.Context, b format.Budget) (context.Context, context.CancelFunc) {
	if b.Deadline.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, b.Deadline)
}

// ctxReader lets a decoder that knows no context stop at a deadline.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	// Short reads make the check come round often enough for a progressive
	// JPEG whose every byte stands for a pass over many blocks.
	return c.r.Read(p[:min(len(p), 4096)])
}

// holdDecode turns a decoder's error into the reason to hold.
func holdDecode(err error) error {
	var hold *format.Error
	var jpegUnsupported jpeg.UnsupportedError
	var pngUnsupported png.UnsupportedError
	switch {
	case errors.As(err, &hold):
		return hold
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return format.Hold(format.LimitTime, "decode picture")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return format.Hold(format.Truncated, err.Error())
	case errors.Is(err, tiff.ErrLimit):
		return format.Hold(format.LimitCount, err.Error())
	case errors.As(err, &jpegUnsupported), errors.As(err, &pngUnsupported), errors.Is(err, bmp.ErrUnsupported), errors.Is(err, tiff.ErrUnsupported), errors.Is(err, metafile.ErrUnsupported):
		return format.Hold(format.KindUnsupported, err.Error())
	default:
		return format.Hold(format.Malformed, err.Error())
	}
}

// notes emits the findings of a survey.
func (s survey) notes(out *ir.Writer) error {
	var all []ir.Note
	if s.changed != "" {
		all = append(all, ir.Note{Code: codeChanged, Detail: s.changed})
	}
	if m := s.meta &^ metaICC; m != 0 {
		all = append(all, ir.Note{Code: codeMetadata, Detail: m.String()})
	}
	if s.turn.turns() {
		all = append(all, ir.Note{Code: codeOrientation, Detail: fmt.Sprint(int(s.turn))})
	}
	if s.animated {
		all = append(all, ir.Note{Code: codeAnimation})
	}
	if s.coarse {
		all = append(all, ir.Note{Code: codeCut, Detail: "refinements missing"})
	}
	if s.trailing > 0 {
		all = append(all, ir.Note{Code: codeTrailing, Detail: fmt.Sprintf("%d bytes", s.trailing)})
	}
	for _, n := range all {
		if err := out.Write(n); err != nil {
			return fmt.Errorf("write finding: %w", err)
		}
	}
	return nil
}

// trailing counts the bytes behind a picture. Cameras pad with zeros, which
// carry nothing and are not counted.
func trailing(rest []byte) int {
	for _, b := range rest {
		if b != 0 {
			return len(rest)
		}
	}
	return 0
}

// decodeAndEmit decodes a picture whose header was surveyed and emits it.
func decodeAndEmit(ctx context.Context, s survey, b format.Budget, decode func() (stdimage.Image, error), out *ir.Writer) error {
	if err := ctx.Err(); err != nil {
		return holdDecode(err)
	}
	// Said first, so that a picture that takes the time of its decoding and then
	// fails counts like one that comes out.
	if err := out.Write(ir.Number{Name: ir.NumberPixels, N: s.w * s.h}); err != nil {
		return fmt.Errorf("write number: %w", err)
	}
	img, err := decode()
	if err != nil {
		return holdDecode(err)
	}
	// The decoder's own idea of the size counts, not the survey's.
	size := img.Bounds().Size()
	if err := allowed(int64(size.X), int64(size.Y), b); err != nil {
		return err
	}
	if s.lossy && isOpaque(img) {
		s.changed = "jpeg"
		if err := out.Write(ir.Number{Name: ir.NumberLossy, N: 1}); err != nil {
			return fmt.Errorf("write number: %w", err)
		}
	}
	if err := s.notes(out); err != nil {
		return err
	}
	v, notes := s.view(img)
	for _, n := range notes {
		if err := out.Write(n); err != nil {
			return fmt.Errorf("write finding: %w", err)
		}
	}
	return emit(ctx, img, v, out)
}

// view is how the stored pixels of a picture are shown.
type view struct {
	turn   orientation
	res    density        // of the stored pixels
	colour *icc.Transform // to sRGB; nil when the numbers are that already
}

// view decides how img is shown, and says what is lost by it.
func (s survey) view(img stdimage.Image) (view, []ir.Note) {
	v := view{turn: s.turn, res: s.res}
	var notes []ir.Note
	if s.deep {
		notes = append(notes, ir.Note{Code: codeDepth})
	}
	space := s.space(img)
	switch img.(type) {
	case *stdimage.Gray16, *stdimage.RGBA64, *stdimage.NRGBA64:
		notes = append(notes, ir.Note{Code: codeDepth})
	case *stdimage.CMYK:
		// The plain formula, which no press agrees with: colours come near.
		return v, append(notes, ir.Note{Code: codeProfile, Detail: "cmyk"})
	}
	for _, what := range s.unread {
		notes = append(notes, ir.Note{Code: codeProfile, Detail: what})
	}
	if s.film != "" {
		notes = append(notes, ir.Note{Code: codeDiffers, Detail: s.film})
	}
	if s.described != nil {
		v.colour = s.described
		return v, append(notes, ir.Note{Code: codeConverted, Detail: "described"})
	}
	if s.profile == nil && s.meta&metaICC == 0 {
		return v, notes
	}
	t, n := s.profiled(space)
	v.colour = t
	return v, append(notes, n)
}

// space tells what the samples of img are.
func (s survey) space(img stdimage.Image) icc.Space {
	switch img.(type) {
	case *stdimage.Gray16, *stdimage.Gray, *tiff.Bilevel:
		return icc.Gray
	}
	if s.grey {
		return icc.Gray
	}
	return icc.RGB
}

// profiled reads the profile of samples of a space. The Transform is nil when
// the numbers stay as they are.
func (s survey) profiled(space icc.Space) (*icc.Transform, ir.Note) {
	t, err := icc.New(s.profile)
	switch {
	case errors.Is(err, icc.ErrUnsupported):
		// Tables can turn every colour into any other.
		return nil, ir.Note{Code: codeDiffers, Detail: err.Error()}
	case err != nil:
		return nil, ir.Note{Code: codeProfile, Detail: err.Error()}
	case t.Space() == icc.Gray && space != icc.Gray:
		return nil, ir.Note{Code: codeProfile, Detail: "grey profile of a coloured picture"}
	case s.exact && t.Space() != space:
		return nil, ir.Note{Code: codeProfile, Detail: "coloured profile of a grey picture"}
	case t.Tables():
		return t, ir.Note{Code: codeDiffers, Detail: "tables besides curves"}
	case t.Plain():
		return nil, ir.Note{Code: codeConverted, Detail: "srgb"}
	}
	return t, ir.Note{Code: codeConverted}
}
