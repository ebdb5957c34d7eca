module peer_manager/examples/go

go 1.24

require peer_manager/bindings/go v0.0.0

replace peer_manager/bindings/go => ../../bindings/go
