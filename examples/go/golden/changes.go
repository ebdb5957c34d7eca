package main

import (
	"context"
	"fmt"

	"peer-manager.example/go/peermanager"
)

var background = context.Background()

// changes are the operations that insert, update and remove peers.
var changes = map[string]func(*words) call{
	"ensure_exists": func(w *words) call {
		address := w.address()
		return func(m *peermanager.Manager) ([]string, error) { return nil, m.EnsureExists(background, address) }
	},
	"ensure_exists_many": func(w *words) call {
		addresses := w.addresses()
		return func(m *peermanager.Manager) ([]string, error) {
			return counted("inserted")(m.EnsureExistsMany(background, addresses))
		}
	},
	"store": func(w *words) call {
		record := w.record()
		return func(m *peermanager.Manager) ([]string, error) { return nil, m.Store(background, record) }
	},
	"store_many": func(w *words) call {
		var records []peermanager.Record
		for len(w.left) > 0 && w.err == nil {
			parts := w.parts()
			records = append(records, parts.record())
			w.fail(parts.err)
		}
		return func(m *peermanager.Manager) ([]string, error) { return nil, m.StoreMany(background, records) }
	},
	"update_type": func(w *words) call {
		address, observed, known := w.address(), enumerator(w, types), w.truth()
		return func(m *peermanager.Manager) ([]string, error) {
			return nil, m.UpdateType(background, address, observed, known)
		}
	},
	"update_backoff": func(w *words) call {
		address, backoff := w.address(), enumerator(w, backoffs)
		return func(m *peermanager.Manager) ([]string, error) {
			return nil, m.UpdateBackoff(background, address, backoff)
		}
	},
	"update": func(w *words) call {
		address, observed, known, backoff := w.address(), enumerator(w, types), w.truth(), enumerator(w, backoffs)
		return func(m *peermanager.Manager) ([]string, error) {
			return nil, m.Update(background, address, observed, known, backoff)
		}
	},
	"remove": func(w *words) call {
		address := w.address()
		return func(m *peermanager.Manager) ([]string, error) { return nil, m.Remove(background, address) }
	},
	"remove_host": func(w *words) call {
		host := w.next()
		return func(m *peermanager.Manager) ([]string, error) {
			return counted("removed")(m.RemoveHost(background, host))
		}
	},
	"set_data": func(w *words) call {
		address, data := w.address(), w.hex()
		return func(m *peermanager.Manager) ([]string, error) { return nil, m.SetData(background, address, data) }
	},
	"remove_peers_with_many_failures": func(w *words) call {
		failures := uint32(w.natural(32))
		return func(m *peermanager.Manager) ([]string, error) {
			return counted("removed")(m.RemovePeersWithManyFailures(background, failures))
		}
	},
	"remove_peers_not_heard_since": func(w *words) call {
		since := w.time()
		return func(m *peermanager.Manager) ([]string, error) {
			return counted("removed")(m.RemovePeersNotHeardSince(background, since))
		}
	},
	"limit_next_attempt": func(w *words) call {
		latest := w.time()
		return func(m *peermanager.Manager) ([]string, error) {
			return counted("changed")(m.LimitNextAttempt(background, latest))
		}
	},
	"clear_all": func(*words) call {
		return func(m *peermanager.Manager) ([]string, error) { return nil, m.ClearAll(background) }
	},
	"flush": func(*words) call {
		return func(m *peermanager.Manager) ([]string, error) { return nil, m.Flush(background) }
	},
}

// policies are the operations about what the node knows of itself, and about whom it refuses.
var policies = map[string]func(*words) call{
	"set_own_addresses": func(w *words) call {
		addresses := w.addresses()
		return func(m *peermanager.Manager) ([]string, error) { return nil, m.SetOwnAddresses(background, addresses) }
	},
	"set_online": func(w *words) call {
		online := w.truth()
		return func(m *peermanager.Manager) ([]string, error) { return nil, m.SetOnline(online) }
	},
	"ban": func(w *words) call {
		subject, until := w.next(), w.time()
		return func(m *peermanager.Manager) ([]string, error) {
			return counted("removed")(m.Ban(background, subject, until))
		}
	},
	"unban": func(w *words) call {
		subject := w.next()
		return func(m *peermanager.Manager) ([]string, error) { return nil, m.Unban(background, subject) }
	},
	"is_banned": func(w *words) call {
		address := w.address()
		return func(m *peermanager.Manager) ([]string, error) { return one(m.IsBanned(address)) }
	},
	"get_bans": func(*words) call { return bans },
}

// counted is the line of a change that counts.
func counted(what string) func(int, error) ([]string, error) {
	return func(n int, err error) ([]string, error) { return []string{fmt.Sprint(what, " ", n)}, err }
}

// one is the line of an answer that is a value.
func one[T any](value T, err error) ([]string, error) { return []string{fmt.Sprint(value)}, err }
