module peer_manager/bindings/go

go 1.24
