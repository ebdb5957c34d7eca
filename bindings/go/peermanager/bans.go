package peermanager

// #include "shim.h"
import "C"

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
	"unsafe"
)

// ForGood is the end of a ban that has none: the zero Time, as in net.Conn's deadlines.
var ForGood time.Time

// Ban is a host or a prefix that is refused until a time.
type Ban struct {
	// Subject is a host, or a prefix such as 203.0.113.0/24, in canonical form.
	Subject string
	// Until is the first second at which the ban is over, in UTC; [ForGood] (Until.IsZero()) if it has no end.
	Until time.Time
}

// Ban bans a host, on all its ports, or a prefix, until a time, which is cut to whole seconds and must be later than now;
// [ForGood] never ends. The peers that it is about, preferred ones too, are removed in the same transaction, and Ban returns
// how many there were. From then on they are refused with [ErrRefused], in a batch and in an import left out and counted in
// [Stats].RefusedPeers. Banning the same again moves the end.
//
// The subject is a host in any spelling, such as 203.0.113.7, 2001:db8::1 or example.org, or a prefix, such as
// 203.0.113.0/24 or 2001:db8::/32; it has no port, so of an [Address] it is Host(). A name is itself, without its
// subdomains, and is never resolved. Bans are in the file, and survive a restart.
func (m *Manager) Ban(ctx context.Context, subject string, until time.Time) (removed int, err error) {
	text, err := subjectText(subject)
	if err != nil {
		return 0, err
	}
	end := C.int64_t(math.MaxInt64)
	if !until.IsZero() {
		end = secondsAt(until)
	}
	return m.count(ctx, "ban "+quoted(subject), func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_ban(pm, text, end, &s.count, &s.err)
	})
}

// Unban ends the ban of exactly this subject, in any spelling; [ErrNotFound] when there is none. What another ban has of it
// stays refused.
func (m *Manager) Unban(ctx context.Context, subject string) error {
	text, err := subjectText(subject)
	if err != nil {
		return err
	}
	return m.change(ctx, "unban "+quoted(subject), func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_unban(pm, text, &s.err)
	})
}

// IsBanned reports whether an address is banned now, so that a node can hang up on a peer that connects from it. The port
// does not matter. It costs the length of the address, whatever the number of bans.
func (m *Manager) IsBanned(address Address) (bool, error) {
	if !address.IsValid() { // the library would say that it is not banned
		return false, &Error{Status: StatusInvalidAddress, Message: "the zero Address is not a peer address"}
	}
	var isBanned bool
	err := m.ask(func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		isBanned = bool(C.peer_manager_is_banned(pm, address.put(&s.address)))
		return C.PEER_MANAGER_OK
	})
	return isBanned, err
}

// usualBans is for how many bans there is room at first.
const usualBans = 16

// Bans lists the bans that last, now: IPv4 first, then IPv6, each in the order of addresses, then names in that of their
// letters.
func (m *Manager) Bans() ([]Ban, error) {
	var bans []Ban
	err := m.ask(func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		room := usualBans
		for {
			out := make([]C.peer_manager_ban_entry, room)
			status := C.peer_manager_get_bans(pm, C.size_t(len(out)), &out[0], &s.count, &s.err)
			if status != C.PEER_MANAGER_OK {
				return status
			}
			if count := int(s.count); count <= len(out) {
				bans = make([]Ban, count)
				for i := range bans {
					bans[i] = banOf(&out[i])
				}
				return status
			}
			room = int(s.count) + usualBans // another goroutine may ban meanwhile
		}
	})
	return bans, err
}

func banOf(c *C.peer_manager_ban_entry) Ban {
	ban := Ban{Subject: C.GoString(&c.subject[0])}
	if c.until != math.MaxInt64 {
		ban.Until = timeAt(c.until)
	}
	return ban
}

// subjectText is a subject as C reads it, which would take a NUL for its end.
func subjectText(subject string) (*C.char, error) {
	if strings.IndexByte(subject, 0) >= 0 {
		return nil, &Error{Status: StatusInvalidAddress,
			Message: fmt.Sprintf("%s is neither a host nor a prefix: it holds a NUL", quoted(subject))}
	}
	return (*C.char)(unsafe.Pointer(unsafe.StringData(subject + "\x00"))), nil
}
