// Package cometbft is the address book of a CometBFT node, kept by peer_manager: it implements pex.AddrBook, which the PEX
// reactor and the switch use, over a table of peers in a file.
//
// What CometBFT knows by node id, the table knows by address. The id is the data of its address; the book has an index of
// ids in memory, which it builds when it is opened. An address that was only heard of may be claimed for several ids, of
// which each is tried; once [Book.MarkGood] says which one is there, it is the only one.
//
//   - A "new" address is an inbound peer, an "old" one is outbound; MarkGood makes the one the other.
//   - MarkAttempt is a failure: it makes the address wait before it is picked again.
//   - MarkBad bans the node id. The ban is in the file, and ends on time.
//   - What an operator bans with [Book.Manager], a host or a prefix, is refused as well.
//
// Every change is in the file when its call returns. Save makes sure that it survives a loss of power.
//
// The README names all differences from CometBFT's own book.
package cometbft
