package cometbft_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"peer-manager.example/go/internal/proxy"
	"peer-manager.example/go/peermanager"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

// printed is what a command prints, in a directory and with these variables.
func printed(t *testing.T, directory string, variables []string, command ...string) string {
	t.Helper()
	c := exec.Command(command[0], command[1:]...)
	c.Dir, c.Env = directory, append(os.Environ(), variables...)
	var errors strings.Builder
	c.Stderr = &errors
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(command, " "), err, out, &errors)
	}
	return string(out)
}

func TestTheCodeOfReadmeIsWhatRuns(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```\n+(?:```text\n(.*?)```)?").FindAllStringSubmatch(readFile(t, "README.md"), -1)
	expect(t, "the number of blocks", len(blocks), 2)

	// The three lines are those of the whole nodes that the tests run.
	node := readFile(t, "node_test.go")
	for _, line := range []string{
		"cometbft.ForNode(config, nodeKey)", "node.CustomReactors(book.Reactors(config, logger))", "book.UseIn(n.Switch())",
	} {
		if !strings.Contains(blocks[0][1], line) {
			t.Errorf("README lacks %s", line)
		}
		if line = strings.NewReplacer("(config,", "(configuration,", "nodeKey", "key").Replace(line); !strings.Contains(node, line) {
			t.Errorf("node_test.go lacks %s", line)
		}
	}

	directory := t.TempDir()
	program := filepath.Join(directory, "main.go")
	must(t, os.WriteFile(program, []byte(blocks[1][1]), 0o600))
	expect(t, "what gofmt finds", printed(t, ".", nil, "gofmt", "-l", program), "")
	expect(t, "what the program prints", printed(t, ".", nil, "go", "run", program), blocks[1][2])
}

// CometBFT itself comes from Go's cache, and what is not there, of the indirect ones, from where Go has it from.
func TestBothModulesAreInstalledByGoGet(t *testing.T) {
	variable := func(name string) string { return strings.TrimSpace(printed(t, ".", nil, "go", "env", name)) }
	modules, fresh := t.TempDir(), t.TempDir()
	version := "v" + peermanager.Version
	must(t, proxy.Add(modules, "..", version))
	must(t, proxy.Add(modules, ".", version))
	environment := []string{
		"GOPROXY=file://" + modules + ",file://" + filepath.Join(variable("GOMODCACHE"), "cache/download") + "," + variable("GOPROXY"),
		"GOMODCACHE=" + t.TempDir(), "GOFLAGS=-modcacherw -buildvcs=false", "GOSUMDB=off", "GOWORK=off", "GOTOOLCHAIN=local",
	}
	path := strings.TrimSpace(printed(t, ".", nil, "go", "list", "-m"))
	printed(t, fresh, environment, "go", "mod", "init", "example/fresh")
	printed(t, fresh, environment, "go", "get", path+"@"+version)
	listed := printed(t, fresh, environment, "go", "list", "-m", "-f", "{{.Path}} {{.Version}} {{.Replace}}", path, filepath.Dir(path))
	expect(t, "the modules", listed, path+" "+version+" <nil>\n"+filepath.Dir(path)+" "+version+" <nil>\n")
	// Every import of the package is found.
	printed(t, fresh, environment, "go", "list", "-deps", path)
}
