package api_test

import (
	"bytes"
	"flag"
	"log/slog"
	"os"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/api"
	"sekisho/gateway/desk"
)

var update = flag.Bool("update", false, "write docs/openapi.yaml")

const document = "../../docs/openapi.yaml"

// TestOpenAPI: the description in docs is that of the code.
func TestOpenAPI(t *testing.T) {
	a := api.New(api.Config{Scribe: gateway.Scribe{Clock: time.Now}, Log: slog.New(slog.DiscardHandler), Desk: &desk.Desk{}, Previews: swapped{}})
	got, err := a.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(document, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/openapi.yaml is not that of the code; go test ./gateway/api -run TestOpenAPI -update")
	}
}
