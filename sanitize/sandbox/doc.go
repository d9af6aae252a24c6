// Package sandbox starts, limits and kills the boxed workers in which every
// parser of hostile bytes runs.
//
// A worker is this program, or a smaller one of the same build, executed again
// by a starter process that has raised the walls that are inherited: namespaces
// where the host allows them, an empty root directory, no capabilities,
// Landlock. The worker loads what it needs as a [Class] says and shuts the box
// from inside: resource limits and a seccomp allow-list without open, socket,
// exec, fork, ptrace or executable memory. Only then does it say "ready", and
// only then does the parent write the first untrusted byte. One [Worker]
// lives for one message and is never used again; a [Pool] hides the few
// milliseconds of its start by starting workers ahead of need.
//
// The package carries bytes and knows no format. Its invariants: a worker
// that does not stand behind the minimum (seccomp and Landlock) is never
// handed out unless [Config.AllowWeak] says so; everything read from a worker
// is bounded; the end of a worker's output is a clean io.EOF only if the
// worker ended well; every worker is reaped. See docs/design/boundary.md.
package sandbox
