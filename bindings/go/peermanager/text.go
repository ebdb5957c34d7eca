package peermanager

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The values of this package as text, for encoding/json, flag.TextVar and everything else that reads and writes it: what
// String returns is written and read back, and nothing else. A number without a name is an error, not a text.

// enumeration is the names of the values of a type, from 0 on.
type enumeration struct {
	kind  string
	names []string
}

var (
	peerTypes    = enumeration{"PeerType", []string{"inbound", "outbound", "preferred"}}
	backoffs     = enumeration{"Backoff", []string{"hard reset", "reset", "increase"}}
	durabilities = enumeration{"Durability", []string{"commit", "sync", "deferred"}}
	onCorrupts   = enumeration{"OnCorrupt", []string{"fail", "quarantine"}}
	reaches      = enumeration{"Reach", []string{"specification", "public", "private"}}
	purposes     = enumeration{"Purpose", []string{"connect", "feeler"}}
	typeFilters  = enumeration{"TypeFilter",
		[]string{"any outbound", "any", "inbound only", "outbound only", "preferred only", "not preferred"}}
	// networks are those of the bits.
	networks = enumeration{"Networks", []string{"ipv4", "ipv6", "onion", "i2p", "name"}}
)

// name is that of a value, or the number with the type's name.
func (e *enumeration) name(value uint32) string {
	if uint64(value) < uint64(len(e.names)) {
		return e.names[value]
	}
	return fmt.Sprintf("%s(%d)", e.kind, value)
}

func (e *enumeration) marshal(value uint32) ([]byte, error) {
	if uint64(value) >= uint64(len(e.names)) {
		return nil, invalidArgument("%s has no name; the values with one are %s", e.name(value), e.known())
	}
	return []byte(e.names[value]), nil
}

// unmarshal sets out if the text is a name.
func (e *enumeration) unmarshal(out *uint32, text []byte) error {
	i := slices.Index(e.names, string(text))
	if i < 0 {
		return invalidArgument("%s is no %s; give one of %s", quoted(string(text)), e.kind, e.known())
	}
	*out = uint32(i)
	return nil
}

func (e *enumeration) known() string { return `"` + strings.Join(e.names, `", "`) + `"` }

// MarshalText is String, or an error if the number has no name.
func (t PeerType) MarshalText() ([]byte, error) { return peerTypes.marshal(uint32(t)) }

// UnmarshalText reads what String returns.
func (t *PeerType) UnmarshalText(text []byte) error { return peerTypes.unmarshal((*uint32)(t), text) }

// MarshalText is String, or an error if the number has no name.
func (b Backoff) MarshalText() ([]byte, error) { return backoffs.marshal(uint32(b)) }

// UnmarshalText reads what String returns.
func (b *Backoff) UnmarshalText(text []byte) error { return backoffs.unmarshal((*uint32)(b), text) }

// MarshalText is String, or an error if the number has no name.
func (d Durability) MarshalText() ([]byte, error) { return durabilities.marshal(uint32(d)) }

// UnmarshalText reads what String returns.
func (d *Durability) UnmarshalText(text []byte) error {
	return durabilities.unmarshal((*uint32)(d), text)
}

// MarshalText is String, or an error if the number has no name.
func (o OnCorrupt) MarshalText() ([]byte, error) { return onCorrupts.marshal(uint32(o)) }

// UnmarshalText reads what String returns.
func (o *OnCorrupt) UnmarshalText(text []byte) error { return onCorrupts.unmarshal((*uint32)(o), text) }

// MarshalText is String, or an error if the number has no name.
func (f TypeFilter) MarshalText() ([]byte, error) { return typeFilters.marshal(uint32(f)) }

// UnmarshalText reads what String returns.
func (f *TypeFilter) UnmarshalText(text []byte) error {
	return typeFilters.unmarshal((*uint32)(f), text)
}

// MarshalText is String, or an error if the number has no name.
func (r Reach) MarshalText() ([]byte, error) { return reaches.marshal(uint32(r)) }

// UnmarshalText reads what String returns.
func (r *Reach) UnmarshalText(text []byte) error { return reaches.unmarshal((*uint32)(r), text) }

// MarshalText is String, or an error if the number has no name.
func (p Purpose) MarshalText() ([]byte, error) { return purposes.marshal(uint32(p)) }

// UnmarshalText reads what String returns.
func (p *Purpose) UnmarshalText(text []byte) error { return purposes.unmarshal((*uint32)(p), text) }

// String is the names of the networks with | between them, such as "ipv4|onion", or "all".
func (n Networks) String() string {
	if n == 0 {
		return "all"
	}
	var names []string
	for i, name := range networks.names {
		if bit := Networks(1) << i; n&bit != 0 {
			names = append(names, name)
			n &^= bit
		}
	}
	if n != 0 {
		names = append(names, fmt.Sprintf("Networks(%d)", uint32(n)))
	}
	return strings.Join(names, "|")
}

// MarshalText is String, or an error if one of the bits has no name.
func (n Networks) MarshalText() ([]byte, error) {
	if n >= 1<<len(networks.names) {
		return nil, invalidArgument("%v holds networks without a name; those with one are %s", n, networks.known())
	}
	return []byte(n.String()), nil
}

// UnmarshalText reads what String returns.
func (n *Networks) UnmarshalText(text []byte) error {
	if string(text) == "all" {
		*n = 0
		return nil
	}
	var sum Networks
	for name := range strings.SplitSeq(string(text), "|") {
		var bit uint32
		if err := networks.unmarshal(&bit, []byte(name)); err != nil {
			return err
		}
		sum |= 1 << bit
	}
	*n = sum
	return nil
}

// MarshalText is String; of a status that only a newer library has, it is the number.
func (s Status) MarshalText() ([]byte, error) {
	if s < StatusOK || s > StatusNoMemory {
		return fmt.Append(nil, int32(s)), nil
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what MarshalText returns.
func (s *Status) UnmarshalText(text []byte) error {
	for status := StatusOK; status <= StatusNoMemory; status++ {
		if string(text) == status.String() {
			*s = status
			return nil
		}
	}
	number, err := strconv.ParseInt(string(text), 10, 32)
	if err != nil {
		return invalidArgument("%s is neither the name of a status nor its number", quoted(string(text)))
	}
	*s = Status(number)
	return nil
}
