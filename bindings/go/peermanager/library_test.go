package peermanager_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	pm "peer-manager.example/go/peermanager"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

func TestTheVersionIsTheLibrarys(t *testing.T) {
	version := regexp.MustCompile(`(?m)^version = "(.*)"`).FindStringSubmatch(read(t, "../../../Cargo.toml"))
	if len(version) != 2 || version[1] != pm.Version {
		t.Errorf("Cargo.toml has %q, this package has %q", version, pm.Version)
	}
	expect(t, "the version of the library", pm.LibraryVersion(), pm.Version)
	expect(t, "its number", pm.LibraryVersionNumber(), 2000)
	if !strings.Contains(pm.BuildInfo(), pm.Version) {
		t.Errorf("the build is %q", pm.BuildInfo())
	}
}

// notBound are the functions of the header that make no sense in Go, and why.
var notBound = map[string]string{
	"peer_manager_address_equal":         "== compares addresses",
	"peer_manager_address_format":        "String is a few lines of Go, without the way into C and back",
	"peer_manager_query_init":            "the zero Query",
	"peer_manager_address_from_sockaddr": "Go's sockets have netip.AddrPort",
	"peer_manager_address_to_sockaddr":   "Go's sockets have netip.AddrPort",
	"peer_manager_from_connection":       "Go has no sqlite3 of C's to share",
	"peer_manager_new_in_memory":         "Open with the zero Options",
	"peer_manager_new_with_db":           "Open with a path",
}

func TestEveryFunctionOfTheHeaderIsReachable(t *testing.T) {
	header := read(t, "../../../include/peer_manager.h")
	declared := regexp.MustCompile(`(?m)^(?:PEER_MANAGER_API )?[a-z].*?\b(peer_manager_\w+)\(`).FindAllStringSubmatch(header, -1)
	if len(declared) < 40 {
		t.Fatalf("only %d functions were found in the header", len(declared))
	}
	var sources strings.Builder
	for _, pattern := range []string{"*.go", "shim.c"} {
		files, err := filepath.Glob(pattern)
		must(t, err)
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				sources.WriteString(read(t, file))
			}
		}
	}
	for _, function := range declared {
		_, isLeftOut := notBound[function[1]]
		isCalled := regexp.MustCompile(`\b` + function[1] + `\(`).MatchString(sources.String())
		if isCalled == isLeftOut {
			t.Errorf("%s: called %v, left out %v", function[1], isCalled, isLeftOut)
		}
	}
}
