package main

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"time"

	"peer-manager.example/go/peermanager"
)

// answers are the operations that look at peers and choose among them.
var answers = map[string]func(*words) call{
	"load": func(w *words) call {
		address := w.address()
		return func(m *peermanager.Manager) ([]string, error) {
			record, err := m.Load(address)
			return []string{textOf(record)}, err
		}
	},
	"load_history": func(w *words) call {
		address := w.address()
		return func(m *peermanager.Manager) ([]string, error) {
			history, err := m.LoadHistory(address)
			return []string{textOfHistory(history)}, err
		}
	},
	"get_data": func(w *words) call {
		address := w.address()
		return func(m *peermanager.Manager) ([]string, error) {
			data, err := m.Data(address)
			return []string{textOfData(data)}, err
		}
	},
	"load_random_peers": func(w *words) call {
		query, size := w.query(), int(w.natural(31))
		w.queryFields(&query)
		query.Exclude = w.addresses()
		return func(m *peermanager.Manager) ([]string, error) { return list(m.LoadRandomPeers(query, size)) }
	},
	"get_peers_to_send": func(w *words) call {
		var query *peermanager.Query
		if !w.nothing() {
			parts := w.parts()
			q := parts.query()
			parts.queryFields(&q)
			if len(parts.left) > 0 {
				parts.fail(fmt.Errorf("%w: %q is too much", errScript, parts.left))
			}
			w.fail(parts.err)
			query = &q
		}
		var asker peermanager.Address
		if !w.nothing() {
			asker = w.address()
		}
		size := int(w.natural(31))
		return func(m *peermanager.Manager) ([]string, error) { return list(m.PeersToSend(query, asker, size)) }
	},
	"next_to_dial": func(w *words) call {
		purpose, size := enumerator(w, purposes), int(w.natural(31))
		busy := w.addresses()
		return func(m *peermanager.Manager) ([]string, error) { return list(m.NextToDial(purpose, busy, size)) }
	},
	"next_due": func(*words) call {
		return func(m *peermanager.Manager) ([]string, error) {
			due, err := m.NextDue()
			return one(due.Unix(), err)
		}
	},
	"same_netgroup": func(w *words) call {
		a, b := w.address(), w.address()
		return func(m *peermanager.Manager) ([]string, error) {
			first, err := m.Netgroup(a)
			if err != nil {
				return nil, err
			}
			second, err := m.Netgroup(b)
			return one(first == second, err)
		}
	},
	"peer_count": func(*words) call {
		return func(m *peermanager.Manager) ([]string, error) { return one(m.PeerCount(), nil) }
	},
	"get_all_peers": func(*words) call {
		return func(m *peermanager.Manager) ([]string, error) {
			return all(m, func(_ *peermanager.Snapshot, _ int, record peermanager.Record) (string, error) {
				return textOf(record), nil
			})
		}
	},
	"get_all_histories": func(*words) call {
		return func(m *peermanager.Manager) ([]string, error) {
			return all(m, func(s *peermanager.Snapshot, index int, record peermanager.Record) (string, error) {
				history, err := s.HistoryAt(index)
				return record.Address.String() + " " + textOfHistory(history), err
			})
		}
	},
	"get_all_data": func(*words) call {
		return func(m *peermanager.Manager) ([]string, error) {
			return all(m, func(s *peermanager.Snapshot, index int, record peermanager.Record) (string, error) {
				data, err := s.DataAt(index)
				if data == nil {
					return "", err
				}
				return record.Address.String() + " " + textOfData(data), err
			})
		}
	},
	"get_stats": func(*words) call {
		return func(m *peermanager.Manager) ([]string, error) {
			stats, err := m.Stats()
			var lines []string
			for _, stat := range statsOf(stats)[:statsOfTheFirstVersion] {
				lines = append(lines, fmt.Sprint(stat.name, " ", stat.value))
			}
			return lines, err
		}
	},
	"stat": func(w *words) call {
		name := w.next()
		index := slices.IndexFunc(statsOf(peermanager.Stats{}), func(s stat) bool { return s.name == name })
		if index < 0 {
			w.fail(fmt.Errorf("%w: there is no stat %q", errScript, name))
		}
		return func(m *peermanager.Manager) ([]string, error) {
			stats, err := m.Stats()
			return one(statsOf(stats)[index].value, err)
		}
	},
}

func list(addresses []peermanager.Address, err error) ([]string, error) {
	var lines []string
	for _, address := range addresses {
		lines = append(lines, address.String())
	}
	return lines, err
}

// all is a line for each peer of a snapshot, sorted; an empty line is left out.
func all(m *peermanager.Manager, line func(*peermanager.Snapshot, int, peermanager.Record) (string, error)) ([]string, error) {
	peers, err := m.Snapshot()
	if err != nil {
		return nil, err
	}
	defer peers.Close()
	var lines []string
	for index := range peers.Len() {
		record, err := peers.At(index)
		if err != nil {
			return nil, err
		}
		text, err := line(peers, index, record)
		if err != nil {
			return nil, err
		}
		if text != "" {
			lines = append(lines, text)
		}
	}
	slices.Sort(lines)
	return lines, nil
}

func bans(m *peermanager.Manager) ([]string, error) {
	bans, err := m.Bans()
	var lines []string
	for _, ban := range bans {
		until := int64(math.MaxInt64)
		if ban.Until != peermanager.ForGood {
			until = ban.Until.Unix()
		}
		lines = append(lines, fmt.Sprint(ban.Subject, " ", until))
	}
	slices.Sort(lines)
	return lines, err
}

func textOf(r peermanager.Record) string {
	return fmt.Sprintf("%v %d %d %s", r.Address, r.NextAttempt.Unix(), r.NumFailures, nameOf(r.PeerType))
}

func textOfHistory(h peermanager.History) string {
	return fmt.Sprint(seconds(h.FirstHeard), seconds(h.LastHeard), seconds(h.FirstReached), seconds(h.LastReached),
		seconds(h.LastAttempt))
}

func textOfData(data []byte) string {
	if data == nil {
		return nothing
	}
	return hex.EncodeToString(data)
}

// seconds is 0 for a time that is not known.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

type stat struct {
	name  string
	value uint64
}

// statsOfTheFirstVersion is how many get_stats prints; the others are asked for by name.
const statsOfTheFirstVersion = 11

// statsOf is the counts by the names that they have in C, in that order.
func statsOf(s peermanager.Stats) []stat {
	return []stat{
		{"durability", uint64(s.Durability)}, {"peers", s.Peers}, {"inbound", s.Inbound}, {"outbound", s.Outbound},
		{"preferred", s.Preferred}, {"ready", s.Ready}, {"netgroups", s.Netgroups}, {"pending_writes", s.PendingWrites},
		{"failed_writes", s.FailedWrites}, {"skipped_rows", s.SkippedRows}, {"refused_peers", s.RefusedPeers},
		{"bans", s.Bans}, {"log_bytes", s.LogBytes}, {"forgiven_failures", s.ForgivenFailures},
		{"rejected_rows", s.RejectedRows},
	}
}
