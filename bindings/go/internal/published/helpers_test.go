//go:build linux && !peermanager_static

package published_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const repository = "../../../.."

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

func write(t testing.TB, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

// run runs a command in a directory, in this environment or, with none, the test's own, and returns what it printed.
func run(t testing.TB, directory string, environment []string, command ...string) string {
	t.Helper()
	c := exec.Command(command[0], command[1:]...)
	c.Dir, c.Env = directory, environment
	var errors strings.Builder
	c.Stderr = &errors
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(command, " "), err, out, &errors)
	}
	return string(out)
}

// modulePath is the path that the module has in this tree.
func modulePath(t testing.TB) string {
	t.Helper()
	return strings.TrimSpace(run(t, "../..", nil, "./module-path"))
}

// installed installs the library and its header, as packaging/install does, and returns the prefix.
func installed(t testing.TB) string {
	t.Helper()
	prefix := t.TempDir()
	describe := func(option string) string {
		return strings.TrimSpace(run(t, ".", nil, "pkg-config", option, "peer_manager"))
	}
	libraries := strings.TrimPrefix(describe("--libs-only-L"), "-L")
	include := strings.TrimPrefix(describe("--cflags-only-I"), "-I")
	version := describe("--modversion")
	for name, as := range map[string]string{
		"libpeer_manager.so": "libpeer_manager.so." + version, "libpeer_manager.a": "libpeer_manager.a",
	} {
		write(t, filepath.Join(prefix, "lib", as), read(t, filepath.Join(libraries, name)))
	}
	soname := "libpeer_manager.so." + strings.Split(version, ".")[0]
	must(t, os.Symlink("libpeer_manager.so."+version, filepath.Join(prefix, "lib", soname)))
	must(t, os.Symlink(soname, filepath.Join(prefix, "lib/libpeer_manager.so")))
	write(t, filepath.Join(prefix, "include/peer_manager.h"), read(t, filepath.Join(include, "peer_manager.h")))

	description := strings.NewReplacer("@UP@", "../..", "@RUN_PATH@", "", "@LIBDIR@", "lib", "@VERSION@", version,
		"@DESCRIPTION@", "peers", "@REQUIRES_PRIVATE@", "", "@SYSTEM_LIBS@", "-lpthread -ldl -lm").Replace(read(t, repository+"/packaging/peer_manager.pc.in"))
	empty := regexp.MustCompile(`(?m)^[A-Za-z.]*: *\n`)
	write(t, filepath.Join(prefix, "lib/pkgconfig/peer_manager.pc"), empty.ReplaceAllString(description, ""))
	return prefix
}

// freshEnvironment is that of a user who has nothing but Go, a C compiler and the installed library: no module of the tree is
// found, and nothing is downloaded. Only the cache of compiled packages is shared, which saves minutes.
func freshEnvironment(t testing.TB, prefix string, proxies ...string) []string {
	t.Helper()
	cache := strings.TrimSpace(run(t, ".", nil, "go", "env", "GOCACHE"))
	var environment []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "CC", "GOROOT"} {
		if value, ok := os.LookupEnv(name); ok {
			environment = append(environment, name+"="+value)
		}
	}
	for i, proxy := range proxies {
		proxies[i] = "file://" + proxy
	}
	return append(environment, "GOENV=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOFLAGS=-modcacherw", "GOSUMDB=off",
		"GOPROXY="+strings.Join(proxies, ","), "GOMODCACHE="+t.TempDir(), "GOCACHE="+cache, "CGO_ENABLED=1",
		"PKG_CONFIG_PATH="+filepath.Join(prefix, "lib/pkgconfig"))
}

// copyTree copies files without what is generated.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	must(t, filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == "build" {
				return filepath.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		write(t, filepath.Join(to, name), read(t, path))
		return os.Chmod(filepath.Join(to, name), info.Mode())
	}))
}

// contents are the files of a directory by their names.
func contents(t testing.TB, directory string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	must(t, filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files[path] = read(t, path)
		}
		return err
	}))
	if len(files) == 0 {
		t.Fatal(fmt.Errorf("%s is empty", directory))
	}
	return files
}
