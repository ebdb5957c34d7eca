package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pm "peer_manager/examples/go/peermanager"
)

func TestADayIsTheSameEachTime(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := run(context.Background(), "../../peers.txt", out); err != nil {
			t.Fatal(err)
		}
	}
	if first.String() != second.String() {
		t.Errorf("the first day was\n%s\nand the second\n%s", &first, &second)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) != 0 {
		t.Errorf("it left %v behind (%v)", left, err)
	}
}

func TestLinesThatAreNoAddressAreReportedAndPassedOver(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte("# a comment\n\n1.2.3\n1.2.3.4\nexample.org:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	peers, err := pm.Open(context.Background(), pm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer peers.Close()
	var out bytes.Buffer
	if err := importPeers(context.Background(), peers, list, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), `line 3: "1.2.3" is not a peer address`) || peers.PeerCount() != 2 {
		t.Errorf("%d peers, and it said %q", peers.PeerCount(), &out)
	}
}

func TestAnInterruptEndsTheDay(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := run(ctx, "../../peers.txt", &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

func TestMetricsAreInTheFormatOfPrometheus(t *testing.T) {
	var out bytes.Buffer
	writeMetrics(&out, pm.Stats{Inbound: 3, Outbound: 4, FailedWrites: 5})
	for _, line := range []string{
		"# TYPE peer_manager_peers gauge", `peer_manager_peers{type="inbound"} 3`, `peer_manager_peers{type="outbound"} 4`,
		"# TYPE peer_manager_failed_writes_total counter", "peer_manager_failed_writes_total 5",
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("%q is missing in\n%s", line, &out)
		}
	}
}
