// Package inc makes calls of the library from C, many for one call from Go: what the benchmarks of package peermanager
// compare with. It is no part of a program.
package inc

// #include <stdio.h>
// #include <peer_manager.h>
//
// static peer_manager_status filled(uint32_t count, peer_manager **out, peer_manager_error *error)
// {
//   peer_manager_address address;
//   peer_manager *pm;
//   char text[32];
//   uint32_t i;
//   peer_manager_status status = peer_manager_new_in_memory(&pm, error);
//   for (i = 0; i < count && status == PEER_MANAGER_OK; i++) {
//     snprintf(text, sizeof text, "11.%u.%u.1", (i >> 8) & 255, i & 255);
//     status = peer_manager_address_init(text, 11625, &address, error);
//     if (status == PEER_MANAGER_OK)
//       status = peer_manager_ensure_exists(pm, &address, error);
//   }
//   *out = pm;
//   return status;
// }
//
// static peer_manager_status load(peer_manager *pm, const peer_manager_address *address, uint32_t times,
//                                 peer_manager_error *error)
// {
//   peer_manager_record record;
//   peer_manager_status status = PEER_MANAGER_OK;
//   while (times-- > 0 && status == PEER_MANAGER_OK)
//     status = peer_manager_load(pm, address, &record, error);
//   return status;
// }
//
// static peer_manager_status draw(peer_manager *pm, uint32_t size, uint32_t times, peer_manager_error *error)
// {
//   peer_manager_query query = PEER_MANAGER_QUERY_INIT;
//   peer_manager_address out[64];
//   size_t count;
//   peer_manager_status status = PEER_MANAGER_OK;
//   query.type_filter = PEER_MANAGER_FILTER_ANY;
//   while (times-- > 0 && status == PEER_MANAGER_OK)
//     status = peer_manager_load_random_peers(pm, &query, size, out, &count, error);
//   return status;
// }
import "C"

import "errors"

// Manager is a table of 11.x.y.1:11625 in memory.
type Manager struct{ pm *C.peer_manager }

// Filled makes a table of up to 65,536 peers.
func Filled(count int) (*Manager, error) {
	m := new(Manager)
	var e C.peer_manager_error
	return m, errorOf(C.filled(C.uint32_t(count), &m.pm, &e), &e)
}

// Close frees the table.
func (m *Manager) Close() { C.peer_manager_free(m.pm) }

// Load loads 11.0.7.1:11625 this many times.
func (m *Manager) Load(times int) error {
	var address C.peer_manager_address
	var e C.peer_manager_error
	host := [...]byte{'1', '1', '.', '0', '.', '7', '.', '1'}
	for i, b := range host {
		address.host[i] = C.char(b)
	}
	address.port = 11625
	return errorOf(C.load(m.pm, &address, C.uint32_t(times), &e), &e)
}

// Draw draws up to 64 of all peers that are due, this many times.
func (m *Manager) Draw(size, times int) error {
	var e C.peer_manager_error
	return errorOf(C.draw(m.pm, C.uint32_t(min(size, 64)), C.uint32_t(times), &e), &e)
}

func errorOf(status C.peer_manager_status, e *C.peer_manager_error) error {
	if status == C.PEER_MANAGER_OK {
		return nil
	}
	return errors.New(C.GoString(&e.message[0]))
}
