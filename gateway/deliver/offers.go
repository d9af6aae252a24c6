package deliver

import (
	"context"
	"maps"
	"slices"
)

// Offers is a Probe that also tells which extensions the next hop announced on
// the connection as mail would use it, in upper case and in order (RFC 5321
// §4.1.1.1).
func (d *Deliver) Offers(ctx context.Context) ([]string, error) {
	c := d.connection()
	defer c.close()
	if _, err := c.ready(ctx); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(c.client.ext)), nil
}
