package cometbft

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"slices"

	"github.com/cometbft/cometbft/p2p"

	pm "peer-manager.example/go/peermanager"
)

// savedAddress is an address as CometBFT's own book writes it.
type savedAddress struct {
	Addr       *p2p.NetAddress `json:"addr"`
	Attempts   int32           `json:"attempts"`
	BucketType byte            `json:"bucket_type"`
}

// savedOld is the bucket type of an old address.
const savedOld = 2

// importFile takes over the addresses of a file of CometBFT's own book, without those that this book refuses.
func (b *Book) importFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var saved struct {
		Addrs []savedAddress `json:"addrs"`
	}
	if err := json.Unmarshal(text, &saved); err != nil {
		return err
	}
	// Old addresses first, for the case that there are too many.
	slices.SortStableFunc(saved.Addrs, func(x, y savedAddress) int { return cmp.Compare(y.BucketType, x.BucketType) })
	for _, address := range saved.Addrs {
		err := b.importAddress(address)
		var failure *pm.Error
		if errors.As(err, &failure) && !errors.Is(err, pm.ErrLimit) {
			return err
		}
		if err == nil {
			b.imported++
		}
	}
	return nil
}

// importAddress does not count as a success or a failure: what is known of the address is stored as it is.
func (b *Book) importAddress(saved savedAddress) error {
	if err := b.admit(saved.Addr, saved.Addr); err != nil {
		return err
	}
	id, _ := parseNodeID(saved.Addr.ID) // it was admitted
	found, ok := b.find(id)
	if !ok || found.isOld() {
		return nil
	}
	found.NumFailures = uint32(max(saved.Attempts, 0))
	if saved.BucketType == savedOld {
		found.PeerType = pm.TypeOutbound
	}
	return b.manager.Store(background, found.Record)
}
