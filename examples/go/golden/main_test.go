package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// compare plays a script, which must print the text.
func compare(t *testing.T, script, want string) {
	t.Helper()
	var printed bytes.Buffer
	if err := run(script, &printed); err != nil {
		t.Fatal(err)
	}
	got, expected := strings.Split(printed.String(), "\n"), strings.Split(want, "\n")
	for i := range expected {
		if i >= len(got) || got[i] != expected[i] {
			t.Fatalf("line %d is %q instead of %q", i+1, got[min(i, len(got)-1)], expected[i])
		}
	}
	if len(got) != len(expected) {
		t.Fatalf("%d lines instead of %d", len(got), len(expected))
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// glob is the files of a pattern, of which there must be some.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files (%v)", pattern, len(files), err)
	}
	return files
}

func TestTheTranscriptsAreTheGoldenOnes(t *testing.T) {
	for _, scenario := range glob(t, "../../golden/scenario*.txt") {
		t.Run(filepath.Base(scenario), func(t *testing.T) {
			compare(t, scenario, read(t, strings.Replace(scenario, "scenario", "transcript", 1)))
		})
	}
}

func TestATranscriptPrintsItself(t *testing.T) {
	suite := glob(t, "../../../tests/conformance/*.txt")
	for _, transcript := range append(suite, glob(t, "../../golden/transcript*.txt")...) {
		t.Run(filepath.Base(transcript), func(t *testing.T) { compare(t, transcript, read(t, transcript)) })
	}
}

func TestOfATranscriptTheOperationsArePlayed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "transcript.txt")
	for script, want := range map[string]string{
		"# A comment.\n\n> clock 5\n> open memory 1\n  anything\n> peer_count\n  7\n\n# The end.\n": "# A comment.\n\n> clock 5\n" +
			"> open memory 1\n> peer_count\n  0\n\n# The end.\n",
		"# A comment.\n\nclock 5\nopen memory 1\n\npeer_count\n": "> clock 5\n> open memory 1\n> peer_count\n  0\n",
		"> open memory 1 keep_history=1 max_peers=2\n> ensure_exists_many 1.1.1.1 2.2.2.2 3.3.3.3\n" +
			"> sorted load_random_peers ANY 0 - 9\n> next_due\n": "> open memory 1 keep_history=1 max_peers=2\n" +
			"> ensure_exists_many 1.1.1.1 2.2.2.2 3.3.3.3\n  inserted 2\n> sorted load_random_peers ANY 0 - 9\n" +
			"  1.1.1.1:11625\n  2.2.2.2:11625\n> next_due\n  error NOT_FOUND: no peer waits: all that there are can be dialled now\n",
	} {
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		compare(t, file, want)
	}
}

func TestAScriptThatIsWrongIsAnError(t *testing.T) {
	for _, script := range []string{
		"dance", "clock soon", "open disk 1", "open file LATER 1", "open memory", "open memory 1\nremove_peers_with_many_failures -1",
		"open memory 1\nupdate_backoff 1.2.3.4 MORE", "open memory 1\nclear_all twice", "peer_count\nload 1.2.3.4",
		"open memory 1 max_friends=1", "open memory 1 max_peers=many", "open memory 1 keep_history", "open memory 1 keep_history=2",
		"open memory 1\nload_random_peers ANY 0 - 1 apart=", "open memory 1\nget_peers_to_send ANY,0,-,1 - 1",
		"open memory 1\nstat friends", "open memory 1\nban 1.2.3.4", "open memory 1\nban 1.2.3.4 soon",
		"open memory 1\nnext_to_dial CALL 1", "open memory 1\nload_random_peers ANY 0 - 1 share=1", "sorted dance",
		"open memory 1\nset_data 1.2.3.4 1", "open memory 1\nset_data 1.2.3.4 xy", "open memory 1\nset_data 1.2.3.4",
		"> clock 5\nclock 6", "> clock 5\n> ", "> dance",
	} {
		err := play(script, bufio.NewWriter(io.Discard), t.TempDir())
		if err == nil {
			t.Errorf("%q was played", script)
		} else if !errors.Is(err, errScript) && !strings.Contains(err.Error(), "closed") {
			t.Errorf("%q: %v", script, err)
		}
	}
}
