// Package peermanager is the table of peers that a peer-to-peer node keeps: whom to dial next, whom to tell others
// about, how each address has behaved. It binds the library peer_manager through cgo; the library's header documents
// each function in full.
//
// # Contexts
//
// What may wait for the disk takes a context: [Open], [Manager.Flush] and everything that changes peers. Queries are
// answered from memory and take none.
//
// A call into C cannot be interrupted. So the context is checked before the call, and while it waits for its turn:
// changes to a file take turns, in the order in which they came, so that at most one thread waits for the disk,
// however many goroutines write. When the context ends before the change was begun, nothing was done, and nothing will
// be. When it ends later, the call returns at once with an error that is both the context's and [ErrPending], while the
// change goes on in the background: it may still succeed or fail, its outcome is not reported, and [Manager.Close]
// waits for it. To find out, call [Manager.Load], or wait with [Manager.Flush].
//
// In memory, and with [DurabilityDeferred], a change never waits, and the context is only checked before it.
//
// # Errors
//
// What the library refuses is an [*Error] with its status, SQLite's code and the library's message; errors.Is
// distinguishes the statuses ([ErrNotFound] and so on). A call that failed has done nothing, except with [ErrPending] and
// [*ClockError].
//
// # Text
//
// Addresses and enumerations are text in encoding/json, as keys of maps, in flag.TextVar and in log/slog, and what is written
// can be read back. Records, histories, bans, stats and errors are groups of their fields in log/slog.
//
// # Goroutines
//
// Everything here may be used by any number of goroutines at once. After Close a call returns [ErrClosed].
package peermanager
