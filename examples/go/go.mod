module peer_manager/examples/go

go 1.24
