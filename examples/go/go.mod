module example/peer_manager

go 1.24

require peer-manager.example/go v0.2.0

replace peer-manager.example/go => ../../bindings/go
