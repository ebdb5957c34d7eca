package peermanager

// #cgo noescape peer_manager_address_init
// #cgo nocallback peer_manager_address_init
// #cgo noescape peer_manager_address_parse
// #cgo nocallback peer_manager_address_parse
// #cgo noescape peer_manager_address_is_private
// #cgo nocallback peer_manager_address_is_private
// #include "shim.h"
import "C"

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"unsafe"
)

// Address is where a peer listens: an IP address or a host name, and a port. It is always canonical, so == compares
// addresses and an Address may be the key of a map. The zero Address is not a valid address. As text, in JSON for example, it
// is what String returns; the zero Address is empty text.
type Address struct {
	host string
	port uint16
}

// NewAddress makes an address from a host (IPv4, IPv6 without brackets, or a name) and a port other than 0.
func NewAddress(host string, port uint16) (Address, error) {
	text, err := addressText(host)
	if err != nil {
		return Address{}, err
	}
	var out C.peer_manager_address
	var e C.peer_manager_error
	if C.peer_manager_address_init(text, C.uint16_t(port), &out, &e) != C.PEER_MANAGER_OK {
		return Address{}, newError(&e)
	}
	return addressOf(&out), nil
}

// ParseAddress reads "1.2.3.4:11625", "[2001:db8::1]:11625", "core-live-a.stellar.org:11625" and the same without a
// port, which is defaultPort then; 0 when the text must have one.
func ParseAddress(text string, defaultPort uint16) (Address, error) {
	c, err := addressText(text)
	if err != nil {
		return Address{}, err
	}
	var out C.peer_manager_address
	var e C.peer_manager_error
	if C.peer_manager_address_parse(c, C.uint16_t(defaultPort), &out, &e) != C.PEER_MANAGER_OK {
		return Address{}, newError(&e)
	}
	return addressOf(&out), nil
}

// FromAddrPort makes an address from one of package netip. IPv4-mapped IPv6 becomes IPv4; a zone and port 0 are refused.
func FromAddrPort(ap netip.AddrPort) (Address, error) {
	if !ap.Addr().IsValid() {
		return Address{}, &Error{Status: StatusInvalidAddress, Message: "the zero netip.Addr is not a peer address"}
	}
	return NewAddress(ap.Addr().String(), ap.Port())
}

// AddrPort is the address as a netip.AddrPort; false for a host name, which is never resolved here, and for
// the zero Address.
func (a Address) AddrPort() (netip.AddrPort, bool) {
	addr, err := netip.ParseAddr(a.host)
	if err != nil {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addr, a.port), true
}

// Host is the canonical host, an IPv6 address without brackets.
func (a Address) Host() string { return a.host }

// Port is the port; 0 in the zero Address only.
func (a Address) Port() uint16 { return a.port }

// IsValid reports whether this is an address, and not the zero Address.
func (a Address) IsValid() bool { return a != Address{} }

// IsPrivate reports whether the address means nothing to a stranger (10.0.0.0/8, localhost and so on), so that
// [Manager.PeersToSend] never returns it.
func (a Address) IsPrivate() bool {
	var in C.peer_manager_address
	return bool(C.peer_manager_address_is_private(a.put(&in)))
}

// IsRoutable reports whether the address can be reached from everywhere: not private, and not set aside by the registries
// of special-purpose addresses, for examples or for nothing (192.0.2.1, 2001:db8::1, host.test).
func (a Address) IsRoutable() bool {
	var in C.peer_manager_address
	return bool(C.peer_manager_address_is_routable(a.put(&in)))
}

// put writes the address to c, and returns c.
func (a Address) put(c *C.peer_manager_address) *C.peer_manager_address {
	host := hostBytes(c)
	host[copy(host[:len(host)-1], a.host)] = 0
	c.port = C.uint16_t(a.port)
	return c
}

// addressOf reads an address that the library wrote.
func addressOf(c *C.peer_manager_address) Address {
	return Address{string(hostOf(c)), uint16(c.port)}
}

// sharedHosts is how many hosts have their text in one allocation, which lives as long as one of them.
const sharedHosts = 64

// addressesOf reads addresses that the library wrote.
func addressesOf(c []C.peer_manager_address) []Address {
	out := make([]Address, len(c))
	var lengths [sharedHosts]int
	for first := 0; first < len(c); first += sharedHosts {
		batch := c[first:min(first+sharedHosts, len(c))]
		size := 0
		for i := range batch {
			lengths[i] = len(hostOf(&batch[i]))
			size += lengths[i]
		}
		var text strings.Builder
		text.Grow(size)
		for i := range batch {
			text.Write(hostBytes(&batch[i])[:lengths[i]])
		}
		rest := text.String()
		for i := range batch {
			out[first+i] = Address{rest[:lengths[i]], uint16(batch[i].port)}
			rest = rest[lengths[i]:]
		}
	}
	return out
}

// hostOf is the host in C's memory.
func hostOf(c *C.peer_manager_address) []byte {
	host := hostBytes(c)
	if length := bytes.IndexByte(host, 0); length >= 0 {
		return host[:length]
	}
	return host
}

func hostBytes(c *C.peer_manager_address) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&c.host[0])), len(c.host))
}

func putAddresses(addresses []Address) []C.peer_manager_address {
	out := make([]C.peer_manager_address, len(addresses))
	for i, address := range addresses {
		address.put(&out[i])
	}
	return out
}

// addressText is text as C reads it. C would take a NUL for the end, and so read another address.
func addressText(text string) (*C.char, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, &Error{Status: StatusInvalidAddress,
			Message: fmt.Sprintf("%s is not a peer address: it holds a NUL", quoted(text))}
	}
	return (*C.char)(unsafe.Pointer(unsafe.StringData(text + "\x00"))), nil
}

// quoted is a stranger's text in a message: escaped and cut short.
func quoted(text string) string {
	const most = 64
	if len(text) > most {
		return fmt.Sprintf("%q...", text[:most])
	}
	return fmt.Sprintf("%q", text)
}
