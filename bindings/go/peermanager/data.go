package peermanager

// #include "shim.h"
import "C"

import (
	"bytes"
	"context"
	"unsafe"
)

// DataCapacity is the most bytes of data that go with a peer.
const DataCapacity = C.PEER_MANAGER_DATA_CAPACITY

// SetData replaces the bytes that go with a peer, such as a node's id or the services that it offers: opaque to the library,
// at most [DataCapacity]. No bytes end it. [ErrNotFound] when the peer is not known. Data goes with the peer: removal ends it,
// and [Manager.Import] takes it over.
func (m *Manager) SetData(ctx context.Context, address Address, data []byte) error {
	in := bytes.Clone(data) // the change may go on when the caller has changed its own
	return m.change(ctx, "set a peer's data", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_set_data(pm, address.put(&s.address), unsafe.Pointer(unsafe.SliceData(in)), C.size_t(len(in)), &s.err)
	})
}

// Data returns the bytes that go with a peer, nil if there are none; [ErrNotFound] when the peer is not known.
func (m *Manager) Data(address Address) ([]byte, error) {
	var data []byte
	err := m.ask(func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		status := C.peer_manager_get_data(pm, address.put(&s.address), unsafe.Pointer(&s.data[0]), C.size_t(len(s.data)),
			&s.count, &s.err)
		if status == C.PEER_MANAGER_OK {
			data = dataOf(&s.data, s.count)
		}
		return status
	})
	return data, err
}

// dataOf copies data that the library wrote.
func dataOf(buffer *[DataCapacity]byte, size C.size_t) []byte {
	if size == 0 {
		return nil
	}
	return bytes.Clone(buffer[:size])
}
