package peermanager_test

import (
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

func TestAnAddressIsRoutableUnlessItIsPrivateOrSetAside(t *testing.T) {
	for host, want := range map[string]bool{
		"8.8.8.8": true, "example.org": true, "2a00:1450::1": true, "192.0.2.1": false, "2001:db8::1": false,
		"10.0.0.1": false, "64:ff9b::10.1.2.3": false, "host.test": false, "localhost": false,
	} {
		expect(t, host, parse(t, host).IsRoutable(), want)
	}
}

func TestAddressesOfOneNetgroupHaveItsNumber(t *testing.T) {
	m := open(t, pm.Options{})
	of := func(host string) uint64 {
		netgroup, err := m.Netgroup(parse(t, host))
		must(t, err)
		return netgroup
	}
	expect(t, "the number of the same /16", of("8.8.1.1"), of("8.8.200.9"))
	expect(t, "the number of a wrapped address", of("64:ff9b::8.8.8.8"), of("8.8.0.1"))
	if of("8.8.1.1") == of("8.9.1.1") || of("a.example") == of("b.example") {
		t.Error("two netgroups have one number")
	}
	grouped := open(t, pm.Options{NameGroups: true})
	a, err := grouped.Netgroup(parse(t, "a.example"))
	must(t, err)
	b, err := grouped.Netgroup(parse(t, "b.example"))
	must(t, err)
	expect(t, "the number of another name", a, b)
}

func TestReachDecidesWhatIsHeardAndTold(t *testing.T) {
	public := open(t, pm.Options{Reach: pm.ReachPublic})
	expectIs(t, "gossip of an example", public.EnsureExists(background, parse(t, "192.0.2.1")), pm.ErrRefused)
	must(t, public.EnsureExists(background, parse(t, "8.8.8.8")))
	for reach, want := range map[pm.Reach]int{pm.ReachSpecification: 0, pm.ReachPrivate: 1} {
		m := open(t, pm.Options{Reach: reach})
		must(t, m.EnsureExists(background, parse(t, "10.0.0.1")))
		told, err := m.PeersToSend(nil, pm.Address{}, 9)
		must(t, err)
		expect(t, "the number of peers told with "+reach.String(), len(told), want)
	}
}

func TestTheBackoffFollowsTheOptions(t *testing.T) {
	clock := &simulated{}
	m := open(t, pm.Options{Clock: clock.read, BackoffSeconds: 1, MaxBackoffExponent: 1})
	peer := parse(t, "8.8.8.8")
	for range 50 {
		must(t, m.UpdateBackoff(background, peer, pm.BackoffIncrease))
		record, err := m.Load(peer)
		must(t, err)
		if wait := record.NextAttempt.Sub(clock.read()); wait < time.Second || wait > 2*time.Second {
			t.Errorf("it waits for %v", wait)
		}
	}
}

func TestOptionsOfTheAddressesAreChecked(t *testing.T) {
	for what, options := range map[string]pm.Options{
		"a reach":                 {Reach: 3},
		"a unit of the back-off":  {BackoffSeconds: 3601},
		"an exponent":             {MaxBackoffExponent: 21},
		"an AS map that is not":   {ASMapPath: t.TempDir() + "/no.dat"},
		"an AS map's path, a NUL": {ASMapPath: "a\x00b"},
	} {
		m, err := pm.Open(background, options)
		expectIs(t, what, err, pm.ErrInvalidArgument)
		if m != nil {
			t.Errorf("%s: opened", what)
		}
	}
}
