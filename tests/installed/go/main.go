// A Go program that uses an installed library through cgo and pkg-config.
package main

/*
#cgo pkg-config: peer_manager
#include <peer_manager.h>
#include <stdlib.h>
*/
import "C"

import (
	"fmt"
	"os"
	"unsafe"
)

func main() {
	var pm *C.peer_manager
	var address C.peer_manager_address
	var failure C.peer_manager_error
	text := C.CString("192.0.2.1:11625")
	defer C.free(unsafe.Pointer(text))
	if C.peer_manager_new_in_memory(&pm, &failure) != 0 ||
		C.peer_manager_address_parse(text, 0, &address, &failure) != 0 ||
		C.peer_manager_ensure_exists(pm, &address, &failure) != 0 {
		fmt.Fprintln(os.Stderr, C.GoString(&failure.message[0]))
		os.Exit(1)
	}
	fmt.Printf("peers %d, %s\n", C.peer_manager_peer_count(pm), C.GoString(C.peer_manager_build_info()))
	C.peer_manager_free(pm)
}
