package cometbft

import (
	"errors"
	"slices"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/pex"

	pm "peer-manager.example/go/peermanager"
)

const (
	// maxOwnAddresses bounds the list of the node's own addresses: CometBFT adds one, with the port of the moment, whenever
	// the node happens to dial itself. Such an address is told by its id anyway.
	maxOwnAddresses = 64
	// missingFor is for how long an address may not have been heard of before it makes room for others.
	missingFor = 7 * 24 * time.Hour
	// expireEvery is how often room is made that way, at most: it costs a pass over the table.
	expireEvery = time.Hour
)

// AddOurAddress implements pex.AddrBook. Neither the id nor the address is taken from then on, and what there is of them is
// removed.
func (b *Book) AddOurAddress(addr *p2p.NetAddress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Logger.Info("Add our address to book", "addr", addr)
	if id, ok := parseNodeID(addr.ID); ok {
		b.ownIDs[id] = struct{}{}
		b.report("remove ourselves from the address book", b.forget(id))
	}
	address, err := addressOf(addr)
	if err != nil || len(b.ownAddresses) >= maxOwnAddresses {
		return
	}
	b.ownAddresses[address] = struct{}{}
	var all []pm.Address
	for own := range b.ownAddresses {
		all = append(all, own)
	}
	b.report("set our addresses", b.manager.SetOwnAddresses(background, all))
}

// OurAddress implements pex.AddrBook: whether the id or the address is this node's.
func (b *Book) OurAddress(addr *p2p.NetAddress) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.isOurs(addr)
}

func (b *Book) isOurs(addr *p2p.NetAddress) bool {
	if id, ok := parseNodeID(addr.ID); ok {
		if _, isOurs := b.ownIDs[id]; isOurs {
			return true
		}
	}
	address, err := addressOf(addr)
	_, isOurs := b.ownAddresses[address]
	return err == nil && isOurs
}

// AddPrivateIDs implements pex.AddrBook: the ids of nodes that others must not hear of. Neither they nor what they tell is
// taken from then on, and what there is of them is removed.
func (b *Book) AddPrivateIDs(ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range ids {
		id, ok := parseNodeID(p2p.ID(text))
		if !ok {
			b.Logger.Error("Not a node id, so not a private one", "id", text)
			continue
		}
		b.privateIDs[id] = struct{}{}
		b.report("remove a private address from the address book", b.forget(id))
	}
}

func (b *Book) isPrivate(id p2p.ID) bool {
	parsed, ok := parseNodeID(id)
	_, isPrivate := b.privateIDs[parsed]
	return ok && isPrivate
}

// AddAddress implements pex.AddrBook: it adds a new address, unless it is refused. A node that is in the book stays at the
// address where it is.
func (b *Book) AddAddress(addr *p2p.NetAddress, src *p2p.NetAddress) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.admit(addr, src)
}

// admit adds an address, unless it is refused.
func (b *Book) admit(addr, src *p2p.NetAddress) error {
	if addr == nil || src == nil {
		return pex.ErrAddrBookNilAddr{Addr: addr, Src: src}
	}
	if err := addr.Valid(); err != nil {
		return pex.ErrAddrBookInvalidAddr{Addr: addr, AddrErr: err}
	}
	address, err := addressOf(addr)
	if err != nil {
		return pex.ErrAddrBookInvalidAddr{Addr: addr, AddrErr: err}
	}
	switch {
	case b.isBanned(addr):
		return pex.ErrAddressBanned{Addr: addr}
	case b.isPrivate(addr.ID):
		return pex.ErrAddrBookPrivate{Addr: addr}
	case b.isPrivate(src.ID):
		return pex.ErrAddrBookPrivateSrc{Src: src}
	case b.isOurs(addr):
		return pex.ErrAddrBookSelf{Addr: addr}
	case b.strict && !addr.Routable():
		return pex.ErrAddrBookNonRoutable{Addr: addr}
	}
	id, _ := parseNodeID(addr.ID) // it is valid
	return b.add(id, address)
}

// add adds a node that nothing speaks against, as new.
func (b *Book) add(id nodeID, address pm.Address) error {
	if found, ok := b.find(id); ok {
		if found.Address != address {
			return nil // or a stranger could move it away
		}
		return b.manager.EnsureExists(background, address) // heard of again
	}
	before, err := b.peerAt(address)
	isNew := errors.Is(err, pm.ErrNotFound)
	if err != nil && !isNew {
		return err
	}
	if before.isOld() && before.NumFailures == 0 {
		return ErrAddrBookAddressTaken{netAddressOf(id, address), p2p.ID(before.claims[0].String())}
	}
	if err := b.ensureExists(address); err != nil {
		return err
	}
	claims, dropped := before.claims, id
	if len(claims) >= maxClaims {
		// Any of them but the good one, so that no flood of wrong ids keeps the right one out.
		first := 0
		if before.isOld() {
			first = 1
		}
		i := first + b.rng.IntN(len(claims)-first)
		dropped = claims[i]
		claims = slices.Delete(claims, i, i+1)
	}
	if err := b.setClaims(address, append(claims, id)); err != nil {
		if isNew { // without an id it is of no use
			err = errors.Join(err, b.manager.Remove(background, address))
		}
		return err
	}
	delete(b.addresses, dropped)
	return b.index(id, address)
}

// ensureExists adds an address to the table. If it is full, those that were not heard of for a week make room.
func (b *Book) ensureExists(address pm.Address) error {
	err := b.manager.EnsureExists(background, address)
	now := b.now()
	if !errors.Is(err, pm.ErrLimit) || now.Before(b.expireAt) {
		return err
	}
	b.expireAt = now.Add(expireEvery)
	removed, expireErr := b.manager.RemovePeersNotHeardSince(background, now.Add(-missingFor))
	if expireErr != nil || removed == 0 {
		return errors.Join(err, expireErr)
	}
	return b.manager.EnsureExists(background, address)
}

// RemoveAddress implements pex.AddrBook: it removes the node with that id.
func (b *Book) RemoveAddress(addr *p2p.NetAddress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id, ok := parseNodeID(addr.ID); ok {
		b.report("remove an address from the address book", b.forget(id))
	}
}
