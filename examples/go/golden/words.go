package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"peer-manager.example/go/peermanager"
)

// The port of an address that has none.
const defaultPort = 11625

// What stands for what is left out.
const nothing = "-"

var errScript = errors.New("the script is wrong")

var filters = map[string]peermanager.TypeFilter{
	"INBOUND_ONLY":   peermanager.FilterInboundOnly,
	"OUTBOUND_ONLY":  peermanager.FilterOutboundOnly,
	"PREFERRED_ONLY": peermanager.FilterPreferredOnly,
	"ANY_OUTBOUND":   peermanager.FilterAnyOutbound,
	"ANY":            peermanager.FilterAny,
	"NOT_PREFERRED":  peermanager.FilterNotPreferred,
}

var purposes = map[string]peermanager.Purpose{
	"CONNECT": peermanager.PurposeConnect,
	"FEELER":  peermanager.PurposeFeeler,
}

var types = map[string]peermanager.PeerType{
	"INBOUND":   peermanager.TypeInbound,
	"OUTBOUND":  peermanager.TypeOutbound,
	"PREFERRED": peermanager.TypePreferred,
}

var backoffs = map[string]peermanager.Backoff{
	"HARD_RESET": peermanager.BackoffHardReset,
	"RESET":      peermanager.BackoffReset,
	"INCREASE":   peermanager.BackoffIncrease,
}

var durabilities = map[string]peermanager.Durability{
	"COMMIT":   peermanager.DurabilityCommit,
	"SYNC":     peermanager.DurabilitySync,
	"DEFERRED": peermanager.DurabilityDeferred,
}

// words are the words of a line. The first that is wrong is remembered, so that a line is read as a whole and looked at
// once; the library's own refusal of an address is remembered in the same way.
type words struct {
	left []string
	err  error
}

func (w *words) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *words) next() string {
	if len(w.left) == 0 {
		w.fail(fmt.Errorf("%w: a word is missing", errScript))
		return ""
	}
	word := w.left[0]
	w.left = w.left[1:]
	return word
}

func (w *words) integer() int64 {
	word := w.next()
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		w.fail(fmt.Errorf("%w: %w", errScript, err))
	}
	return n
}

func (w *words) natural(bits int) uint64 {
	word := w.next()
	n, err := strconv.ParseUint(word, 10, bits)
	if err != nil {
		w.fail(fmt.Errorf("%w: %w", errScript, err))
	}
	return n
}

// time is that of seconds since the epoch. The last of all seconds, as the end of a ban, is for good.
func (w *words) time() time.Time { return time.Unix(w.integer(), 0) }

// hex is bytes, or none.
func (w *words) hex() []byte {
	if w.nothing() {
		return nil
	}
	data, err := hex.DecodeString(w.next())
	if err != nil {
		w.fail(fmt.Errorf("%w: %w", errScript, err))
	}
	return data
}

// nothing takes a word if it stands for what is left out.
func (w *words) nothing() bool {
	isNothing := len(w.left) > 0 && w.left[0] == nothing
	if isNothing {
		w.next()
	}
	return isNothing
}

func (w *words) truth() bool { return w.natural(1) == 1 }

func (w *words) address() peermanager.Address {
	word := w.next()
	if w.err != nil {
		return peermanager.Address{}
	}
	address, err := peermanager.ParseAddress(word, defaultPort)
	if err != nil {
		w.fail(err)
	}
	return address
}

func (w *words) addresses() []peermanager.Address {
	var addresses []peermanager.Address
	for len(w.left) > 0 && w.err == nil {
		addresses = append(addresses, w.address())
	}
	return addresses
}

func (w *words) record() peermanager.Record {
	return peermanager.Record{
		Address:     w.address(),
		NextAttempt: w.time(),
		NumFailures: uint32(w.natural(32)),
		PeerType:    enumerator(w, types),
	}
}

func (w *words) query() peermanager.Query {
	query := peermanager.Query{
		TypeFilter:        enumerator(w, filters),
		IgnoreNextAttempt: !w.truth(),
		MaxNumFailures:    peermanager.AtMost(peermanager.AnyNumFailures),
	}
	if !w.nothing() {
		query.MaxNumFailures = peermanager.AtMost(uint32(w.natural(32)))
	}
	return query
}

// parts are those of a word that has commas.
func (w *words) parts() *words { return &words{left: strings.Split(w.next(), ",")} }

func enumerator[T any](w *words, names map[string]T) T {
	word := w.next()
	value, ok := names[word]
	if !ok {
		w.fail(fmt.Errorf("%w: there is no %q", errScript, word))
	}
	return value
}

func nameOf(t peermanager.PeerType) string { return strings.ToUpper(t.String()) }
