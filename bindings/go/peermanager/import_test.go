package peermanager_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

func TestNewPeersAreImportedFromAnotherFile(t *testing.T) {
	theirs, path := openFile(t, pm.DurabilityCommit)
	known, unknown := parse(t, "1.2.3.4"), parse(t, "example.org")
	want := pm.Record{Address: unknown, NextAttempt: time.Unix(7, 0).UTC(), NumFailures: 3, PeerType: pm.TypePreferred}
	must(t, theirs.StoreMany(background, []pm.Record{want, {Address: known, NumFailures: 9}}))

	onFile, _ := openFile(t, pm.DurabilityCommit)
	for _, m := range []*pm.Manager{open(t, pm.Options{}), onFile} {
		must(t, m.EnsureExists(background, known))
		for _, expected := range []int{1, 0} { // a second time there is nothing new
			inserted, err := m.Import(background, path)
			must(t, err)
			expect(t, "the number of new peers", inserted, expected)
		}
		record, err := m.Load(unknown)
		must(t, err)
		expect(t, "the imported peer", record, want)
		record, err = m.Load(known)
		must(t, err)
		expect(t, "the failures of the known peer", record.NumFailures, 0)
	}
	expect(t, "the number of their peers", theirs.PeerCount(), 2)
}

func TestAnImportFailsAsAWhole(t *testing.T) {
	directory := t.TempDir()
	garbage := filepath.Join(directory, "garbage.db")
	must(t, os.WriteFile(garbage, []byte("this is no database, however long it is looked at"), 0o600))
	_, path := openFile(t, pm.DurabilityCommit)
	ended, end := context.WithCancel(background)
	end()
	m := open(t, pm.Options{})
	for what, given := range map[string]struct {
		ctx  context.Context
		path string
		want error
	}{
		"a damaged file":       {background, garbage, pm.ErrCorrupt},
		"no file":              {background, filepath.Join(directory, "none.db"), pm.ErrDatabase},
		"no path":              {background, "", pm.ErrInvalidArgument},
		"a NUL":                {background, path + "\x00x", pm.ErrInvalidArgument},
		"not UTF-8":            {background, directory + "/\xff", pm.ErrInvalidArgument},
		"no context":           {nil, path, pm.ErrInvalidArgument},
		"a context that ended": {ended, path, context.Canceled},
	} {
		inserted, err := m.Import(given.ctx, given.path)
		expectIs(t, what, err, given.want)
		expect(t, "what was imported of "+what, inserted, 0)
	}
	expect(t, "the number of peers", m.PeerCount(), 0)
	must(t, m.Close())
	_, err := m.Import(background, path)
	expectIs(t, "a closed manager", err, pm.ErrClosed)
}
