package peermanager

import (
	"cmp"
	"encoding"
	"net/netip"
	"strconv"
	"strings"
)

var (
	_ encoding.TextAppender    = Address{}
	_ encoding.TextMarshaler   = Address{}
	_ encoding.TextUnmarshaler = (*Address)(nil)
)

// String is host:port with an IPv6 host in brackets: what [ParseAddress] reads; "invalid Address" for the zero Address.
func (a Address) String() string {
	if !a.IsValid() {
		return "invalid Address"
	}
	return string(a.append(make([]byte, 0, len(a.host)+len("[]:65535"))))
}

// AppendText appends what MarshalText returns.
func (a Address) AppendText(b []byte) ([]byte, error) {
	if !a.IsValid() {
		return b, nil
	}
	return a.append(b), nil
}

// MarshalText is String, but empty for the zero Address, as in package netip.
func (a Address) MarshalText() ([]byte, error) {
	return a.AppendText(nil)
}

// UnmarshalText reads what MarshalText returns, and every other spelling that [ParseAddress] takes with a port.
func (a *Address) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*a = Address{}
		return nil
	}
	address, err := ParseAddress(string(text), 0)
	if err != nil {
		return err
	}
	*a = address
	return nil
}

func (a Address) append(b []byte) []byte {
	if strings.IndexByte(a.host, ':') >= 0 {
		b = append(append(append(b, '['), a.host...), ']')
	} else {
		b = append(b, a.host...)
	}
	return strconv.AppendUint(append(b, ':'), uint64(a.port), 10)
}

// Compare is negative, 0 or positive as a comes before, is, or comes after b: IPv4 addresses first, by number, then IPv6
// addresses, by number, then names, by their bytes; of one host, by port. The zero Address comes before all others. It is
// what slices.SortFunc takes: slices.SortFunc(addresses, Address.Compare).
func (a Address) Compare(b Address) int {
	if a.host != b.host {
		if c := compareHosts(a.host, b.host); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.port, b.port)
}

// compareHosts compares canonical hosts.
func compareHosts(a, b string) int {
	if isName(a) || isName(b) {
		if isName(a) != isName(b) {
			return cmp.Compare(truth(isName(a)), truth(isName(b)))
		}
		return strings.Compare(a, b)
	}
	// The zero netip.Addr, before all others, stands for the host of the zero Address.
	x, _ := netip.ParseAddr(a)
	y, _ := netip.ParseAddr(b)
	return x.Compare(y)
}

// isName reports whether a canonical host is a name. The last label of a name is never all digits.
func isName(host string) bool {
	if host == "" || strings.IndexByte(host, ':') >= 0 {
		return false
	}
	for i := len(host) - 1; i >= 0 && host[i] != '.'; i-- {
		if host[i] < '0' || host[i] > '9' {
			return true
		}
	}
	return false
}
