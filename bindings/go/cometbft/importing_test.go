package cometbft_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cometbft/cometbft/p2p/pex"

	"peer-manager.example/go/cometbft"
	pm "peer-manager.example/go/peermanager"
)

func TestAnEmptyBookTakesOverTheFileOfCometBFTsOwn(t *testing.T) {
	const size = 150
	r := newRandom(t)
	path := filepath.Join(t.TempDir(), "addrbook.json")
	theirs := pex.NewAddrBook(path, true)
	all := r.addresses(size)
	for i, addr := range all {
		must(t, theirs.AddAddress(addr, r.address()))
		if i%3 == 0 {
			theirs.MarkGood(addr.ID)
		}
		for range i % 5 {
			theirs.MarkAttempt(addr)
		}
	}
	theirs.Save()
	before, err := os.ReadFile(path)
	must(t, err)

	book, err := cometbft.NewAddrBook(path, true)
	must(t, err)
	must(t, book.Start())
	expect(t, "the size", book.Size(), theirs.Size())
	for i, addr := range all {
		expect(t, "whether it is there", book.HasAddress(addr), true)
		expect(t, "whether it is good", book.IsGood(addr), i%3 == 0)
		address, err := pm.ParseAddress(addr.DialString(), 0)
		must(t, err)
		record, err := book.Manager().Load(address)
		must(t, err)
		expect(t, "its failures", record.NumFailures, uint32(i%5))
		expect(t, "whether it is due", record.IsReady(time.Now()), true)
	}
	must(t, book.Check())
	book.RemoveAddress(all[0])
	must(t, book.Stop())

	// Only an empty book takes it over, and the file stays for the way back.
	book, err = cometbft.NewAddrBook(path, true)
	must(t, err)
	defer book.Close()
	expect(t, "the size", book.Size(), size-1)
	after, err := os.ReadFile(path)
	must(t, err)
	expect(t, "whether the file is as it was", string(after), string(before))
}

func TestWhatABookRefusesIsNotTakenOver(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "addrbook.json")
	const id = "678503e6c8f50db7279c7da3cb9b072aac4bc0d5"
	entry := func(id, ip, rest string) string {
		return `{"addr":{"id":"` + id + `","ip":"` + ip + `","port":26656},"src":null` + rest + `}`
	}
	write(t, path, `{"key":"k","addrs":[`+strings.Join([]string{
		`{}`, `{"addr":null,"bucket_type":2}`,
		entry("", "8.8.8.8", ""),
		entry(id, "10.1.2.3", ""),
		entry(id, "", ""),
		entry(id, "8.8.8.8", `,"attempts":-7,"bucket_type":1`),
		entry(id, "8.8.8.9", `,"bucket_type":1`),
		entry(strings.Replace(id, "6", "7", 1), "8.8.8.8", `,"attempts":0,"bucket_type":2`),
	}, ",")+`]}`)
	book, err := cometbft.NewAddrBook(path, true)
	must(t, err)
	defer book.Close()
	// Old ones come first, so the one that is good has the address, and the other one its second.
	expect(t, "the size", book.Size(), 2)
	expect(t, "whether the old one is good", book.IsGood(parse(t, strings.Replace(id, "6", "7", 1)+"@8.8.8.8:26656")), true)
	for _, addr := range book.GetSelection() {
		if addr.ID == id {
			expect(t, "the address of the new one", addr.DialString(), "8.8.8.9:26656")
		}
	}
}

func TestTooManyAddressesAreTakenOverAsFarAsThereIsRoom(t *testing.T) {
	r := newRandom(t)
	path := filepath.Join(t.TempDir(), "addrbook.json")
	theirs := pex.NewAddrBook(path, true)
	all := r.addresses(60)
	for i, addr := range all {
		must(t, theirs.AddAddress(addr, r.address()))
		if i >= 30 {
			theirs.MarkGood(addr.ID)
		}
	}
	theirs.Save()
	book := open(t, cometbft.Options{ImportPath: path, MaxPeers: 40})
	expect(t, "the size", book.Size(), 40)
	for _, addr := range all[30:] {
		expect(t, "whether an old one is good", book.IsGood(addr), true)
	}
}

func TestAFileThatCannotBeTakenOverIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "addrbook.json")
	for _, text := range []string{"", "{", `{"addrs":7}`, "SQLite format 3"} {
		write(t, path, text)
		if book, err := cometbft.NewAddrBook(path, true); err == nil {
			must(t, book.Close())
			t.Errorf("%q was taken over", text)
		} else if !strings.Contains(err.Error(), path) {
			t.Errorf("%v does not say which file", err)
		}
	}
	must(t, os.Remove(path))
	book, err := cometbft.NewAddrBook(path, true)
	must(t, err)
	must(t, book.Close())
}

func TestTheDatabaseIsBesideTheFileOfCometBFTsOwn(t *testing.T) {
	for path, database := range map[string]string{
		"config/addrbook.json": "config/addrbook.db",
		"addrbook":             "addrbook.db",
		"a.json.old":           "a.json.old.db",
	} {
		expect(t, "the database of "+path, cometbft.DatabasePath(path), database)
	}
}

func TestABookThatCannotBeOpenedIsAnError(t *testing.T) {
	_, err := cometbft.NewAddrBook(filepath.Join(t.TempDir(), "no such directory", "addrbook.json"), true)
	expectIs(t, "opening it", err, pm.ErrDatabase)
}

func TestADamagedBookIsMovedAway(t *testing.T) {
	path := tempFile(t)
	write(t, path, strings.Repeat("not a database. ", 1000))
	book := open(t, cometbft.Options{Path: path})
	must(t, book.Start())
	addr := newRandom(t).address()
	must(t, book.AddAddress(addr, addr))
	quarantine, err := book.Manager().Quarantine()
	must(t, err)
	text, err := os.ReadFile(quarantine.Path)
	must(t, err)
	expect(t, "whether it was kept", strings.HasPrefix(string(text), "not a database."), true)
	must(t, book.Stop())
}

func TestAnAddressWithoutAnIDIsRemovedWhenTheBookIsOpened(t *testing.T) {
	options := cometbft.Options{Path: tempFile(t)}
	r := newRandom(t)
	book := open(t, options)
	whole := r.address()
	must(t, book.AddAddress(whole, whole))
	// As if the process had ended before the id was written; and what another program wrote.
	for i, data := range [][]byte{nil, []byte("x"), make([]byte, 41)} {
		address, err := pm.NewAddress("9.9.9.9", uint16(1+i))
		must(t, err)
		must(t, book.Manager().EnsureExists(background, address))
		must(t, book.Manager().SetData(background, address, data))
	}
	for range 50 { // they may be drawn, but not picked
		if addr := book.PickAddress(100); addr != nil {
			expect(t, "what is picked", addr.String(), whole.String())
		}
	}
	must(t, book.Close())
	book = open(t, options)
	expect(t, "the size", book.Size(), 1)
	expect(t, "whether the whole one is there", book.HasAddress(whole), true)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestABookIsOpenUntilItIsStopped(t *testing.T) {
	options := cometbft.Options{Path: tempFile(t)}
	book := open(t, options)
	r := newRandom(t)
	addr := r.address()
	must(t, book.AddAddress(addr, addr))
	must(t, book.Start())
	expect(t, "whether it runs", book.IsRunning(), true)
	if book.Start() == nil {
		t.Error("it was started twice")
	}
	must(t, book.Stop())
	if book.Stop() == nil {
		t.Error("it was stopped twice")
	}
	<-book.Quit()

	// A reactor may use it for a moment longer.
	book.Save()
	book.AddOurAddress(r.address())
	book.AddPrivateIDs([]string{string(r.id())})
	book.MarkGood(addr.ID)
	book.MarkAttempt(addr)
	book.MarkBad(addr, time.Hour)
	book.RemoveAddress(addr)
	book.ReinstateBadPeers()
	if err := book.AddAddress(r.address(), addr); !errors.Is(err, pm.ErrClosed) {
		t.Errorf("adding to a stopped book: %v", err)
	}
	expect(t, "the size", book.Size(), 0)
	expect(t, "whether it is empty", book.Empty(), true)
	expect(t, "what is picked", book.PickAddress(50), nil)
	expect(t, "what is selected", len(book.GetSelection())+len(book.GetSelectionWithBias(bias)), 0)
	expect(t, "whether it is there", book.HasAddress(addr), false)
	expect(t, "whether it is banned", book.IsBanned(addr), false)

	book = open(t, options)
	expect(t, "whether it is there after a restart", book.HasAddress(addr), true)
}
