//go:build !peermanager_static

package inc

// #cgo pkg-config: peer_manager
import "C"
