package cometbft

import (
	"fmt"
	"slices"

	"github.com/cometbft/cometbft/p2p"
)

// MaxClaims is how many ids an address may be claimed for.
const MaxClaims = maxClaims

// BanSubject is the name under which a node id is banned.
func BanSubject(id p2p.ID) string {
	parsed, _ := parseNodeID(id)
	return parsed.banSubject()
}

// DatabasePath is where the book of a node with this addr_book_file is.
var DatabasePath = databasePath

// Check checks what must hold between any two calls: the index and the table agree.
func (b *Book) Check() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	snapshot, err := b.manager.Snapshot()
	if err != nil {
		return err
	}
	defer snapshot.Close()
	for i := range snapshot.Len() {
		record, err := snapshot.At(i)
		if err != nil {
			return err
		}
		data, err := snapshot.DataAt(i)
		if err != nil {
			return err
		}
		claims := decodeClaims(data)
		if len(claims) == 0 || len(claims) > maxClaims {
			return fmt.Errorf("%v is claimed for %d ids", record.Address, len(claims))
		}
		for _, id := range claims {
			if b.addresses[id] != record.Address {
				return fmt.Errorf("%v is claimed for %v, which the index has at %v", record.Address, id, b.addresses[id])
			}
		}
	}
	for id, address := range b.addresses {
		known, err := b.peerAt(address)
		if err == nil && !slices.Contains(known.claims, id) {
			return fmt.Errorf("the index has %v at %v, which is not claimed for it", id, address)
		}
	}
	if len(b.addresses) > b.sweepAt {
		return fmt.Errorf("the index has %d entries, more than %d", len(b.addresses), b.sweepAt)
	}
	return nil
}

// Sweep removes from the index what the table has evicted, and returns how many ids are left.
func (b *Book) Sweep() (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.reindex()
	return len(b.addresses), err
}
