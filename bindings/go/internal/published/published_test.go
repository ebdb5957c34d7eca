//go:build linux && !peermanager_static

package published_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"peer-manager.example/go/internal/proxy"
	"peer-manager.example/go/peermanager"
)

const version = "v" + peermanager.Version

// block is a block of code in a document, and the text that stands after it.
var block = regexp.MustCompile("(?s)```go\n(.*?)\n?```\n+(?:```text\n(.*?)```)?")

func TestTheProgramsOfReadmeRunInAFreshModule(t *testing.T) {
	readme := read(t, "../../README.md")
	blocks := block.FindAllStringSubmatch(readme, -1)
	if len(blocks) < 2 || strings.Count(readme, "```go\n") != len(blocks) {
		t.Fatalf("README has %d programs", len(blocks))
	}
	if first := strings.Index(readme, "```"); !strings.HasPrefix(readme[first:], "```go\n") {
		t.Errorf("README begins with another block: %.40q", readme[first:])
	}

	prefix, modules, fresh := installed(t), t.TempDir(), t.TempDir()
	must(t, proxy.Add(modules, "../..", version))
	environment := freshEnvironment(t, prefix, modules)
	run(t, fresh, environment, "go", "mod", "init", "example/fresh")
	run(t, fresh, environment, "go", "get", modulePath(t)+"@"+version)
	for i, block := range blocks {
		write(t, filepath.Join(fresh, string(rune('a'+i)), "main.go"), block[1]+"\n")
	}
	if unformatted := run(t, fresh, environment, "gofmt", "-l", "."); unformatted != "" {
		t.Errorf("not formatted: %s", unformatted)
	}
	run(t, fresh, environment, "go", "vet", "./...")
	for _, linked := range []string{"shared", "static"} {
		programs := filepath.Join(fresh, linked) + "/"
		build := []string{"go", "build", "-o", programs, "./..."}
		if linked == "static" {
			build = slices.Insert(build, 2, "-tags", "peermanager_static")
		}
		must(t, os.MkdirAll(programs, 0o755))
		run(t, fresh, environment, build...)
		for i, block := range blocks {
			program := filepath.Join(programs, string(rune('a'+i)))
			if needs := needsLibrary(t, program); needs != (linked == "shared") {
				t.Errorf("%s needs the shared library: %v", program, needs)
			}
			// Its own directories, so that what it leaves behind is seen.
			home := t.TempDir()
			runs := []string{"HOME=" + home, "TMPDIR=" + home}
			if linked == "shared" {
				runs = append(runs, "LD_LIBRARY_PATH="+filepath.Join(prefix, "lib"))
			}
			if block[2] == "" {
				t.Errorf("README does not show what program %d prints", i+1)
			}
			if printed := run(t, home, runs, program); printed != block[2] {
				t.Errorf("program %d, %s, prints\n%s\ninstead of\n%s", i+1, linked, printed, block[2])
			}
			if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
				t.Errorf("program %d left %v (%v)", i+1, left, err)
			}
		}
	}
}

func needsLibrary(t *testing.T, program string) bool {
	t.Helper()
	file, err := elf.Open(program)
	must(t, err)
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	must(t, err)
	return slices.ContainsFunc(libraries, func(name string) bool { return strings.HasPrefix(name, "libpeer_manager") })
}

func TestModulePathSetsThePathEverywhere(t *testing.T) {
	copied := t.TempDir()
	for _, directory := range []string{"bindings/go", "examples/go"} {
		copyTree(t, filepath.Join(repository, directory), filepath.Join(copied, directory))
	}
	before := contents(t, copied)
	// In two parts, since this file is changed, too.
	old, published := modulePath(t), "git.example/"+"Owner/peer_manager/bindings/go"
	binding := filepath.Join(copied, "bindings/go")

	run(t, binding, nil, "make", "-s", "module-path", "MODULE="+published)
	whole := regexp.MustCompile(regexp.QuoteMeta(old) + `($|[^A-Za-z0-9_~.-])`)
	for path, text := range contents(t, copied) {
		if whole.MatchString(text) {
			t.Errorf("%s has the old path", path)
		}
	}
	environment := append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	for directory, module := range map[string]string{
		"bindings/go": published, "examples/go": "example/peer_manager", "bindings/go/cometbft": published + "/cometbft",
	} {
		got := strings.TrimSpace(run(t, filepath.Join(copied, directory), environment, "go", "list", "-m"))
		if got != module {
			t.Errorf("the module in %s is %s", directory, got)
		}
	}
	for _, directory := range []string{"bindings/go", "examples/go"} {
		run(t, filepath.Join(copied, directory), environment, "go", "list", "-deps", "./...") // every import is found
		if files := run(t, filepath.Join(copied, directory), nil, "gofmt", "-l", "."); files != "" {
			t.Errorf("not formatted: %s", files)
		}
	}

	for _, wrong := range []string{"", "peer_manager/go", "github.com/a b", "https://github.com/a/b", "github.com/a/", "a.b/|/c"} {
		if out, err := exec.Command(binding+"/module-path", wrong).CombinedOutput(); err == nil || len(out) == 0 {
			t.Errorf("%q was taken: %s", wrong, out)
		}
	}
	run(t, binding, nil, "./module-path", old)
	for path, text := range contents(t, copied) {
		if before[path] != text {
			t.Errorf("%s did not come back", path)
		}
	}
}

func TestTheVersionsOfTheModulesAreThePackages(t *testing.T) {
	named := regexp.MustCompile(regexp.QuoteMeta(modulePath(t)) + `(?:/cometbft)?[ @](v[0-9][^ \n]*)`)
	for _, file := range []string{
		"../../README.md", "../../cometbft/go.mod", "../../cometbft/README.md", "../../cometbft/their-tests",
		repository + "/examples/go/go.mod",
	} {
		found := named.FindAllStringSubmatch(read(t, file), -1)
		if len(found) == 0 {
			t.Errorf("%s names no version", file)
		}
		for _, match := range found {
			if match[1] != version {
				t.Errorf("%s: %s", file, match[0])
			}
		}
	}
}

func TestTheModulesHaveTheLicences(t *testing.T) {
	for _, name := range []string{"LICENSE-APACHE", "LICENSE-MIT"} {
		for _, module := range []string{"../..", "../../cometbft"} {
			if read(t, filepath.Join(module, name)) != read(t, filepath.Join(repository, name)) {
				t.Errorf("%s of %s is another", name, module)
			}
		}
	}
}
