package main

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	operationMark = "> " // before an operation in a transcript
	printedMark   = "  " // before what an operation printed
)

// play replays a script, with its files in a directory. Only a script that is wrong is an error.
//
// A transcript is a script, too: its operations are the lines that begin with "> ", what was printed is passed over, and
// comments and empty lines are printed as they are. So a player prints the transcript that it is given. What the writer
// could not write is reported when it is flushed.
func play(script string, out *bufio.Writer, directory string) (err error) {
	p := &player{directory: directory}
	defer func() { err = errors.Join(err, p.manager.Close()) }()
	lines := strings.Split(strings.TrimSuffix(script, "\n"), "\n")
	first := slices.IndexFunc(lines, func(line string) bool { return !isPassedOver(line) })
	isTranscript := first >= 0 && strings.HasPrefix(lines[first], operationMark)
	for _, line := range lines {
		if isPassedOver(line) {
			if isTranscript {
				fmt.Fprintln(out, line)
			}
			continue
		}
		operation := line
		if isTranscript {
			if strings.HasPrefix(line, printedMark) {
				continue
			}
			var isOperation bool
			if operation, isOperation = strings.CutPrefix(line, operationMark); !isOperation {
				return fmt.Errorf("%w: %q is no operation", errScript, line)
			}
		}
		printed, err := p.play(operation)
		if err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		fmt.Fprint(out, operationMark, operation, "\n", printed)
	}
	return nil
}

// isPassedOver reports whether a line is empty or a comment.
func isPassedOver(line string) bool { return line == "" || strings.HasPrefix(line, "#") }
