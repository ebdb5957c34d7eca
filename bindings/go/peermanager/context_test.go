package peermanager_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

// A process that has this variable holds SQLite's lock for writing the file that it names, until its input ends.
const lockVariable = "PEERMANAGER_TEST_LOCK"

// The byte of the -shm file that the writer of a log locks, as SQLite's file format says.
const writeLock = 120

func holdLock(path string) int {
	file, err := os.OpenFile(path+"-shm", os.O_RDWR, 0)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: writeLock, Len: 1}
	if err := syscall.FcntlFlock(file.Fd(), syscall.F_SETLKW, &lock); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("locked")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// lockFile has another process lock the file of a manager; the function that is returned unlocks it.
func lockFile(t *testing.T, m *pm.Manager, path string) (unlock func()) {
	t.Helper()
	must(t, m.ClearAll(background)) // SQLite makes the file that is locked when it is first needed
	must(t, m.Flush(background))
	return lockUsedFile(t, path)
}

// lockUsedFile is lockFile for a file that has been written already.
func lockUsedFile(t *testing.T, path string) (unlock func()) {
	t.Helper()
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), lockVariable+"="+path)
	input, err := other.StdinPipe()
	must(t, err)
	output, err := other.StdoutPipe()
	must(t, err)
	must(t, other.Start())
	unlock = func() {
		_ = input.Close()
		_ = other.Wait()
	}
	t.Cleanup(unlock)
	said, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || said != "locked\n" {
		t.Fatalf("the other process said %q (%v)", said, err)
	}
	return unlock
}

func TestNothingIsDoneWhenTheContextHasEnded(t *testing.T) {
	ended, cancel := context.WithCancel(background)
	cancel()
	_, err := pm.Open(ended, pm.Options{})
	expectIs(t, "open", err, context.Canceled)
	for _, durability := range []pm.Durability{pm.DurabilityCommit, pm.DurabilityDeferred} {
		m, _ := openFile(t, durability)
		err := m.EnsureExists(ended, parse(t, "1.2.3.4"))
		expectIs(t, "ensure", err, context.Canceled)
		if errors.Is(err, pm.ErrPending) {
			t.Error("it says that something was done")
		}
		expectIs(t, "flush", m.Flush(ended), context.Canceled)
		expect(t, "the number of peers", m.PeerCount(), 0)
	}
}

func TestAChangeGoesOnWhenTheContextEndsMeanwhile(t *testing.T) {
	m, path := openFile(t, pm.DurabilityCommit)
	first, second, third := parse(t, "1.1.1.1"), parse(t, "2.2.2.2"), parse(t, "3.3.3.3")
	unlock := lockFile(t, m, path)
	short, cancel := context.WithTimeout(background, 250*time.Millisecond)
	defer cancel()

	begun := time.Now()
	err := m.EnsureExists(short, first)
	expectIs(t, "the first", err, context.DeadlineExceeded)
	expectIs(t, "the first", err, pm.ErrPending)
	if waited := time.Since(begun); waited > 5*time.Second {
		t.Errorf("it waited for %v", waited)
	}

	// The first has the turn still, so this one never begins.
	short, cancel = context.WithTimeout(background, 250*time.Millisecond)
	defer cancel()
	err = m.EnsureExists(short, second)
	expectIs(t, "the second", err, context.DeadlineExceeded)
	if errors.Is(err, pm.ErrPending) {
		t.Error("the second says that it goes on")
	}

	// Queries do not wait.
	_, err = m.Load(third)
	expectIs(t, "a query", err, pm.ErrNotFound)

	unlock()
	must(t, m.Flush(background)) // waits for its turn, so for the first
	_, err = m.Load(first)
	must(t, err)
	_, err = m.Load(second)
	expectIs(t, "the second", err, pm.ErrNotFound)
}

func TestCloseWaitsForAChangeInTheBackground(t *testing.T) {
	m, path := openFile(t, pm.DurabilityCommit)
	address := parse(t, "1.1.1.1")
	unlock := lockFile(t, m, path)
	short, cancel := context.WithTimeout(background, 250*time.Millisecond)
	defer cancel()
	expectIs(t, "the change", m.EnsureExists(short, address), pm.ErrPending)
	closed := make(chan error)
	go func() { closed <- m.Close() }()
	select {
	case err := <-closed:
		t.Errorf("closed while the change was under way (%v)", err)
	case <-time.After(50 * time.Millisecond):
	}
	unlock()
	must(t, <-closed)
	_, err := open(t, pm.Options{Path: path}).Load(address)
	must(t, err)
}

func TestFlushEndsWithItsContext(t *testing.T) {
	m, path := openFile(t, pm.DurabilityDeferred)
	unlock := lockFile(t, m, path)
	must(t, m.EnsureExists(background, parse(t, "1.1.1.1"))) // does not wait
	short, cancel := context.WithTimeout(background, 250*time.Millisecond)
	defer cancel()
	expectIs(t, "flush", m.Flush(short), pm.ErrPending)
	unlock()
	must(t, m.Flush(background))
	stats, err := m.Stats()
	must(t, err)
	expect(t, "what is pending", stats.PendingWrites, 0)
}

func TestCloseTellsWhatCouldNotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.db")
	m, err := pm.Open(background, pm.Options{Path: path, Durability: pm.DurabilityDeferred, BusyTimeout: time.Millisecond,
		FlushInterval: time.Hour})
	must(t, err)
	lockFile(t, m, path)
	must(t, m.EnsureExists(background, parse(t, "1.1.1.1")))
	expectIs(t, "close", m.Close(), pm.ErrBusy)
	expectIs(t, "the second close", m.Close(), pm.ErrBusy)
}

func TestOpeningEndsWithItsContext(t *testing.T) {
	m, path := openFile(t, pm.DurabilityCommit)
	short, cancel := context.WithTimeout(background, 250*time.Millisecond)
	defer cancel()
	before := runtime.NumGoroutine()
	_, err := pm.Open(short, pm.Options{Path: path, BusyTimeout: 30 * time.Second})
	expectIs(t, "open", err, context.DeadlineExceeded)
	expectIs(t, "open", err, pm.ErrPending)
	must(t, m.Close())
	// The one in the background opens the file now, and closes it at once.
	eventually(t, "nothing goes on in the background", func() bool { return runtime.NumGoroutine() <= before })
	open(t, pm.Options{Path: path, BusyTimeout: time.Millisecond})
}
