// Package sandbox starts, limits and kills the boxed workers in which every
// parser of hostile bytes runs.
//
// A worker is this same program executed again. It first loads what it needs
// (engines, caches) as a [Class] says, then shuts the box around itself: empty
// namespaces where the host allows them, no capabilities, resource limits,
// Landlock without any path, and a seccomp allow-list without open, socket,
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
