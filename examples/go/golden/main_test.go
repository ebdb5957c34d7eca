package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheTranscriptIsTheGoldenOne(t *testing.T) {
	expected, err := os.ReadFile("../../golden/transcript.txt")
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	if err := run("../../golden/scenario.txt", &printed); err != nil {
		t.Fatal(err)
	}
	got, want := strings.Split(printed.String(), "\n"), strings.Split(string(expected), "\n")
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("line %d is %q instead of %q", i+1, got[min(i, len(got)-1)], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines instead of %d", len(got), len(want))
	}
}

func TestAScriptThatIsWrongIsAnError(t *testing.T) {
	for _, script := range []string{
		"dance", "clock soon", "open disk 1", "open file LATER 1", "open memory", "open memory 1\nremove_peers_with_many_failures -1",
		"open memory 1\nupdate_backoff 1.2.3.4 MORE", "open memory 1\nclear_all twice", "peer_count\nload 1.2.3.4",
	} {
		err := play(strings.NewReader(script), &bytes.Buffer{}, filepath.Join(t.TempDir(), "peers.db"))
		if err == nil {
			t.Errorf("%q was played", script)
		} else if !errors.Is(err, errScript) && !strings.Contains(err.Error(), "closed") {
			t.Errorf("%q: %v", script, err)
		}
	}
}
