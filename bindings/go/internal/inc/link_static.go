//go:build peermanager_static

package inc

// #cgo pkg-config: --static peer_manager
// #cgo LDFLAGS: -Wl,-Bstatic -lpeer_manager -Wl,-Bdynamic -Wl,--as-needed
import "C"
