package peermanager_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

// logged is what slog writes, without the time, in both of its formats.
func logged(value any) (text, json string) {
	without := &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key != "it" {
			return slog.Attr{}
		}
		return a
	}}
	var a, b bytes.Buffer
	slog.New(slog.NewTextHandler(&a, without)).Info("", "it", value)
	slog.New(slog.NewJSONHandler(&b, without)).Info("", "it", value)
	return strings.TrimSpace(a.String()), strings.TrimSpace(b.String())
}

func TestValuesAreLoggedByTheirFields(t *testing.T) {
	at := time.Unix(7, 0).UTC()
	for _, given := range []struct {
		value      any
		text, json string
	}{
		{parse(t, "1.2.3.4:5"), `it=1.2.3.4:5`, `{"it":"1.2.3.4:5"}`},
		{pm.Address{}, `it=""`, `{"it":""}`},
		{pm.TypeOutbound, `it=outbound`, `{"it":"outbound"}`},
		{pm.Record{Address: parse(t, "1.2.3.4:5"), NextAttempt: at, NumFailures: 2, PeerType: pm.TypePreferred},
			`it.address=1.2.3.4:5 it.next_attempt=1970-01-01T00:00:07.000Z it.num_failures=2 it.peer_type=preferred`,
			`{"it":{"address":"1.2.3.4:5","next_attempt":"1970-01-01T00:00:07Z","num_failures":2,"peer_type":"preferred"}}`},
		{pm.Record{PeerType: 7},
			`it.address="invalid Address" it.next_attempt=0001-01-01T00:00:00.000Z it.num_failures=0 it.peer_type=PeerType(7)`, ""},
		{pm.History{LastHeard: at}, `it.last_heard=1970-01-01T00:00:07.000Z`, `{"it":{"last_heard":"1970-01-01T00:00:07Z"}}`},
		{pm.Ban{Subject: "203.0.113.0/24", Until: at}, `it.subject=203.0.113.0/24 it.until=1970-01-01T00:00:07.000Z`, ""},
		{pm.Ban{Subject: "203.0.113.7"}, `it.subject=203.0.113.7 it.until="for good"`, ""},
		{pm.Quarantine{}, ``, `{}`},
		{pm.Quarantine{Path: "a", Saved: 1, Lost: 2}, `it.path=a it.saved=1 it.lost=2`, ""},
		{&pm.Error{Status: pm.StatusBusy, SQLiteCode: 5, Message: "cannot"},
			`it.status=BUSY it.message=cannot it.sqlite_code=5`, `{"it":{"status":"BUSY","message":"cannot","sqlite_code":5}}`},
		{&pm.Error{Status: pm.StatusNotFound, Message: "no"}, `it.status=NOT_FOUND it.message=no`, ""},
		{fmt.Errorf("loading: %w", &pm.Error{Status: pm.StatusNotFound, Message: "no"}), `it="loading: no"`, ""},
		{(*pm.Error)(nil), `it=<nil>`, `{"it":null}`},
	} {
		text, json := logged(given.value)
		expect(t, fmt.Sprintf("the text of %T", given.value), text, given.text)
		if given.json != "" {
			expect(t, fmt.Sprintf("the JSON of %T", given.value), json, given.json)
		}
	}
}

func TestStatsAreLoggedInFull(t *testing.T) {
	m := open(t, pm.Options{})
	must(t, m.EnsureExists(background, parse(t, "1.2.3.4")))
	stats, err := m.Stats()
	must(t, err)
	text, _ := logged(stats)
	expect(t, "the log", text, "it.durability=commit it.peers=1 it.inbound=1 it.outbound=0 it.preferred=0 it.ready=1 "+
		"it.netgroups=1 it.pending_writes=0 it.failed_writes=0 it.skipped_rows=0 it.refused_peers=0 it.bans=0 it.log_bytes=0 "+
		"it.forgiven_failures=0 it.rejected_rows=0")
}
