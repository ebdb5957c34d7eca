package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"peer-manager.example/go/peermanager"
)

// player is the world of a script: its clock, its files, and the one manager that it has at a time.
type player struct {
	directory string
	file      int   // which of its files "open file" opens
	now       int64 // what the clock says
	manager   *peermanager.Manager
}

// call is an operation whose words have been read.
type call func(*peermanager.Manager) ([]string, error)

// play is what the transcript says of one operation.
func (p *player) play(line string) (string, error) {
	line, isSorted := strings.CutPrefix(line, "sorted ")
	operation, rest, _ := strings.Cut(line, " ")
	w := &words{}
	if rest != "" {
		w.left = strings.Split(rest, " ")
	}
	if operation == "address" {
		w.left = []string{rest}
	}
	printed, err := p.operate(operation, w)
	var refusal *peermanager.Error
	if errors.As(err, &refusal) {
		return fmt.Sprintf("%serror %v: %s\n", printedMark, refusal.Status, refusal.Message), nil
	}
	if err != nil {
		return "", err
	}
	if isSorted {
		slices.Sort(printed)
	}
	var out strings.Builder
	for _, line := range printed {
		out.WriteString(printedMark + line + "\n")
	}
	return out.String(), nil
}

// operate reads the words, then does it: a word that is wrong must not change anything.
func (p *player) operate(operation string, w *words) ([]string, error) {
	for _, known := range []map[string]func(*words) call{p.world(), changes, policies, answers} {
		if read, ok := known[operation]; ok {
			do := read(w)
			if len(w.left) > 0 {
				w.fail(fmt.Errorf("%w: %q is too much", errScript, w.left))
			}
			if w.err != nil {
				return nil, w.err
			}
			return do(p.manager)
		}
	}
	return nil, fmt.Errorf("%w: there is no operation %q", errScript, operation)
}

// world is the operations that need no manager.
func (p *player) world() map[string]func(*words) call {
	return map[string]func(*words) call{
		"clock": func(w *words) call {
			now := w.integer()
			return func(*peermanager.Manager) ([]string, error) { p.now = now; return nil, nil }
		},
		"new_file": func(*words) call {
			return func(*peermanager.Manager) ([]string, error) { p.file++; return nil, nil }
		},
		"open": p.open,
		"close": func(*words) call {
			return func(m *peermanager.Manager) ([]string, error) { return nil, m.Close() }
		},
		"address": func(w *words) call {
			text := w.next()
			return func(*peermanager.Manager) ([]string, error) { return address(text) }
		},
	}
}

func (p *player) open(w *words) call {
	options := w.options(filepath.Join(p.directory, fmt.Sprintf("peers-%d.db", p.file)))
	options.Clock = func() time.Time { return time.Unix(p.now, 0) }
	return func(*peermanager.Manager) ([]string, error) {
		manager, err := peermanager.Open(background, options)
		if err == nil {
			p.manager = manager
		}
		return nil, err
	}
}

func address(text string) ([]string, error) {
	address, err := peermanager.ParseAddress(text, 0)
	if err != nil {
		return nil, err
	}
	if address.IsPrivate() {
		return []string{address.String() + " private"}, nil
	}
	return []string{address.String() + " public"}, nil
}
