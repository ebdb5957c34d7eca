//! Which network an address counts as: what an attacker has few of, while addresses cost next to nothing.
//!
//! This is the only place that computes it. The bounds, draws by netgroup and the shared list all ask here.

/// A network that counts as one: an IPv4 /16, an IPv6 /32, and each name one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Netgroup {
    kind: Kind,
    /// The network's first bytes, or the name's number.
    prefix: [u8; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Kind {
    V4,
    V6,
    Name,
}

impl Netgroup {
    /// How many IPv4 netgroups there are.
    pub(crate) const V4_COUNT: usize = 1 << 16;

    /// The netgroup of an IPv4 address.
    pub(crate) fn of_v4([a, b, _, _]: [u8; 4]) -> Self {
        Self { kind: Kind::V4, prefix: [a, b, 0, 0] }
    }

    /// The netgroup of an IPv6 address.
    pub(crate) fn of_v6([a, b, c, d, ..]: [u8; 16]) -> Self {
        Self { kind: Kind::V6, prefix: [a, b, c, d] }
    }

    /// The netgroup of a name, which the caller has given a number that no other name has.
    pub(crate) fn of_name(number: u32) -> Self {
        Self { kind: Kind::Name, prefix: number.to_ne_bytes() }
    }

    /// The number of an IPv4 netgroup, below [`V4_COUNT`](Self::V4_COUNT).
    pub(crate) fn v4_number(self) -> Option<u16> {
        let [a, b, ..] = self.prefix;
        (self.kind == Kind::V4).then(|| u16::from_be_bytes([a, b]))
    }

    /// The number of an IPv6 netgroup.
    pub(crate) fn v6_number(self) -> Option<u32> {
        (self.kind == Kind::V6).then(|| u32::from_be_bytes(self.prefix))
    }

    /// The number of the name, if the host is one.
    pub(crate) fn name_number(self) -> Option<u32> {
        (self.kind == Kind::Name).then(|| u32::from_ne_bytes(self.prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_counts_as_its_first_two_bytes() {
        assert_eq!(Netgroup::of_v4([10, 1, 2, 3]), Netgroup::of_v4([10, 1, 255, 0]));
        assert_ne!(Netgroup::of_v4([10, 1, 2, 3]), Netgroup::of_v4([10, 2, 2, 3]));
        assert_eq!(Netgroup::of_v4([10, 1, 2, 3]).v4_number(), Some(0x0a01));
    }

    #[test]
    fn an_ipv6_address_counts_as_its_first_four_bytes() {
        let of = |fourth: u8, fifth: u8| {
            let mut ip = [0; 16];
            (ip[0], ip[3], ip[4]) = (0x20, fourth, fifth);
            Netgroup::of_v6(ip)
        };
        assert_eq!(of(1, 0), of(1, 9));
        assert_ne!(of(1, 0), of(2, 0));
        assert_eq!((of(1, 0).v4_number(), of(1, 0).v6_number()), (None, Some(0x2000_0001)));
    }

    #[test]
    fn the_kinds_of_hosts_never_share_a_netgroup() {
        let same = [10, 1, 0, 0];
        let mut ip = [0; 16];
        ip[..4].copy_from_slice(&same);
        let all = [Netgroup::of_v4(same), Netgroup::of_v6(ip), Netgroup::of_name(u32::from_ne_bytes(same))];
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
        assert_eq!(all.map(Netgroup::name_number), [None, None, Some(u32::from_ne_bytes(same))]);
    }
}
