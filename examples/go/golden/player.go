package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"peer_manager/bindings/go/peermanager"
)

type player struct {
	file    string
	now     int64 // what the clock says
	manager *peermanager.Manager
}

// play is what the transcript says of one operation.
func (p *player) play(line string) (string, error) {
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
		return fmt.Sprintf("  error %v: %s\n", refusal.Status, refusal.Message), nil
	}
	if err == nil && len(w.left) > 0 {
		err = fmt.Errorf("%w: %q is too much", errScript, w.left)
	}
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, line := range printed {
		fmt.Fprintf(&out, "  %s\n", line)
	}
	return out.String(), nil
}

// operate reads the words, then does it: a word that is wrong must not change anything.
func (p *player) operate(operation string, w *words) ([]string, error) {
	switch operation {
	case "clock":
		if now := w.integer(); w.err == nil {
			p.now = now
		}
		return nil, w.err
	case "address":
		return p.address(w.next())
	case "open":
		return nil, p.open(w)
	case "close":
		return nil, p.manager.Close()
	}
	if change, ok := changes[operation]; ok {
		do := change(w)
		if w.err != nil {
			return nil, w.err
		}
		return do(context.Background(), p.manager)
	}
	if read, ok := reads[operation]; ok {
		do := read(w)
		if w.err != nil {
			return nil, w.err
		}
		return do(p.manager)
	}
	return nil, fmt.Errorf("%w: there is no operation %q", errScript, operation)
}

func (p *player) address(text string) ([]string, error) {
	address, err := peermanager.ParseAddress(text, 0)
	if err != nil {
		return nil, err
	}
	if address.IsPrivate() {
		return []string{address.String() + " private"}, nil
	}
	return []string{address.String() + " public"}, nil
}

func (p *player) open(w *words) error {
	options := peermanager.Options{Clock: func() time.Time { return time.Unix(p.now, 0) }}
	switch where := w.next(); where {
	case "memory":
	case "file":
		options.Path = p.file
		options.Durability = enumerator(w, durabilities)
	default:
		w.fail(fmt.Errorf("%w: open memory, or open file", errScript))
	}
	seed := w.natural(64)
	options.RNGSeed = &seed
	if w.err != nil {
		return w.err
	}
	manager, err := peermanager.Open(context.Background(), options)
	if err == nil {
		p.manager = manager
	}
	return err
}

type change func(context.Context, *peermanager.Manager) ([]string, error)

var changes = map[string]func(*words) change{
	"ensure_exists": func(w *words) change {
		address := w.address()
		return func(ctx context.Context, m *peermanager.Manager) ([]string, error) {
			return nil, m.EnsureExists(ctx, address)
		}
	},
	"ensure_exists_many": func(w *words) change {
		addresses := w.addresses()
		return func(ctx context.Context, m *peermanager.Manager) ([]string, error) {
			inserted, err := m.EnsureExistsMany(ctx, addresses)
			return []string{fmt.Sprint("inserted ", inserted)}, err
		}
	},
	"store": func(w *words) change {
		record := w.record()
		return func(ctx context.Context, m *peermanager.Manager) ([]string, error) { return nil, m.Store(ctx, record) }
	},
	"store_many": func(w *words) change {
		var records []peermanager.Record
		for len(w.left) > 0 && w.err == nil {
			parts := w.parts()
			records = append(records, parts.record())
			w.err = parts.err
		}
		return func(ctx context.Context, m *peermanager.Manager) ([]string, error) {
			return nil, m.StoreMany(ctx, records)
		}
	},
	"update_type": func(w *words) change {
		address, observed, known := w.address(), enumerator(w, types), w.truth()
		return func(ctx context.Context, m *peermanager.Manager) ([]string, error) {
			return nil, m.UpdateType(ctx, address, observed, known)
		}
	},
	"update_backoff": func(w *words) change {
		address, backoff := w.address(), enumerator(w, backoffs)
		return func(ctx context.Context, m *peermanager.Manager) ([]string, error) {
			return nil, m.UpdateBackoff(ctx, address, backoff)
		}
	},
	"update": func(w *words) change {
		address, observed, known, backoff := w.address(), enumerator(w, types), w.truth(), enumerator(w, backoffs)
		return func(ctx context.Context, m *peermanager.Manager) ([]string, error) {
			return nil, m.Update(ctx, address, observed, known, backoff)
		}
	},
	"remove": func(w *words) change {
		address := w.address()
		return func(ctx context.Context, m *peermanager.Manager) ([]string, error) {
			return nil, m.Remove(ctx, address)
		}
	},
	"remove_peers_with_many_failures": func(w *words) change {
		failures := uint32(w.natural(32))
		return func(ctx context.Context, m *peermanager.Manager) ([]string, error) {
			removed, err := m.RemovePeersWithManyFailures(ctx, failures)
			return []string{fmt.Sprint("removed ", removed)}, err
		}
	},
	"clear_all": func(*words) change {
		return func(ctx context.Context, m *peermanager.Manager) ([]string, error) { return nil, m.ClearAll(ctx) }
	},
	"flush": func(*words) change {
		return func(ctx context.Context, m *peermanager.Manager) ([]string, error) { return nil, m.Flush(ctx) }
	},
}

type read func(*peermanager.Manager) ([]string, error)

var reads = map[string]func(*words) read{
	"load": func(w *words) read {
		address := w.address()
		return func(m *peermanager.Manager) ([]string, error) {
			record, err := m.Load(address)
			if err != nil {
				return nil, err
			}
			return []string{textOf(record)}, nil
		}
	},
	"load_random_peers": func(w *words) read {
		query, size := w.query(), int(w.natural(31))
		query.Exclude = w.addresses()
		return func(m *peermanager.Manager) ([]string, error) { return list(m.LoadRandomPeers(query, size)) }
	},
	"get_peers_to_send": func(w *words) read {
		var query *peermanager.Query
		if parts := w.parts(); len(parts.left) != 1 || parts.left[0] != "-" {
			q := parts.query()
			query, w.err = &q, parts.err
		}
		var asker peermanager.Address
		if len(w.left) > 0 && w.left[0] == "-" {
			w.next()
		} else {
			asker = w.address()
		}
		size := int(w.natural(31))
		return func(m *peermanager.Manager) ([]string, error) { return list(m.PeersToSend(query, asker, size)) }
	},
	"peer_count": func(*words) read {
		return func(m *peermanager.Manager) ([]string, error) { return []string{fmt.Sprint(m.PeerCount())}, nil }
	},
	"get_all_peers": func(*words) read { return allPeers },
	"get_stats":     func(*words) read { return stats },
}

func list(addresses []peermanager.Address, err error) ([]string, error) {
	var lines []string
	for _, address := range addresses {
		lines = append(lines, address.String())
	}
	return lines, err
}

func allPeers(m *peermanager.Manager) ([]string, error) {
	peers, err := m.Snapshot()
	if err != nil {
		return nil, err
	}
	defer peers.Close()
	var lines []string
	for record := range peers.All() {
		lines = append(lines, textOf(record))
	}
	slices.Sort(lines)
	return lines, nil
}

func stats(m *peermanager.Manager) ([]string, error) {
	stats, err := m.Stats()
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprint("durability ", uint32(stats.Durability)),
		fmt.Sprint("peers ", stats.Peers),
		fmt.Sprint("inbound ", stats.Inbound),
		fmt.Sprint("outbound ", stats.Outbound),
		fmt.Sprint("preferred ", stats.Preferred),
		fmt.Sprint("ready ", stats.Ready),
		fmt.Sprint("netgroups ", stats.Netgroups),
		fmt.Sprint("pending_writes ", stats.PendingWrites),
		fmt.Sprint("failed_writes ", stats.FailedWrites),
		fmt.Sprint("skipped_rows ", stats.SkippedRows),
		fmt.Sprint("refused_peers ", stats.RefusedPeers),
	}, nil
}
