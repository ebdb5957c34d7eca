// Command golden replays a script of operations and prints the transcript; examples/golden/README.md describes both.
//
//	golden SCRIPT
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: golden SCRIPT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "golden:", err)
		os.Exit(1)
	}
}

func run(path string, out io.Writer) (err error) {
	script, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	directory, err := os.MkdirTemp("", "peermanager-golden-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	buffered := bufio.NewWriter(out)
	if err := play(string(script), buffered, directory); err != nil {
		return err
	}
	return buffered.Flush()
}
