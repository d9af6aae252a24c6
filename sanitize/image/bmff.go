package image

import (
	"context"
	"encoding/binary"
	stdimage "image"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// Decoder is an engine that decodes a file's picture if it has at most limit
// pixels, and says whether its samples had more than eight bits. It gives an
// *format.Error for a reason to hold.
type Decoder func(data []byte, limit int64) (img stdimage.Image, deep bool, err error)

// HEIC returns the parser of HEIC pictures with an engine. The engine turns the
// picture upright. The reasons to hold are limit_pixels, limit_count,
// limit_time, truncated and malformed.
func HEIC(decode Decoder) func(context.Context, format.Untrusted, *ir.Writer) error {
	return boxed(decode, false)
}

// AVIF returns the parser of AVIF pictures with an engine, which leaves the
// picture as it is stored. The reasons to hold are those of HEIC.
func AVIF(decode Decoder) func(context.Context, format.Untrusted, *ir.Writer) error {
	return boxed(decode, true)
}

func boxed(decode Decoder, turn bool) func(context.Context, format.Untrusted, *ir.Writer) error {
	return func(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
		ctx, cancel := withDeadline(ctx, in.Budget)
		defer cancel()
		k := bmffWalk{}
		if err := k.walk(in.Data); err != nil {
			return err
		}
		s := k.survey()
		if !turn {
			s.turn = 0
		}
		if err := allowed(s.w, s.h, in.Budget); err != nil {
			return err
		}
		img, deep, err := decodeWith(ctx, decode, in)
		if err != nil {
			return holdDecode(err)
		}
		s.deep = deep
		if k.narrow {
			img = newStudio(img)
		}
		return decodeAndEmit(ctx, s, in.Budget, func() (stdimage.Image, error) { return img, nil }, out)
	}
}

// decodeWith runs an engine, which knows no context.
func decodeWith(ctx context.Context, decode Decoder, in format.Untrusted) (stdimage.Image, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	return decode(in.Data, min(in.Budget.Pixels, MaxPixels))
}

// maxBoxes bounds the boxes of a file. A large HEIC of 48 tiles has about 200.
const maxBoxes = 20_000

// bmffWalk reads what the boxes around a picture say (ISO/IEC 14496-12, 23008-12
// "HEIF"): which item is the picture, and its properties.
type bmffWalk struct {
	meta     metadata
	rest     int // bytes behind the last box
	sequence bool
	narrow   bool // samples of video: black is 16
	boxes    int

	primary    uint32
	properties []bmffBox
	of         map[uint32][]int // places of an item's properties
}

type bmffBox struct {
	kind string
	body []byte
}

var errBoxCut = format.Hold(format.Truncated, "a box reaches over the end")

// each calls f for every box in p.
func (k *bmffWalk) each(p []byte, f func(b bmffBox) error) error {
	for len(p) >= 8 {
		if k.boxes++; k.boxes > maxBoxes {
			return format.Hold(format.LimitCount, "boxes of a picture")
		}
		size, head := int64(binary.BigEndian.Uint32(p)), int64(8)
		switch size {
		case 0:
			size = int64(len(p))
		case 1:
			if len(p) < 16 {
				return errBoxCut
			}
			size, head = int64(binary.BigEndian.Uint64(p[8:])&(1<<62-1)), 16
		}
		if size < head || size > int64(len(p)) {
			return errBoxCut
		}
		if err := f(bmffBox{string(p[4:8]), p[head:size]}); err != nil {
			return err
		}
		p = p[size:]
	}
	k.rest = trailing(p)
	return nil
}

// walk reads the file.
func (k *bmffWalk) walk(data []byte) error {
	k.of = map[uint32][]int{}
	err := k.each(data, func(b bmffBox) error {
		switch b.kind {
		case "ftyp":
			for p := b.body; len(p) >= 4; p = p[4:] {
				switch string(p[:4]) {
				case "msf1", "avis", "hevc", "hevx":
					k.sequence = true
				}
			}
		case "meta":
			return k.metaBox(b.body)
		case "mdat", "free", "skip", "moov", "idat":
		default:
			k.meta |= metaOther
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(k.of[k.primary]) == 0 {
		return format.Hold(format.Malformed, "no primary picture")
	}
	return nil
}

// full takes version and flags off the body of a full box.
func full(body []byte) (uint8, []byte) {
	if len(body) < 4 {
		return 0, nil
	}
	return body[0], body[4:]
}

func (k *bmffWalk) metaBox(body []byte) error {
	_, body = full(body)
	rest := k.rest
	err := k.each(body, func(b bmffBox) error {
		switch b.kind {
		case "pitm":
			version, p := full(b.body)
			k.primary, _ = itemID(version > 0, p)
		case "iinf":
			return k.items(b.body)
		case "iprp":
			return k.each(b.body, k.property)
		}
		return nil
	})
	k.rest = rest
	return err
}

// itemID reads an item's number of 16 or 32 bits, and returns what follows.
func itemID(long bool, p []byte) (uint32, []byte) {
	switch {
	case long && len(p) >= 4:
		return binary.BigEndian.Uint32(p), p[4:]
	case !long && len(p) >= 2:
		return uint32(binary.BigEndian.Uint16(p)), p[2:]
	}
	return 0, nil
}

// items notes the items that are not pictures.
func (k *bmffWalk) items(body []byte) error {
	version, p := full(body)
	_, p = itemID(version > 0, p) // their number
	return k.each(p, func(b bmffBox) error {
		version, p := full(b.body)
		if b.kind != "infe" || version < 2 {
			return nil
		}
		_, p = itemID(version > 2, p)
		if len(p) < 6 {
			return nil
		}
		switch string(p[2:6]) {
		case "Exif":
			k.meta |= metaEXIF
		case "mime":
			k.meta |= metaXMP
		case "uri ":
			k.meta |= metaOther
		}
		return nil
	})
}

// property reads the list of properties, and which item has which.
func (k *bmffWalk) property(b bmffBox) error {
	switch b.kind {
	case "ipco":
		return k.each(b.body, func(b bmffBox) error {
			k.properties = append(k.properties, b)
			return nil
		})
	case "ipma":
		k.associations(b.body)
	}
	return nil
}

func (k *bmffWalk) associations(body []byte) {
	if len(body) < 8 {
		return
	}
	version, wide := body[0], body[3]&1 == 1
	n := binary.BigEndian.Uint32(body[4:])
	p := body[8:]
	for ; n > 0 && len(p) > 0; n-- {
		var id uint32
		id, p = itemID(version > 0, p)
		if len(p) < 1 {
			return
		}
		count := int(p[0])
		p = p[1:]
		for ; count > 0; count-- {
			switch {
			case wide && len(p) >= 2:
				k.of[id] = append(k.of[id], int(binary.BigEndian.Uint16(p)&0x7FFF)-1)
				p = p[2:]
			case !wide && len(p) >= 1:
				k.of[id] = append(k.of[id], int(p[0]&0x7F)-1)
				p = p[1:]
			default:
				return
			}
		}
	}
}

// survey takes the properties of the primary picture.
func (k *bmffWalk) survey() survey {
	s := survey{meta: k.meta, trailing: k.rest, animated: k.sequence, changed: "png", lossy: true}
	angle, axis := 0, -1
	for _, i := range k.of[k.primary] {
		if i < 0 || i >= len(k.properties) {
			continue
		}
		b := k.properties[i]
		switch {
		case b.kind == "ispe" && len(b.body) >= 12:
			s.w, s.h = int64(binary.BigEndian.Uint32(b.body[4:])), int64(binary.BigEndian.Uint32(b.body[8:]))
		case b.kind == "irot" && len(b.body) >= 1:
			angle = int(b.body[0] & 3)
		case b.kind == "imir" && len(b.body) >= 1:
			axis = int(b.body[0] & 1)
		case b.kind == "colr" && len(b.body) >= 4:
			k.colour(b.body, &s)
		}
	}
	s.turn = turned(angle, axis)
	return s
}

// colour reads a colr property: a profile, or numbers of ISO/IEC 23091-2.
func (k *bmffWalk) colour(body []byte, s *survey) {
	switch string(body[:4]) {
	case "prof", "rICC":
		s.meta |= metaICC
		s.profile = body[4:]
	case "nclx":
		k.narrow = len(body) >= 11 && body[10]&0x80 == 0
	}
}

// turned gives the EXIF orientation for a turn of quarters counter-clockwise,
// and then a mirror: 0 top and bottom, 1 left and right, -1 none.
func turned(angle, axis int) orientation {
	return [4][3]orientation{{1, 4, 2}, {8, 5, 7}, {3, 2, 4}, {6, 7, 5}}[angle][axis+1]
}
