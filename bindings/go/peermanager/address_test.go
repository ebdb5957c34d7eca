package peermanager_test

import (
	"net/netip"
	"strings"
	"testing"

	pm "peer-manager.example/go/peermanager"
)

func TestAddressesAreCanonical(t *testing.T) {
	for text, want := range map[string]string{
		"1.2.3.4":                  "1.2.3.4:11625",
		"[2001:DB8:0:0::1]:7":      "[2001:db8::1]:7",
		"[::ffff:8.8.4.4]:80":      "8.8.4.4:80",
		"Core-Live-A.Stellar.ORG.": "core-live-a.stellar.org:11625",
		"expyuzz4wqqyqhjn.onion:1": "expyuzz4wqqyqhjn.onion:1",
	} {
		expect(t, text, parse(t, text).String(), want)
	}
	known := map[pm.Address]bool{parse(t, "Example.ORG.:1"): true}
	if !known[parse(t, "example.org:1")] || known[parse(t, "example.org:2")] {
		t.Error("an address is not a key")
	}
	long, err := pm.NewAddress(strings.Repeat("a.", 126)+"a", 65535)
	must(t, err)
	expect(t, "the length of the longest name", len(long.Host()), 253)
	expect(t, "the longest name", long, parse(t, long.String()))
}

func TestAddressesAreTheOnesOfNetip(t *testing.T) {
	for text, want := range map[string]string{
		"1.2.3.4:5": "1.2.3.4:5", "[2001:db8::1]:65535": "[2001:db8::1]:65535", "[::ffff:1.2.3.4]:5": "1.2.3.4:5",
	} {
		address, err := pm.FromAddrPort(netip.MustParseAddrPort(text))
		must(t, err)
		back, ok := address.AddrPort()
		if !ok || back != netip.MustParseAddrPort(want) {
			t.Errorf("%s came back as %v, %v", text, back, ok)
		}
	}
	for _, ap := range []netip.AddrPort{
		{}, netip.MustParseAddrPort("1.2.3.4:0"), netip.MustParseAddrPort("[fe80::1%eth0]:1"),
	} {
		_, err := pm.FromAddrPort(ap)
		expectIs(t, ap.String(), err, pm.ErrInvalidAddress)
	}
	for _, address := range []pm.Address{parse(t, "example.org"), {}} {
		if ap, ok := address.AddrPort(); ok || ap.IsValid() {
			t.Errorf("%v is said to be %v", address, ap)
		}
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "1.2.3", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:-1", "a b", "[fe80::1%eth0]:1", "1.2.3.4\x00", "\x00",
		strings.Repeat("a", 1<<20),
	} {
		_, err := pm.ParseAddress(text, 1)
		expectIs(t, text[:min(len(text), 20)], err, pm.ErrInvalidAddress)
		if err != nil && (len(err.Error()) > 247 || strings.ContainsAny(err.Error(), "\x00\n")) {
			t.Errorf("%q is no message of one line", err)
		}
	}
	_, err := pm.ParseAddress("1.2.3.4", 0)
	expectIs(t, "no port", err, pm.ErrInvalidAddress)
	_, err = pm.ParseAddress("caf\xe9.org", 1)
	expectIs(t, "not UTF-8", err, pm.ErrInvalidArgument)
	_, err = pm.NewAddress("1.2.3.4\x00.example.org", 1)
	expectIs(t, "a NUL", err, pm.ErrInvalidAddress)
	_, err = pm.NewAddress("1.2.3.4", 0)
	expectIs(t, "port 0", err, pm.ErrInvalidAddress)
}

func TestPartsOfAnAddress(t *testing.T) {
	address := parse(t, "[2001:db8::2]:7")
	expect(t, "the host", address.Host(), "2001:db8::2")
	expect(t, "the port", address.Port(), 7)
	expect(t, "10.0.0.1 private", parse(t, "10.0.0.1").IsPrivate(), true)
	expect(t, "localhost private", parse(t, "localhost").IsPrivate(), true)
	expect(t, "8.8.8.8 private", parse(t, "8.8.8.8").IsPrivate(), false)
}

func TestTheZeroAddressIsNone(t *testing.T) {
	var none pm.Address
	expect(t, "valid", none.IsValid(), false)
	expect(t, "private", none.IsPrivate(), false)
	expect(t, "the text", none.String(), "invalid Address")
	m := open(t, pm.Options{})
	expectIs(t, "ensure", m.EnsureExists(background, none), pm.ErrInvalidAddress)
	_, err := m.Load(none)
	expectIs(t, "load", err, pm.ErrInvalidAddress)
	_, err = m.EnsureExistsMany(background, []pm.Address{parse(t, "1.2.3.4"), none})
	expectIs(t, "ensure many", err, pm.ErrInvalidAddress)
	expect(t, "the number of peers", m.PeerCount(), 0)
}
