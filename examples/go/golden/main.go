// Command golden replays a script of operations and prints the transcript; examples/golden/README.md describes both.
//
//	golden SCENARIO
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: golden SCENARIO")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "golden:", err)
		os.Exit(1)
	}
}

func run(scenario string, out io.Writer) (err error) {
	script, err := os.Open(scenario)
	if err != nil {
		return err
	}
	defer script.Close()
	directory, err := os.MkdirTemp("", "peermanager-golden-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	buffered := bufio.NewWriter(out)
	if err := play(script, buffered, filepath.Join(directory, "peers.db")); err != nil {
		return err
	}
	return buffered.Flush()
}

// play replays a script. Only a script that is wrong is an error.
func play(script io.Reader, out io.Writer, file string) (err error) {
	p := &player{file: file}
	defer func() { err = errors.Join(err, p.manager.Close()) }()
	lines := bufio.NewScanner(script)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		printed, err := p.play(line)
		if err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		if _, err := fmt.Fprintf(out, "> %s\n%s", line, printed); err != nil {
			return err
		}
	}
	return lines.Err()
}
