//go:build !cgo

package sandbox

// withCgo: this program was built without cgo.
const withCgo = false
