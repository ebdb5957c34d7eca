package peermanager

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
)

// What errors.Is finds in the errors of this package, one for each status of the library.
var (
	// ErrInvalidArgument is an argument that can never be right.
	ErrInvalidArgument = errors.New("invalid argument")
	// ErrInvalidAddress is a host or a port that is not an address, or a prefix that is none.
	ErrInvalidAddress = errors.New("invalid address")
	// ErrNotFound says that there is no such peer or no such ban, or that no peer waits.
	ErrNotFound = errors.New("no such peer")
	// ErrDatabase says that SQLite failed for another reason; [Error.SQLiteCode] says which.
	ErrDatabase = errors.New("database error")
	// ErrCorrupt says that the file is damaged, or not a database of peers.
	ErrCorrupt = errors.New("damaged database")
	// ErrBusy says that another connection or process kept the file past the busy timeout.
	ErrBusy = errors.New("database busy")
	// ErrDiskFull says that there is no space for the database.
	ErrDiskFull = errors.New("disk full")
	// ErrLimit says that a configured bound refuses the peer.
	ErrLimit = errors.New("limit reached")
	// ErrUnsupported says that this version of the library does not do that, or not with these options.
	ErrUnsupported = errors.New("unsupported")
	// ErrInternal is a bug in the library; every later call on that manager returns it, too.
	ErrInternal = errors.New("internal error")
	// ErrRefused says that a policy refuses the address: it is banned ([Manager.Ban]), one of the node's own
	// ([Manager.SetOwnAddresses]), or not one that [Options].Reach admits.
	ErrRefused = errors.New("refused")
	// ErrNoMemory says that there is not enough memory, and that nothing was done.
	ErrNoMemory = errors.New("no memory")
)

// ErrClosed is what calls on a manager or a snapshot return after Close.
var ErrClosed = errors.New("the peer manager is closed")

// ErrPending says that the context ended while the change was under way, and that it goes on in the background.
var ErrPending = errors.New("it goes on in the background")

// Status is the library's number for what failed.
type Status int32

// The statuses of the library.
const (
	StatusOK              Status = C.PEER_MANAGER_OK
	StatusInvalidArgument Status = C.PEER_MANAGER_ERROR_INVALID_ARGUMENT
	StatusInvalidAddress  Status = C.PEER_MANAGER_ERROR_INVALID_ADDRESS
	StatusNotFound        Status = C.PEER_MANAGER_ERROR_NOT_FOUND
	StatusDatabase        Status = C.PEER_MANAGER_ERROR_DATABASE
	StatusCorrupt         Status = C.PEER_MANAGER_ERROR_CORRUPT
	StatusBusy            Status = C.PEER_MANAGER_ERROR_BUSY
	StatusDiskFull        Status = C.PEER_MANAGER_ERROR_DISK_FULL
	StatusLimit           Status = C.PEER_MANAGER_ERROR_LIMIT
	StatusUnsupported     Status = C.PEER_MANAGER_ERROR_UNSUPPORTED
	StatusInternal        Status = C.PEER_MANAGER_ERROR_INTERNAL
	StatusRefused         Status = C.PEER_MANAGER_ERROR_REFUSED
	StatusNoMemory        Status = C.PEER_MANAGER_ERROR_NO_MEMORY
)

// String is the library's name of the status, such as "NOT_FOUND".
func (s Status) String() string {
	return C.GoString(C.peer_manager_status_name(C.int32_t(s)))
}

// Error is what the library refused, and why.
type Error struct {
	// Status is the library's number for it.
	Status Status
	// SQLiteCode is SQLite's extended result code, 0 where SQLite was not involved.
	SQLiteCode int
	// Message says in one line what failed, on what, and what to do.
	Message string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap leads errors.Is to the sentinel of the status.
func (e *Error) Unwrap() error {
	switch e.Status {
	case StatusInvalidArgument:
		return ErrInvalidArgument
	case StatusInvalidAddress:
		return ErrInvalidAddress
	case StatusNotFound:
		return ErrNotFound
	case StatusDatabase:
		return ErrDatabase
	case StatusCorrupt:
		return ErrCorrupt
	case StatusBusy:
		return ErrBusy
	case StatusDiskFull:
		return ErrDiskFull
	case StatusLimit:
		return ErrLimit
	case StatusUnsupported:
		return ErrUnsupported
	case StatusInternal:
		return ErrInternal
	case StatusRefused:
		return ErrRefused
	case StatusNoMemory:
		return ErrNoMemory
	}
	return nil // a status of a newer library
}

func newError(e *C.peer_manager_error) *Error {
	failed := *e // so that the caller's stays on its stack when nothing failed
	return &Error{Status(failed.status), int(failed.sqlite_code), C.GoString(&failed.message[0])}
}

func invalidArgument(format string, parts ...any) error {
	return &Error{Status: StatusInvalidArgument, Message: fmt.Sprintf(format, parts...)}
}

// ClockError says that the clock of [Options] panicked during the call. The call was carried out anyway, with the last time
// that the clock had returned (the system's, if it never returned one).
type ClockError struct {
	// Value is what the clock panicked with.
	Value any
}

// Error says that the clock panicked, and with what.
func (e *ClockError) Error() string { return fmt.Sprintf("the clock panicked: %v", e.Value) }

// Unwrap is the error that the clock panicked with, if it was one.
func (e *ClockError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
