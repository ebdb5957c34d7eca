package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"peer-manager.example/go/peermanager"
)

// fields takes the words that are name=value out of those that are left, and sets each.
func (w *words) fields(setters map[string]func(*words)) {
	left := w.left[:0:0]
	for _, word := range w.left {
		name, value, isField := strings.Cut(word, "=")
		if !isField {
			left = append(left, word)
			continue
		}
		set, ok := setters[name]
		if !ok {
			w.fail(fmt.Errorf("%w: there is no field %q", errScript, name))
			continue
		}
		field := &words{left: []string{value}}
		set(field)
		w.fail(field.err)
	}
	w.left = slices.Clip(left)
}

// set is a setter of a field that is a number of 32 bits.
func set[T ~uint32 | ~uint64](field *T) func(*words) {
	return func(w *words) { *field = T(w.natural(32)) }
}

// options are how a manager is opened; file is where its database is, if it is to have one.
func (w *words) options(file string) peermanager.Options {
	var options peermanager.Options
	switch where := w.next(); where {
	case "memory":
	case "file":
		options.Path = file
		options.Durability = enumerator(w, durabilities)
	default:
		w.fail(fmt.Errorf("%w: open memory, or open file", errScript))
	}
	seed := w.natural(64)
	options.RNGSeed = &seed
	w.fields(map[string]func(*words){
		"max_peers":              set(&options.MaxPeers),
		"max_peers_per_netgroup": set(&options.MaxPeersPerNetgroup),
		"share_cache_seconds":    func(w *words) { options.ShareCache = time.Duration(w.natural(32)) * time.Second },
		"share_max_percent":      set(&options.ShareMaxPercent),
		"reach":                  set(&options.Reach),
		"name_groups":            func(w *words) { options.NameGroups = w.truth() },
		"keep_history":           func(w *words) { options.KeepHistory = w.truth() },
		"backoff_seconds":        set(&options.BackoffSeconds),
		"max_backoff_exponent":   set(&options.MaxBackoffExponent),
	})
	return options
}

// queryFields sets the further fields of a query.
func (w *words) queryFields(query *peermanager.Query) {
	since := func(field *time.Time) func(*words) {
		return func(w *words) {
			if seconds := w.integer(); seconds != 0 {
				*field = time.Unix(seconds, 0)
			}
		}
	}
	w.fields(map[string]func(*words){
		"seniority":        set(&query.Seniority),
		"apart":            func(w *words) { query.Apart = w.truth() },
		"networks":         set(&query.Networks),
		"max_per_netgroup": set(&query.MaxPerNetgroup),
		"share_key":        set(&query.ShareKey),
		"heard_since":      since(&query.HeardSince),
		"reached_since":    since(&query.ReachedSince),
	})
}
