package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	pm "peer-manager.example/go/peermanager"
)

var background = context.Background()

func memory(t *testing.T) *pm.Manager {
	t.Helper()
	peers, err := pm.Open(background, pm.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, peers.Close()) })
	return peers
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

// importText imports a list, and returns what was added and what was reported.
func importText(t *testing.T, peers *pm.Manager, text string) (imported, string) {
	t.Helper()
	list := filepath.Join(t.TempDir(), "list.txt")
	must(t, os.WriteFile(list, []byte(text), 0o600))
	var report bytes.Buffer
	done, err := importPeers(background, peers, list, 0, &report)
	must(t, err)
	return done, report.String()
}

func exported(t *testing.T, peers *pm.Manager) string {
	t.Helper()
	list := filepath.Join(t.TempDir(), "list.txt")
	must(t, exportPeers(peers, list))
	return read(t, list)
}

func TestWhatIsExportedIsWhatTheOtherLanguagesExport(t *testing.T) {
	peers := memory(t)
	_, err := importPeers(background, peers, "../../peers.txt", preferredPeers, &bytes.Buffer{})
	must(t, err)
	if text := exported(t, peers); text != read(t, "../../golden/peers.txt") {
		t.Errorf("it is\n%s", text)
	}
}

func TestAListComesBackAsItWent(t *testing.T) {
	first, second := memory(t), memory(t)
	importText(t, first, "1.2.3.4:5\nexample.org:6\n[2001:db8::1]:7\n")
	if _, report := importText(t, second, exported(t, first)); report != "" || exported(t, second) != exported(t, first) {
		t.Errorf("it was %q and is %q; it said %q", exported(t, first), exported(t, second), report)
	}
	importText(t, second, "")
	if text := exported(t, memory(t)); text != "" {
		t.Errorf("an empty table is %q", text)
	}
}

func TestLinesThatAreNoAddressAreReportedAndPassedOver(t *testing.T) {
	peers := memory(t)
	text := "# a comment\r\n\r\n1.2.3\n \t1.2.3.4 \r\n" + strings.Repeat("x", 1_000_000) +
		"\n\xff\xfe\n1.2.3.5\x00\n  # another\n1.2.3.4:11625\nexample.org:1"
	done, report := importText(t, peers, text)
	if done != (imported{read: 3, added: 2, bad: 4}) {
		t.Errorf("it is %+v", done)
	}
	if text := exported(t, peers); text != "1.2.3.4:11625\nexample.org:1\n" {
		t.Errorf("it is %q", text)
	}
	lines := strings.Split(strings.TrimSuffix(report, "\n"), "\n")
	var numbers []string
	for _, line := range lines {
		numbers = append(numbers, regexp.MustCompile(`list\.txt:(\d+): .`).FindStringSubmatch(line)[1])
		if len(line) > 1000 {
			t.Errorf("a report of %d bytes", len(line))
		}
	}
	if !slices.Equal(numbers, []string{"3", "5", "6", "7"}) {
		t.Errorf("it said %q", lines)
	}
}

func TestAFileThatCannotBeReadOrWrittenIsAnError(t *testing.T) {
	peers, directory := memory(t), t.TempDir()
	for _, path := range []string{directory, filepath.Join(directory, "none"), filepath.Join(directory, "none", "list")} {
		_, err := importPeers(background, peers, path, 0, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("reading %s: %v", path, err)
		}
	}
	link := filepath.Join(directory, "link")
	must(t, os.Symlink("/dev/null", link))
	for _, path := range []string{directory, link, filepath.Join(directory, "none", "list")} {
		err := exportPeers(peers, path)
		if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("writing %s: %v", path, err)
		}
	}
	left, err := os.ReadDir(directory)
	if err != nil || len(left) != 1 || left[0].Name() != "link" {
		t.Errorf("it left %v behind (%v)", left, err)
	}
}

func TestAnOldListIsReplaced(t *testing.T) {
	peers, directory := memory(t), t.TempDir()
	list := filepath.Join(directory, "list.txt")
	must(t, os.WriteFile(list, []byte("old\n"), 0o600))
	importText(t, peers, "1.2.3.4:5")
	must(t, exportPeers(peers, list))
	left, err := os.ReadDir(directory)
	if err != nil || len(left) != 1 || read(t, list) != "1.2.3.4:5\n" {
		t.Errorf("there is %v (%v), with %q", left, err, read(t, list))
	}
}
