//go:build peermanager_static

package peermanager

// The linker prefers a shared library to an archive of the same name beside it, so the archive is named first and
// what pkg-config adds behind it is taken only as far as it is needed.

// #cgo pkg-config: --static peer_manager
// #cgo LDFLAGS: -Wl,-Bstatic -lpeer_manager -Wl,-Bdynamic -Wl,--as-needed
import "C"
