package cometbft

import (
	"fmt"

	"github.com/cometbft/cometbft/p2p"
)

// ErrAddrBookAddressTaken says that another node is known to be at that address: one that was marked as good there, and has
// not failed since.
type ErrAddrBookAddressTaken struct {
	// Addr is the address that was not added.
	Addr *p2p.NetAddress
	// ID is the node that is known to be there.
	ID p2p.ID
}

// Error names both nodes.
func (err ErrAddrBookAddressTaken) Error() string {
	return fmt.Sprintf("cannot add address %v: node %v is known to be there", err.Addr, err.ID)
}
