package peermanager

// #include "shim.h"
import "C"

import (
	"math"
	"time"
)

// lastSecond is the last second, since the Unix epoch, of a time.Time that Before, After and Sub order rightly: it counts from
// the year 1, so later ones overflow and seem to lie in the past. The library's times reach further, up to the last of an int64,
// at which other programs keep a peer that is never due; here that is lastSecond, some 292 billion years away.
const lastSecond = math.MaxInt64 - 62_135_596_800

func timeAt(seconds C.int64_t) time.Time {
	return time.Unix(min(int64(seconds), lastSecond), 0).UTC()
}

// secondsAt is the opposite of timeAt, so that what was read is stored as it was.
func secondsAt(t time.Time) C.int64_t {
	if seconds := t.Unix(); seconds < lastSecond {
		return C.int64_t(seconds)
	}
	return math.MaxInt64
}
