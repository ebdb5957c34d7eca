//! What is special about a host: IANA's special-purpose registries, which hosts mean something to strangers, and which IPv6
//! addresses lead to an IPv4 address that they wrap.
//!
//! Everything that asks this asks the tables here, so that what is told to others, what is refused and what counts as one
//! network agree. The tables are those of [IPv4], [IPv6] and [names]; a test fails if one row hides another.
//!
//! [IPv4]: https://www.iana.org/assignments/iana-ipv4-special-registry/
//! [IPv6]: https://www.iana.org/assignments/iana-ipv6-special-registry/
//! [names]: https://www.iana.org/assignments/special-use-domain-names/

use super::host::Host;

/// To whom a host means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// To a stranger it means something else, or nothing.
    Private,
    /// It is set aside for examples, or for no host at all.
    Reserved,
    /// To everyone, it means the same.
    Public,
}

impl Scope {
    pub(crate) fn of(host: &Host) -> Self {
        match host {
            Host::V4(ip) => Self::of_v4(ip.octets()),
            Host::V6(ip) => Self::of_v6(ip.octets()),
            Host::Name(name) => Self::of_name(name),
        }
    }

    pub(crate) fn of_v4(ip: [u8; 4]) -> Self {
        if !V4_FIRST_BYTES[usize::from(ip[0])] {
            return Self::Public;
        }
        let bits = u32::from_be_bytes(ip);
        let row = V4.iter().find(|row| (bits ^ row.network) & row.mask == 0);
        row.map_or(Self::Public, |row| row.scope)
    }

    pub(crate) fn of_v6(ip: [u8; 16]) -> Self {
        match block_of(ip) {
            None => Self::Public,
            Some(Use::For(scope)) => scope,
            Some(Use::Wraps(place)) => Self::of_v4(place.read(ip)),
        }
    }

    /// Of a canonical name.
    pub(crate) fn of_name(name: &str) -> Self {
        let Some((rest, last)) = name.rsplit_once('.') else {
            return if name == "localhost" { Self::Private } else { Self::Public };
        };
        match last {
            "localhost" | "local" | "internal" => Self::Private,
            "arpa" if rest.rsplit_once('.').is_some_and(|(_, label)| label == "home") => Self::Private,
            "test" | "example" | "invalid" => Self::Reserved,
            _ => Self::Public,
        }
    }
}

/// The IPv4 address that an IPv6 address leads to, if it is a translated or a tunnelled one. (An IPv4-mapped address is
/// IPv4 as soon as it is parsed.)
pub(crate) fn wrapped_v4(ip: [u8; 16]) -> Option<[u8; 4]> {
    match block_of(ip)? {
        Use::Wraps(place) => Some(place.read(ip)),
        Use::For(_) => None,
    }
}

/// A block of IPv4 addresses.
struct V4Block {
    network: u32,
    mask: u32,
    scope: Scope,
}

/// A block of IPv6 addresses.
struct V6Block {
    network: u128,
    mask: u128,
    used: Use,
}

/// What a block of IPv6 addresses is used for.
#[derive(Clone, Copy)]
enum Use {
    For(Scope),
    Wraps(Place),
}

/// Where in an IPv6 address the IPv4 address is.
#[derive(Clone, Copy)]
enum Place {
    /// After the first two bytes.
    Third,
    /// In the last four bytes.
    Last,
    /// There, with every bit inverted.
    LastInverted,
}

impl Place {
    fn read(self, ip: [u8; 16]) -> [u8; 4] {
        let [_, _, third @ .., _, _, _, _, _, _, _, _, _, _] = ip;
        let [.., a, b, c, d] = ip;
        match self {
            Self::Third => third,
            Self::Last => [a, b, c, d],
            Self::LastInverted => [!a, !b, !c, !d],
        }
    }
}

const fn v4([a, b, c, d]: [u8; 4], bits: u32, scope: Scope) -> V4Block {
    V4Block { network: u32::from_be_bytes([a, b, c, d]), mask: u32::MAX << (32 - bits), scope }
}

/// A block whose network has zeros after these groups.
const fn v6<const N: usize>(groups: [u16; N], bits: u32, used: Use) -> V6Block {
    let (mut network, mut group) = (0, 0);
    while group < N {
        network |= (groups[group] as u128) << (112 - 16 * group);
        group += 1;
    }
    V6Block { network, mask: u128::MAX << (128 - bits), used }
}

use Scope::{Private, Public, Reserved};

/// The first row that has an address counts.
static V4: [V4Block; 17] = [
    v4([0, 0, 0, 0], 8, Private),
    v4([10, 0, 0, 0], 8, Private),
    v4([100, 64, 0, 0], 10, Private),
    v4([127, 0, 0, 0], 8, Private),
    v4([169, 254, 0, 0], 16, Private),
    v4([172, 16, 0, 0], 12, Private),
    // Anycast addresses that the whole Internet shares: PCP and TURN.
    v4([192, 0, 0, 9], 32, Public),
    v4([192, 0, 0, 10], 32, Public),
    v4([192, 0, 0, 0], 24, Private),
    v4([192, 168, 0, 0], 16, Private),
    v4([198, 18, 0, 0], 15, Private),
    v4([224, 0, 0, 0], 4, Private),
    v4([240, 0, 0, 0], 4, Private),
    // For documentation.
    v4([192, 0, 2, 0], 24, Reserved),
    v4([198, 51, 100, 0], 24, Reserved),
    v4([203, 0, 113, 0], 24, Reserved),
    // The relays of 6to4, which no longer exist.
    v4([192, 88, 99, 0], 24, Reserved),
];

/// The first row that has an address counts.
static V6: [V6Block; 22] = [
    // 6to4, Teredo's client, NAT64 and IPv4-translated.
    v6([0x2002], 16, Use::Wraps(Place::Third)),
    v6([0x2001, 0], 32, Use::Wraps(Place::LastInverted)),
    v6([0x64, 0xff9b], 96, Use::Wraps(Place::Last)),
    v6([0, 0, 0, 0, 0xffff], 96, Use::Wraps(Place::Last)),
    // Unspecified, loopback, and the IPv4-compatible addresses, which are deprecated.
    v6([0], 96, Use::For(Private)),
    v6([0x64, 0xff9b, 1], 48, Use::For(Private)),
    v6([0xfc00], 7, Use::For(Private)),
    v6([0xfe80], 10, Use::For(Private)),
    v6([0xfec0], 10, Use::For(Private)),
    v6([0xff00], 8, Use::For(Private)),
    // Of 2001::/23: PCP, TURN and DNS-SD SRP anycast, AMT, AS112, ORCHIDv2, drones.
    v6([0x2001, 1, 0, 0, 0, 0, 0, 1], 128, Use::For(Public)),
    v6([0x2001, 1, 0, 0, 0, 0, 0, 2], 128, Use::For(Public)),
    v6([0x2001, 1, 0, 0, 0, 0, 0, 3], 128, Use::For(Public)),
    v6([0x2001, 3], 32, Use::For(Public)),
    v6([0x2001, 4, 0x112], 48, Use::For(Public)),
    v6([0x2001, 0x20], 28, Use::For(Public)),
    v6([0x2001, 0x30], 28, Use::For(Public)),
    v6([0x2001, 0], 23, Use::For(Reserved)),
    // For documentation.
    v6([0x2001, 0xdb8], 32, Use::For(Reserved)),
    v6([0x3fff], 20, Use::For(Reserved)),
    // To be discarded.
    v6([0x100], 64, Use::For(Reserved)),
    // Segment routing.
    v6([0x5f00], 16, Use::For(Reserved)),
];

/// What the block of an address is used for, if it is one of those above.
fn block_of(ip: [u8; 16]) -> Option<Use> {
    if !V6_FIRST_BYTES[usize::from(ip[0])] {
        return None;
    }
    let bits = u128::from_be_bytes(ip);
    V6.iter().find(|row| (bits ^ row.network) & row.mask == 0).map(|row| row.used)
}

/// Whether a table has addresses that begin with a byte: most addresses begin with a different one, and are not looked up.
static V4_FIRST_BYTES: [bool; 256] = {
    let (mut has, mut row) = ([false; 256], 0);
    while row < V4.len() {
        mark(&mut has, V4[row].network >> 24, V4[row].mask >> 24);
        row += 1;
    }
    has
};

/// The same for IPv6.
static V6_FIRST_BYTES: [bool; 256] = {
    let (mut has, mut row) = ([false; 256], 0);
    while row < V6.len() {
        mark(&mut has, (V6[row].network >> 120) as u32, (V6[row].mask >> 120) as u32);
        row += 1;
    }
    has
};

/// Marks the first bytes of the addresses of a block.
const fn mark(has: &mut [bool; 256], network: u32, mask: u32) {
    let mut byte = 0;
    while byte < 256 {
        has[byte as usize] |= (byte ^ network) & mask == 0;
        byte += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_has_bits_behind_its_prefix() {
        assert!(V4.iter().all(|row| row.network & !row.mask == 0));
        assert!(V6.iter().all(|row| row.network & !row.mask == 0));
    }

    #[test]
    fn no_row_is_hidden_by_one_before_it() {
        for (index, row) in V4.iter().enumerate() {
            let hides = |before: &V4Block| {
                before.mask & row.mask == before.mask && (before.network ^ row.network) & before.mask == 0
            };
            assert!(!V4[..index].iter().any(hides), "row {index}");
        }
        for (index, row) in V6.iter().enumerate() {
            let hides = |before: &V6Block| {
                before.mask & row.mask == before.mask && (before.network ^ row.network) & before.mask == 0
            };
            assert!(!V6[..index].iter().any(hides), "row {index}");
        }
    }

    #[test]
    fn an_address_is_looked_up_if_any_row_has_its_first_byte() {
        for row in &V4 {
            for ip in [row.network, row.network | !row.mask] {
                assert!(V4_FIRST_BYTES[usize::from(ip.to_be_bytes()[0])], "{ip:x}");
            }
        }
        for row in &V6 {
            for ip in [row.network, row.network | !row.mask] {
                assert!(V6_FIRST_BYTES[usize::from(ip.to_be_bytes()[0])], "{ip:x}");
            }
        }
        assert_eq!(V4_FIRST_BYTES.iter().filter(|&&has| has).count(), 9 + 32);
        assert_eq!(V6_FIRST_BYTES.iter().filter(|&&has| has).count(), 9);
    }
}
