//go:build !peermanager_static

package peermanager

// #cgo pkg-config: peer_manager
import "C"
