package peermanager

import "log/slog"

// Addresses and the enumerations need no LogValue: slog writes them as text, as they marshal.

var (
	_ slog.LogValuer = Record{}
	_ slog.LogValuer = History{}
	_ slog.LogValuer = Ban{}
	_ slog.LogValuer = Stats{}
	_ slog.LogValuer = Quarantine{}
	_ slog.LogValuer = (*Error)(nil)
)

// LogValue is the fields as a group, for log/slog.
func (r Record) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("address", r.Address.String()),
		slog.Time("next_attempt", r.NextAttempt),
		slog.Uint64("num_failures", uint64(r.NumFailures)),
		slog.String("peer_type", r.PeerType.String()),
	)
}

// LogValue is the times that are known as a group, for log/slog.
func (h History) LogValue() slog.Value {
	var known []slog.Attr
	for _, time := range [...]slog.Attr{
		slog.Time("first_heard", h.FirstHeard),
		slog.Time("last_heard", h.LastHeard),
		slog.Time("first_reached", h.FirstReached),
		slog.Time("last_reached", h.LastReached),
		slog.Time("last_attempt", h.LastAttempt),
	} {
		if !time.Value.Time().IsZero() {
			known = append(known, time)
		}
	}
	return slog.GroupValue(known...)
}

// LogValue is the subject and, of a ban that ends, its end as a group, for log/slog.
func (b Ban) LogValue() slog.Value {
	if b.Until.IsZero() {
		return slog.GroupValue(slog.String("subject", b.Subject), slog.String("until", "for good"))
	}
	return slog.GroupValue(slog.String("subject", b.Subject), slog.Time("until", b.Until))
}

// LogValue is the counts as a group, for log/slog.
func (s Stats) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("durability", s.Durability.String()),
		slog.Uint64("peers", s.Peers),
		slog.Uint64("inbound", s.Inbound),
		slog.Uint64("outbound", s.Outbound),
		slog.Uint64("preferred", s.Preferred),
		slog.Uint64("ready", s.Ready),
		slog.Uint64("netgroups", s.Netgroups),
		slog.Uint64("pending_writes", s.PendingWrites),
		slog.Uint64("failed_writes", s.FailedWrites),
		slog.Uint64("skipped_rows", s.SkippedRows),
		slog.Uint64("refused_peers", s.RefusedPeers),
		slog.Uint64("bans", s.Bans),
		slog.Uint64("log_bytes", s.LogBytes),
		slog.Uint64("forgiven_failures", s.ForgivenFailures),
		slog.Uint64("rejected_rows", s.RejectedRows),
	)
}

// LogValue is what became of the file as a group, for log/slog; an empty one when there was no damage.
func (q Quarantine) LogValue() slog.Value {
	if q.Path == "" {
		return slog.GroupValue()
	}
	return slog.GroupValue(slog.String("path", q.Path), slog.Uint64("saved", q.Saved), slog.Uint64("lost", q.Lost))
}

// LogValue is the status, the message and, where SQLite was involved, its code as a group, for log/slog. An error that
// wraps this one is logged as its text.
func (e *Error) LogValue() slog.Value {
	if e == nil {
		return slog.Value{}
	}
	attrs := []slog.Attr{slog.String("status", e.Status.String()), slog.String("message", e.Message)}
	if e.SQLiteCode != 0 {
		attrs = append(attrs, slog.Int("sqlite_code", e.SQLiteCode))
	}
	return slog.GroupValue(attrs...)
}
