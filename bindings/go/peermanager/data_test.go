package peermanager_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

func expectData(t *testing.T, m *pm.Manager, address pm.Address, want []byte) {
	t.Helper()
	data, err := m.Data(address)
	must(t, err)
	if !bytes.Equal(data, want) || (data == nil) != (len(want) == 0) {
		t.Errorf("the data of %v is %v instead of %v", address, data, want)
	}
}

func TestDataGoesWithItsPeer(t *testing.T) {
	m := open(t, pm.Options{})
	peer, other := parse(t, "8.8.8.8"), parse(t, "9.9.9.9")
	_, err := m.EnsureExistsMany(background, []pm.Address{peer, other})
	must(t, err)
	expectData(t, m, peer, nil)
	everyByte := make([]byte, 255)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	for _, data := range [][]byte{{0}, {1, 0, 2}, everyByte, everyByte[:254], {255}, {}, []byte("id"), nil} {
		given := bytes.Clone(data)
		must(t, m.SetData(background, peer, given))
		clear(given) // the caller's own
		expectData(t, m, peer, data)
		expectData(t, m, other, nil)
	}
	must(t, m.SetData(background, peer, everyByte))
	must(t, m.Update(background, peer, pm.TypeOutbound, false, pm.BackoffIncrease))
	must(t, m.Store(background, pm.Record{Address: peer, PeerType: pm.TypePreferred}))
	expectData(t, m, peer, everyByte)
	first, err := m.Data(peer)
	must(t, err)
	clear(first) // a copy
	expectData(t, m, peer, everyByte)
	must(t, m.Remove(background, peer))
	must(t, m.EnsureExists(background, peer))
	expectData(t, m, peer, nil)
}

func TestDataSurvivesARestartAndIsImported(t *testing.T) {
	peer := parse(t, "8.8.8.8")
	for _, durability := range []pm.Durability{pm.DurabilityCommit, pm.DurabilitySync, pm.DurabilityDeferred} {
		options := pm.Options{Path: filepath.Join(t.TempDir(), "peers.db"), Durability: durability}
		m, err := pm.Open(background, options)
		must(t, err)
		must(t, m.EnsureExists(background, peer))
		must(t, m.SetData(background, peer, []byte("node id")))
		must(t, m.Close())
		m = open(t, options)
		expectData(t, m, peer, []byte("node id"))
		must(t, m.Close())
		importing := open(t, pm.Options{})
		_, err = importing.Import(background, options.Path)
		must(t, err)
		expectData(t, importing, peer, []byte("node id"))
	}
}

func TestASnapshotHasTheData(t *testing.T) {
	m := filled(t, pm.Options{}, 70)
	snapshot, err := m.Snapshot()
	must(t, err)
	var peers []pm.Address
	for record := range snapshot.All() {
		peers = append(peers, record.Address)
	}
	must(t, snapshot.Close())
	for i, peer := range peers {
		if i%2 == 0 {
			must(t, m.SetData(background, peer, []byte(peer.String())))
		}
	}
	snapshot, err = m.Snapshot()
	must(t, err)
	defer snapshot.Close()
	must(t, m.ClearAll(background)) // it is one point in time
	count := 0
	for i := range snapshot.Len() {
		record, err := snapshot.At(i)
		must(t, err)
		data, err := snapshot.DataAt(i)
		must(t, err)
		if data != nil {
			count++
			expect(t, "the data", string(data), record.Address.String())
		}
	}
	expect(t, "the number with data", count, 35)
}

func TestWrongDataIsAnErrorAndDoesNothing(t *testing.T) {
	m := open(t, pm.Options{})
	peer, unknown := parse(t, "8.8.8.8"), parse(t, "9.9.9.9")
	must(t, m.EnsureExists(background, peer))
	must(t, m.SetData(background, peer, []byte("id")))
	ended, end := context.WithCancel(background)
	end()
	_, dataOfUnknown := m.Data(unknown)
	_, dataOfNone := m.Data(pm.Address{})
	for what, given := range map[string]struct{ err, want error }{
		"a byte too many":        {m.SetData(background, peer, make([]byte, pm.DataCapacity+1)), pm.ErrInvalidArgument},
		"a million too many":     {m.SetData(background, peer, make([]byte, 1_000_000)), pm.ErrInvalidArgument},
		"a peer that is not":     {m.SetData(background, unknown, []byte("x")), pm.ErrNotFound},
		"no data of no peer":     {m.SetData(background, unknown, nil), pm.ErrNotFound},
		"no address":             {m.SetData(background, pm.Address{}, []byte("x")), pm.ErrInvalidAddress},
		"no context":             {m.SetData(noContext, peer, []byte("x")), pm.ErrInvalidArgument},
		"a context that ended":   {m.SetData(ended, peer, []byte("x")), context.Canceled},
		"the data of no peer":    {dataOfUnknown, pm.ErrNotFound},
		"the data of no address": {dataOfNone, pm.ErrInvalidAddress},
	} {
		expectIs(t, what, given.err, given.want)
	}
	expectData(t, m, peer, []byte("id"))
	expect(t, "the number of peers", m.PeerCount(), 1)
}

func TestAHostIsRemovedOnAllItsPorts(t *testing.T) {
	for _, durability := range []pm.Durability{pm.DurabilityCommit, pm.DurabilityDeferred} {
		m, _ := openFile(t, durability)
		_, err := m.EnsureExistsMany(background, []pm.Address{parse(t, "8.8.8.8:1"), parse(t, "8.8.8.8:2"), parse(t, "8.8.8.9:1"),
			parse(t, "[2001:db8::1]:1"), parse(t, "[2001:db8::1]:65535"), parse(t, "example.org:1"), parse(t, "a.example.org:1")})
		must(t, err)
		must(t, m.Store(background, pm.Record{Address: parse(t, "8.8.8.8:3"), PeerType: pm.TypePreferred}))
		for _, given := range []struct {
			host string
			want int
		}{{"::ffff:8.8.8.8", 3}, {"8.8.8.8", 0}, {"2001:DB8:0::1", 2}, {"Example.ORG.", 1}, {"none.example", 0}} {
			removed, err := m.RemoveHost(background, given.host)
			must(t, err)
			expect(t, "the number of "+given.host, removed, given.want)
		}
		expect(t, "the number of peers", m.PeerCount(), 2)
		_, err = m.Load(parse(t, "8.8.8.9:1"))
		must(t, err)
		for host, want := range map[string]error{
			"": pm.ErrInvalidAddress, "8.8.8": pm.ErrInvalidAddress, "8.8.8.9:1": pm.ErrInvalidAddress, "8.8.8.0/24": pm.ErrInvalidAddress,
			"[2001:db8::1]": pm.ErrInvalidAddress, "8.8.8.9\x00": pm.ErrInvalidAddress, "\xff": pm.ErrInvalidArgument,
			strings.Repeat("a.", 10_000): pm.ErrInvalidAddress,
		} {
			_, err := m.RemoveHost(background, host)
			expectIs(t, fmt.Sprintf("the host %.20q", host), err, want)
		}
		_, err = m.RemoveHost(noContext, "8.8.8.9")
		expectIs(t, "no context", err, pm.ErrInvalidArgument)
		expect(t, "the number of peers", m.PeerCount(), 2)
	}
}

func TestDataThatIsSetInTheBackgroundIsWhatWasGiven(t *testing.T) {
	m, path := openFile(t, pm.DurabilityCommit)
	peer := parse(t, "8.8.8.8")
	must(t, m.EnsureExists(background, peer))
	must(t, m.Flush(background))
	unlock := lockUsedFile(t, path)
	short, cancel := context.WithTimeout(background, 250*time.Millisecond)
	defer cancel()
	given := []byte("node id")
	expectIs(t, "the change", m.SetData(short, peer, given), pm.ErrPending)
	clear(given) // the caller's own again
	unlock()
	must(t, m.Flush(background)) // waits for its turn
	expectData(t, m, peer, []byte("node id"))
	must(t, m.Close())
	expectData(t, open(t, pm.Options{Path: path}), peer, []byte("node id"))
}

func TestDataIsSetByManyAtOnce(t *testing.T) {
	m, _ := openFile(t, pm.DurabilityDeferred)
	addresses := many(t, "8.8", 8)
	_, err := m.EnsureExistsMany(background, addresses)
	must(t, err)
	done := make(chan error)
	for n, address := range addresses {
		go func() {
			for i := range 200 {
				data := bytes.Repeat([]byte{byte(n)}, i+1)
				if err := m.SetData(background, address, data); err != nil {
					done <- err
					return
				}
				got, err := m.Data(address)
				if err == nil && !bytes.Equal(got, data) {
					err = fmt.Errorf("%v has %v", address, got)
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range addresses {
		must(t, <-done)
	}
}
