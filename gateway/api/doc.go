// Package api is the REST interface /api/v1, described by OpenAPI 3.1
// (docs/openapi.yaml is generated from this code). It has no rules of its own:
// who may do what stands in gateway/account, what may become of held parts in
// quarantine, and handlers only translate between these and JSON.
//
// One gate stands before all handlers. Each route is a row with the capability
// it needs; a request without a row is 404. The gate limits rates, finds the
// principal, refuses cross-site requests, asks the capability, records
// refusals, and answers a repeated Idempotency-Key with the first answer. When
// the log takes no records, whatever changes something is answered 503 (G6).
//
// Errors are problem+json (RFC 9457) with a stable code; titles are Japanese
// or English; no error shows internal text or what was typed. GET changes
// nothing.
package api
