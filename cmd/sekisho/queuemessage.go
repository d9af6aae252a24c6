package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"sekisho/gateway"
)

// messageJSON is a message that has no deliveries yet, as scripts read it.
type messageJSON struct {
	ID         string               `json:"id"`
	Receipt    string               `json:"receipt_no"`
	State      gateway.MessageState `json:"state"`
	Sender     string               `json:"sender"`
	Recipients []string             `json:"recipients"`
	Size       int64                `json:"size"`
	Attempts   int                  `json:"attempts"`
	ReceivedAt time.Time            `json:"received_at"`
	Progress   *progressJSON        `json:"progress,omitempty"`
}

// progressJSON is how far a long document in a message has come.
type progressJSON struct {
	Part  string `json:"part"`
	Page  int    `json:"page"`
	Pages int    `json:"pages"`
}

func messageToJSON(m gateway.Message) messageJSON {
	j := messageJSON{ID: string(m.ID), Receipt: m.Receipt, State: m.State, Sender: m.Envelope.From, Recipients: m.Envelope.To,
		Size: m.Size, Attempts: m.Crashes + m.Lost, ReceivedAt: m.ReceivedAt}
	if p := m.Progress; p.Pages > 0 {
		j.Progress = &progressJSON{p.Part, p.Page, p.Pages}
	}
	return j
}

// messageStates are the states before deliveries exist.
var messageStates = []gateway.MessageState{gateway.Sanitizing, gateway.Accepted}

// maxListing bounds the pages that a list of messages looks through: those that
// wait are among the newest.
const maxListing = 20

// waitingMessages lists messages without deliveries, oldest first.
func waitingMessages(ctx context.Context, l gateway.Listing, states []gateway.MessageState, limit int) ([]gateway.Message, error) {
	var all []gateway.Message
	for _, s := range states {
		behind := int64(0)
		for range maxListing {
			page, next, err := l.MessagePage(ctx, gateway.PageQuery{All: true, State: string(s), Behind: behind, Limit: 200})
			if err != nil {
				return nil, err
			}
			if all = append(all, page...); next == 0 {
				break
			}
			behind = next
		}
	}
	slices.SortStableFunc(all, func(a, b gateway.Message) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	return all[:min(len(all), limit)], nil
}

func printMessages(w io.Writer, ms []gateway.Message) error {
	if len(ms) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "受付番号\t状態\t受付\t進み\t宛先")
	for _, m := range ms {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", m.Receipt, m.State, m.ReceivedAt.Local().Format("01-02 15:04:05"), pagesDone(m.Progress), strings.Join(m.Envelope.To, ","))
	}
	return t.Flush()
}

// pagesDone says how far a document is, as people read it.
func pagesDone(p gateway.Progress) string {
	switch {
	case p.Pages == 0:
		return "-"
	case p.Part == "":
		return fmt.Sprintf("%d / %d ページ", p.Page, p.Pages)
	}
	return fmt.Sprintf("%d / %d ページ（%s）", p.Page, p.Pages, p.Part)
}
