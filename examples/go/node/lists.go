package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	pm "peer-manager.example/go/peermanager"
)

// imported is what came of a list.
type imported struct{ read, added, bad int }

// importPeers adds the addresses of a text file, one a line; the first of them become preferred peers. A line that is no
// address is reported and passed over.
func importPeers(ctx context.Context, peers *pm.Manager, path string, preferred int, report io.Writer) (imported, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return imported{}, fmt.Errorf("cannot read the list: %w", err)
	}
	var done imported
	var addresses []pm.Address
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line := string(bytes.Trim(line, " \t\r\n"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		address, err := pm.ParseAddress(line, defaultPort)
		if err != nil {
			fmt.Fprintf(report, "%s:%d: %v\n", path, number, err)
			done.bad++
			continue
		}
		addresses = append(addresses, address)
	}
	done.read = len(addresses)
	if done.added, err = peers.EnsureExistsMany(ctx, addresses); err != nil {
		return imported{}, err
	}
	for _, address := range addresses[:min(preferred, len(addresses))] {
		if err := peers.UpdateType(ctx, address, pm.TypePreferred, true); err != nil {
			return imported{}, err
		}
	}
	return done, nil
}

// exportPeers writes the addresses of all peers, one a line and sorted. It writes a file next to the one that is wanted,
// which then takes its place at once: whatever happens meanwhile, no reader finds half a list.
func exportPeers(peers *pm.Manager, path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot write the list: %w", err)
		}
	}()
	if found, err := os.Lstat(path); err == nil && !found.Mode().IsRegular() {
		return fmt.Errorf("%s is there and no regular file; give another path", path)
	}
	snapshot, err := peers.Snapshot()
	if err != nil {
		return err
	}
	lines := make([]string, 0, snapshot.Len())
	for record := range snapshot.All() {
		lines = append(lines, record.Address.String()+"\n")
	}
	slices.Sort(lines)
	temporary := fmt.Sprintf("%s.tmp-%d", path, os.Getpid())
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if _, err = file.WriteString(strings.Join(lines, "")); err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = os.Remove(temporary)
	}
	return err
}
