package cometbft

import (
	"errors"
	"slices"

	pm "peer-manager.example/go/peermanager"
)

// minSweep keeps small books from being swept all the time.
const minSweep = 1024

// peer is what is known of an address, and the ids that it is claimed for. Of an old address the first one is that of the node
// that was marked as good there.
type peer struct {
	pm.Record
	claims []nodeID
}

// isOld says that a node was marked as good there.
func (p *peer) isOld() bool { return p.PeerType != pm.TypeInbound && len(p.claims) > 0 }

// isGood says that this node was.
func (p *peer) isGood(id nodeID) bool { return p.isOld() && p.claims[0] == id }

// find finds the address of a node. The index may be wrong, because the table evicts and bans without asking: the table
// decides.
func (b *Book) find(id nodeID) (peer, bool) {
	address, ok := b.addresses[id]
	if !ok {
		return peer{}, false
	}
	found, err := b.peerAt(address)
	if err == nil && slices.Contains(found.claims, id) {
		return found, true
	}
	if err == nil || errors.Is(err, pm.ErrNotFound) {
		delete(b.addresses, id)
	}
	return peer{}, false
}

// peerAt is what is known of an address; pm.ErrNotFound if it is not in the table.
func (b *Book) peerAt(address pm.Address) (peer, error) {
	record, err := b.manager.Load(address)
	if err != nil {
		return peer{}, err
	}
	data, err := b.manager.Data(address)
	if err != nil {
		return peer{}, err
	}
	return peer{record, decodeClaims(data)}, nil
}

// setClaims sets the ids that an address is claimed for; with none, it is removed.
func (b *Book) setClaims(address pm.Address, claims []nodeID) error {
	if len(claims) == 0 {
		return b.manager.Remove(background, address)
	}
	return b.manager.SetData(background, address, encodeClaims(claims))
}

// forget removes a node, and its address if that is claimed for no other.
func (b *Book) forget(id nodeID) error {
	found, ok := b.find(id)
	if !ok {
		return nil
	}
	wasGood := found.isGood(id)
	rest := slices.DeleteFunc(found.claims, func(other nodeID) bool { return other == id })
	if wasGood && len(rest) > 0 {
		// Of the others there, none was marked as good.
		found.PeerType = pm.TypeInbound
		if err := b.manager.Store(background, found.Record); err != nil {
			return err
		}
	}
	if err := b.setClaims(found.Address, rest); err != nil {
		return err
	}
	delete(b.addresses, id)
	return nil
}

// index remembers where a node is, and at times forgets those that are in the table no more.
func (b *Book) index(id nodeID, address pm.Address) error {
	b.addresses[id] = address
	if len(b.addresses) <= b.sweepAt {
		return nil
	}
	return b.reindex()
}

// reindex makes the index anew from the table. It costs a pass over all addresses; the index has to double before the next.
func (b *Book) reindex() error {
	snapshot, err := b.manager.Snapshot()
	if err != nil {
		return err
	}
	defer snapshot.Close()
	addresses := make(map[nodeID]pm.Address, snapshot.Len())
	var nameless []pm.Address
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
		if len(claims) == 0 {
			nameless = append(nameless, record.Address)
		}
		for _, id := range claims {
			// An id has one address; if another program gave it two, then the old one.
			if _, ok := addresses[id]; !ok || record.PeerType != pm.TypeInbound {
				addresses[id] = record.Address
			}
		}
	}
	b.addresses = addresses
	b.sweepAt = max(minSweep, 2*len(addresses))
	// Without an id it cannot be dialled: the process ended between adding the address and its id.
	for _, address := range nameless {
		if err := b.manager.Remove(background, address); err != nil && !errors.Is(err, pm.ErrNotFound) {
			return err
		}
	}
	return nil
}
