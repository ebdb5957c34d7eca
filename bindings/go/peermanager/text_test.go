package peermanager_test

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

// backFromJSON is the value that comes back, and its JSON.
func backFromJSON[T any](t *testing.T, value T) (back T, text string) {
	t.Helper()
	written, err := json.Marshal(value)
	must(t, err)
	must(t, json.Unmarshal(written, &back))
	return back, string(written)
}

func TestRecordsComeBackFromJSON(t *testing.T) {
	m := open(t, pm.Options{KeepHistory: true})
	for i, host := range []string{"8.8.8.8", "2001:db8::1", "example.org", "a.onion"} {
		address := parse(t, host)
		must(t, m.Update(background, address, pm.PeerType(i%3), false, pm.BackoffIncrease))
		record, err := m.Load(address)
		must(t, err)
		back, text := backFromJSON(t, record)
		expect(t, text, back, record)
		if !strings.Contains(text, `"`+address.String()+`"`) {
			t.Errorf("%s lacks %v", text, address)
		}
		history, err := m.LoadHistory(address)
		must(t, err)
		past, text := backFromJSON(t, history)
		expect(t, text, past, history)
	}
	record := pm.Record{Address: parse(t, "1.2.3.4:5"), NextAttempt: time.Unix(7, 0).UTC(), PeerType: pm.TypePreferred}
	_, text := backFromJSON(t, record)
	expect(t, "a record", text,
		`{"Address":"1.2.3.4:5","NextAttempt":"1970-01-01T00:00:07Z","NumFailures":0,"PeerType":"preferred"}`)

	record.NextAttempt = time.Unix(math.MaxInt32*1000, 0)
	if _, err := json.Marshal(record); err == nil {
		t.Error("a year that JSON has no form for was written")
	}
	record = pm.Record{PeerType: 7}
	if _, err := json.Marshal(record); err == nil {
		t.Error("a type without a name was written")
	}
}

func TestOtherValuesComeBackFromJSON(t *testing.T) {
	m := open(t, pm.Options{})
	_, err := m.Ban(background, "203.0.113.0/24", pm.ForGood)
	must(t, err)
	stats, err := m.Stats()
	must(t, err)
	back, text := backFromJSON(t, stats)
	expect(t, text, back, stats)
	bans, err := m.Bans()
	must(t, err)
	lasting, text := backFromJSON(t, bans)
	if !slices.Equal(lasting, bans) || !lasting[0].Until.Equal(pm.ForGood) {
		t.Errorf("%s came back as %v", text, lasting)
	}
	query := pm.Query{
		TypeFilter: pm.FilterNotPreferred, IgnoreNextAttempt: true, MaxNumFailures: pm.AtMost(3), MaxPerNetgroup: 2,
		Exclude: []pm.Address{parse(t, "1.2.3.4")}, Seniority: 8, Apart: true, Networks: pm.NetworkOnion | pm.NetworkI2P,
	}
	same, text := backFromJSON(t, query)
	if !reflect.DeepEqual(same, query) {
		t.Errorf("%s came back as %+v", text, same)
	}
	_, err = m.Load(parse(t, "1.2.3.4"))
	refusal, text := backFromJSON(t, err.(*pm.Error))
	expect(t, text, *refusal, *err.(*pm.Error))
	if !strings.Contains(text, `"Status":"NOT_FOUND"`) {
		t.Errorf("the error is %s", text)
	}
}

func TestMapsByAddressComeBackFromJSON(t *testing.T) {
	known := map[pm.Address]int{parse(t, "1.2.3.4"): 1, parse(t, "[2001:db8::1]:2"): 2, parse(t, "example.org"): 3}
	back, text := backFromJSON(t, known)
	expect(t, "the JSON", text, `{"1.2.3.4:11625":1,"[2001:db8::1]:2":2,"example.org:11625":3}`)
	for address, number := range known {
		expect(t, address.String(), back[address], number)
	}
	expect(t, "the number of them", len(back), len(known))
	counts, _ := backFromJSON(t, map[pm.PeerType]int{pm.TypeOutbound: 4})
	expect(t, "a count by type", counts[pm.TypeOutbound], 4)
}

func TestAddressesAsText(t *testing.T) {
	for given, want := range map[string]string{
		"": "", "1.2.3.4:5": "1.2.3.4:5", "[2001:DB8::1]:2": "[2001:db8::1]:2", "Example.ORG.:80": "example.org:80",
		"[::ffff:8.8.4.4]:80": "8.8.4.4:80",
	} {
		address := parse(t, "9.9.9.9")
		must(t, address.UnmarshalText([]byte(given)))
		text, err := address.MarshalText()
		must(t, err)
		expect(t, given, string(text), want)
		expect(t, "whether "+given+" is valid", address.IsValid(), given != "")
		text, err = address.AppendText([]byte("at "))
		must(t, err)
		expect(t, given, string(text), "at "+want)
	}
	for _, given := range []string{"1.2.3.4", "1.2.3:4", "1.2.3.4:0", "invalid Address", " ", "1.2.3.4:5\x00"} {
		address := parse(t, "9.9.9.9")
		expectIs(t, given, address.UnmarshalText([]byte(given)), pm.ErrInvalidAddress)
		expect(t, "what was there before", address, parse(t, "9.9.9.9"))
	}
}

// canBeText are values of which every one is a text, and the same again.
type canBeText interface {
	encoding.TextMarshaler
	fmt.Stringer
}

func TestEveryEnumeratorIsText(t *testing.T) {
	var values []canBeText
	into := make(map[reflect.Type]int)
	add := func(each ...canBeText) { values = append(values, each...) }
	add(pm.TypeInbound, pm.TypeOutbound, pm.TypePreferred)
	add(pm.BackoffHardReset, pm.BackoffReset, pm.BackoffIncrease)
	add(pm.DurabilityCommit, pm.DurabilitySync, pm.DurabilityDeferred)
	add(pm.OnCorruptFail, pm.OnCorruptQuarantine)
	add(pm.FilterAnyOutbound, pm.FilterAny, pm.FilterInboundOnly, pm.FilterOutboundOnly, pm.FilterPreferredOnly)
	add(pm.FilterNotPreferred, pm.ReachSpecification, pm.ReachPublic, pm.ReachPrivate)
	add(pm.PurposeConnect, pm.PurposeFeeler)
	for networks := range pm.NetworkName << 1 {
		add(networks)
	}
	for status := pm.StatusOK; status <= pm.StatusNoMemory; status++ {
		add(status)
	}
	for _, value := range values {
		text, err := value.MarshalText()
		must(t, err)
		expect(t, fmt.Sprintf("the text of %T(%v)", value, value), string(text), value.String())
		back := reflect.New(reflect.TypeOf(value))
		must(t, back.Interface().(encoding.TextUnmarshaler).UnmarshalText(text))
		if back.Elem().Interface() != value {
			t.Errorf("%T: %s came back as %v", value, text, back.Elem())
		}
		into[reflect.TypeOf(value)]++
	}
	expect(t, "the number of types", len(into), 9)

	for kind := range into {
		for _, text := range []string{"", "no such name", "Inbound", " all", "all|ipv4", "ipv4|", "5"} {
			if text == "5" && kind == reflect.TypeFor[pm.Status]() {
				continue // a status of a newer library has a number only
			}
			value := reflect.New(kind)
			err := value.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
			expectIs(t, fmt.Sprintf("%q as %v", text, kind), err, pm.ErrInvalidArgument)
		}
	}
	for _, unknown := range []encoding.TextMarshaler{
		pm.PeerType(3), pm.Backoff(3), pm.Durability(3), pm.OnCorrupt(2), pm.TypeFilter(6), pm.Reach(3), pm.Purpose(2),
		pm.Networks(32), pm.NetworkIPv4 | 1<<31,
	} {
		_, err := unknown.MarshalText()
		expectIs(t, fmt.Sprint(unknown), err, pm.ErrInvalidArgument)
	}
	newer := pm.Status(99)
	text, err := newer.MarshalText()
	must(t, err)
	var back pm.Status
	must(t, back.UnmarshalText(text))
	expect(t, "a status of a newer library", back, newer)
}

func TestAddressesHaveAnOrder(t *testing.T) {
	inOrder := []pm.Address{
		{}, parse(t, "1.2.3.4:5"), parse(t, "1.2.3.4:10"), parse(t, "9.0.0.0:1"), parse(t, "10.0.0.0:1"), parse(t, "255.255.255.255:1"),
		parse(t, "[::1]:1"), parse(t, "[2001:db8::9]:1"), parse(t, "[2001:db8::10]:1"), parse(t, "[ff02::1]:1"),
		parse(t, "1.2.3.4.a1:1"), parse(t, "a.onion:1"), parse(t, "a.onion:2"), parse(t, "example.org:1"),
	}
	for i, a := range inOrder {
		for j, b := range inOrder {
			c := a.Compare(b)
			if (c < 0) != (i < j) || (c > 0) != (i > j) {
				t.Errorf("%v compared with %v is %d", a, b, c)
			}
		}
	}
}

func TestTheOrderOfIPAddressesIsNetips(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var addresses []pm.Address
	for range 300 {
		var bytes [16]byte
		for i := range bytes {
			bytes[i] = byte(random.Uint32N(3))
		}
		addr := netip.AddrFrom16(bytes)
		if random.Uint32N(2) == 0 {
			addr = netip.AddrFrom4([4]byte(bytes[:4]))
		}
		address, err := pm.FromAddrPort(netip.AddrPortFrom(addr, uint16(1+random.Uint32N(3))))
		must(t, err)
		addresses = append(addresses, address)
	}
	slices.SortFunc(addresses, pm.Address.Compare)
	isSorted := slices.IsSortedFunc(addresses, func(a, b pm.Address) int {
		x, _ := a.AddrPort()
		y, _ := b.AddrPort()
		return x.Compare(y)
	})
	if !isSorted {
		t.Errorf("not in netip's order: %v", addresses)
	}
}
