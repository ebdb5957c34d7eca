//go:build peermanager_static

package peermanager

// The linker prefers a shared library to an archive of the same name in the same directory, so the archive is named first,
// and of what pkg-config adds after it only what is needed is linked.

// #cgo pkg-config: --static peer_manager
// #cgo LDFLAGS: -Wl,-Bstatic -lpeer_manager -Wl,-Bdynamic -Wl,--as-needed
import "C"
