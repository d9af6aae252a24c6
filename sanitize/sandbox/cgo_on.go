//go:build cgo

package sandbox

// withCgo: this program was built with cgo, as "go run" does where there is a
// C compiler. It is for development; the product is built without.
const withCgo = true
