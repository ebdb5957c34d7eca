package main

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"

	pm "peer-manager.example/go/peermanager"
)

// The network is made up: no host is contacted, and what happens here says nothing about the hosts that bear these names.
// A real node has sockets where this example has this file.

const (
	deadPercent  = 12 // of all addresses never answer
	worstPercent = 40 // how often the least reliable of the others answers
)

// hash is a number that follows from an address and what is asked about it.
func hash(peer pm.Address, question string, number int64) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, peer, question)
	_ = binary.Write(h, binary.LittleEndian, number) // a hash takes everything
	value := h.Sum64()
	value = (value ^ value>>32) * 0xd6e8feb86659fd93 // its low bits are poor
	return value ^ value>>32
}

// isDown reports whether our own line is cut: for an hour after lunch. All peers seem dead then, and none is to blame.
func isDown(now time.Time) bool { return now.Hour() == 13 }

// answers reports whether somebody picks up there, at that time.
func answers(peer pm.Address, now time.Time) bool {
	if isDown(now) || peer.IsPrivate() || hash(peer, "alive", 0)%100 < deadPercent {
		return false
	}
	return hash(peer, "answers", now.Unix())%100 < worstPercent+hash(peer, "reliability", 0)%(100-worstPercent)
}

// connectionLength is how long a connection lasts: from half an hour to five hours.
func connectionLength(peer pm.Address, now time.Time) time.Duration {
	return 30*time.Minute + time.Duration(hash(peer, "length", now.Unix())%(270*60))*time.Second
}

// gossipOf is the nth address that a peer sends now. Some are private, because nodes do gossip about those.
func gossipOf(teller pm.Address, now time.Time, n int) (pm.Address, error) {
	value := hash(teller, fmt.Sprint("gossip", n), now.Unix())
	host := value>>32%40 + 1
	switch value % 6 {
	case 0, 1:
		return pm.NewAddress(fmt.Sprintf("198.51.100.%d", host), defaultPort)
	case 2, 3:
		return pm.NewAddress(fmt.Sprintf("203.0.113.%d", host), defaultPort)
	case 4:
		return pm.NewAddress(fmt.Sprintf("2001:db8::%x", host), defaultPort)
	}
	return pm.NewAddress(fmt.Sprintf("192.168.1.%d", host), defaultPort)
}

// pick is one of several.
func pick(now time.Time, count int) int {
	return int(hash(pm.Address{}, "pick", now.Unix()) % uint64(count))
}
