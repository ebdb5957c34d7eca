// The path is one of a domain that is reserved for examples, since this project has no published home. The owner of a
// published copy sets the path of their repository, with this directory as its end, and tags its versions with the
// directory, too, such as bindings/go/v0.2.0 (and bindings/go/cometbft/v0.2.0):
//
//	make module-path MODULE=github.com/OWNER/peer_manager/bindings/go
module peer-manager.example/go

go 1.24
