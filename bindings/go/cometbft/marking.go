package cometbft

import (
	"time"

	"github.com/cometbft/cometbft/p2p"

	pm "peer-manager.example/go/peermanager"
)

// maxBad bounds how many bad nodes are remembered in order to be reinstated. Those beyond come back when they are heard of.
const maxBad = 1024

// HasAddress implements pex.AddrBook: whether the node with that id is in the book.
func (b *Book) HasAddress(addr *p2p.NetAddress) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	id, ok := parseNodeID(addr.ID)
	if ok {
		_, ok = b.find(id)
	}
	return ok
}

// IsGood implements pex.AddrBook: whether the node with that id is in the book and was marked as good.
func (b *Book) IsGood(addr *p2p.NetAddress) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	id, ok := parseNodeID(addr.ID)
	if !ok {
		return false
	}
	found, ok := b.find(id)
	return ok && found.isGood(id)
}

// MarkGood implements pex.AddrBook: the node did something useful. Its address becomes old, and is its alone.
func (b *Book) MarkGood(id p2p.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	parsed, ok := parseNodeID(id)
	if !ok {
		return
	}
	found, ok := b.find(parsed)
	if !ok {
		return
	}
	err := b.manager.Update(background, found.Address, pm.TypeOutbound, false, pm.BackoffReset)
	if !b.report("mark an address as good", err) || len(found.claims) == 1 {
		return
	}
	if b.report("mark an address as good", b.setClaims(found.Address, []nodeID{parsed})) {
		for _, other := range found.claims {
			if other != parsed {
				delete(b.addresses, other)
			}
		}
	}
}

// MarkAttempt implements pex.AddrBook: dialling failed. The address waits, longer each time, before it is picked again.
func (b *Book) MarkAttempt(addr *p2p.NetAddress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id, ok := parseNodeID(addr.ID)
	if !ok {
		return
	}
	if found, ok := b.find(id); ok {
		b.report("mark an attempt", b.manager.UpdateBackoff(background, found.Address, pm.BackoffIncrease))
	}
}

// MarkBad implements pex.AddrBook: a node that is in the book is removed, and its id banned for that long. Its host is not:
// who told a wrong id for a host could have it banned.
func (b *Book) MarkBad(addr *p2p.NetAddress, banTime time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id, ok := parseNodeID(addr.ID)
	if !ok {
		return
	}
	found, ok := b.find(id)
	if !ok {
		return
	}
	b.Logger.Info("Ban a bad peer", "addr", addr, "for", banTime)
	if banTime > 0 {
		until := b.now().Add(banTime + time.Second - 1) // whole seconds count, so it is rounded up
		_, err := b.manager.Ban(background, id.banSubject(), until)
		b.report("ban a bad peer", err)
	}
	if !b.report("remove a bad peer from the address book", b.forget(id)) {
		return
	}
	if known := netAddressOf(id, found.Address); known != nil && len(b.bad) < maxBad {
		b.bad[id] = known
	}
}

// forgetBanned removes the nodes that are banned, but still there: the process ended between the one and the other.
func (b *Book) forgetBanned() error {
	bans, err := b.manager.Bans()
	if err != nil {
		return err
	}
	for _, ban := range bans {
		if id, ok := bannedID(ban.Subject); ok {
			if err := b.forget(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// IsBanned implements pex.AddrBook: whether the id is banned now, or the address by an operator.
func (b *Book) IsBanned(addr *p2p.NetAddress) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.isBanned(addr)
}

func (b *Book) isBanned(addr *p2p.NetAddress) bool {
	if id, ok := parseNodeID(addr.ID); ok && b.isBannedID(id) {
		return true
	}
	address, err := addressOf(addr)
	return err == nil && b.isBannedAddress(address)
}

func (b *Book) isBannedID(id nodeID) bool {
	address, err := pm.NewAddress(id.banSubject(), 1) // a ban is of all ports
	return err == nil && b.isBannedAddress(address)
}

func (b *Book) isBannedAddress(address pm.Address) bool {
	isBanned, err := b.manager.IsBanned(address)
	b.report("ask whether a peer is banned", err)
	return isBanned
}

// ReinstateBadPeers implements pex.AddrBook: those whose bans have ended are new addresses again.
func (b *Book) ReinstateBadPeers() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, addr := range b.bad {
		if b.isBanned(addr) {
			continue
		}
		delete(b.bad, id)
		if err := b.admit(addr, addr); err != nil {
			b.Logger.Info("Not reinstated", "addr", addr, "err", err)
		} else {
			b.Logger.Info("Reinstated address", "addr", addr)
		}
	}
}
