//! AS maps for tests: a table of prefixes, and the code that says the same in the format of Bitcoin Core's `asmap.dat`; and
//! in [`tree`] a reader of that format which has nothing in common with the library's.
#![allow(dead_code, reason = "each of its users uses some of this")]

pub(crate) mod tree;

use std::net::{IpAddr, Ipv6Addr};

/// The AS of all addresses that begin with these bits, unless a longer prefix says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix {
    pub(crate) bits: u128,
    pub(crate) len: u32,
    pub(crate) asn: u32,
}

impl Prefix {
    /// `10.0.0.0/8` or `2001:db8::/32`, with its AS.
    pub(crate) fn new(text: &str, asn: u32) -> Self {
        let (ip, len) = text.split_once('/').expect("it is a prefix");
        let len: u32 = len.parse().expect("the length is a number");
        match ip.parse().expect("it is the prefix of IP addresses") {
            IpAddr::V4(ip) => Self { bits: ip.to_ipv6_mapped().to_bits(), len: 96 + len, asn },
            IpAddr::V6(ip) => Self { bits: ip.to_bits(), len, asn },
        }
    }

    /// The first and the last address.
    pub(crate) fn ends(&self) -> (u128, u128) {
        let free = u128::MAX.checked_shr(self.len).unwrap_or(0);
        (self.bits & !free, self.bits | free)
    }
}

/// A few systems of the addresses that the models' histories are about. The code of it is the file `few.dat`.
pub(crate) fn few() -> Vec<Prefix> {
    [
        // Two netgroups of IPv4 and one of IPv6.
        ("52.0.0.0/15", 64_500),
        ("2a01:4f8::/32", 64_500),
        // Parts of one netgroup that are different systems, one of them with two prefixes.
        ("52.0.4.0/22", 64_501),
        ("52.0.20.0/23", 4_200_000),
        ("52.2.0.0/16", 64_501),
        ("2a01::/31", 3_356),
        ("8.8.0.0/16", 15_169),
        ("10.0.0.0/12", 64_512),
        ("fe80::/10", 64_512),
    ]
    .map(|(prefix, asn)| Prefix::new(prefix, asn))
    .to_vec()
}

/// The AS of an address, by looking at every prefix. Of two that are the same, the last one counts.
pub(crate) fn asn_of(table: &[Prefix], ip: u128) -> Option<u32> {
    let covers = |prefix: &&Prefix| (prefix.ends().0..=prefix.ends().1).contains(&ip);
    table.iter().filter(covers).max_by_key(|prefix| prefix.len).map(|prefix| prefix.asn)
}

/// The bytes of a map of a table that is not empty.
pub(crate) fn encode(table: &[Prefix]) -> Vec<u8> {
    let mut sorted = table.to_vec();
    sorted.sort_by_key(|prefix| prefix.len);
    let mut root = Node::Unknown;
    for prefix in &sorted {
        root.insert(prefix, 0);
    }
    bytes_of(&root.code(None))
}

/// The bytes of code, the first bit lowest, with zeros up to the end of the last one.
pub(crate) fn bytes_of(code: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| (0..).zip(bits).fold(0, |byte, (place, &bit)| byte | u8::from(bit) << place);
    code.chunks(8).map(byte).collect()
}

/// The code of RETURN.
pub(crate) fn returns(asn: u32) -> Vec<bool> {
    instruction("0", asn, 1, 15, 10)
}

/// The code of JUMP.
pub(crate) fn jumps(distance: usize) -> Vec<bool> {
    instruction("10", distance.try_into().expect("maps are short"), 17, 5, 26)
}

/// The code of MATCH.
pub(crate) fn matches(bits: &[bool]) -> Vec<bool> {
    instruction("110", bits.iter().fold(1, |number, &bit| number << 1 | u32::from(bit)), 2, 1, 8)
}

/// The code of DEFAULT.
pub(crate) fn defaults(asn: u32) -> Vec<bool> {
    instruction("111", asn, 1, 15, 10)
}

/// An instruction and a number; the numbers have so many classes, each a bit wider than the one before.
fn instruction(name: &str, number: u32, least: u32, width: u32, classes: u32) -> Vec<bool> {
    let mut code: Vec<bool> = name.chars().map(|bit| bit == '1').collect();
    let (mut place, mut width, widest) = (number - least, width, width + classes - 1);
    while place >= 1 << width {
        assert!(width < widest, "{number} is too large");
        code.push(true);
        place -= 1 << width;
        width += 1;
    }
    if width < widest {
        code.push(false);
    }
    code.extend((0..width).rev().map(|bit| place >> bit & 1 == 1));
    code
}

/// What the addresses that begin with the bits on the way here have in common.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Unknown,
    As(u32),
    /// By the next bit.
    Fork(Box<[Node; 2]>),
}

impl Node {
    /// Makes the addresses of a prefix an AS's; `depth` bits of it lead here.
    fn insert(&mut self, prefix: &Prefix, depth: u32) {
        if depth == prefix.len {
            *self = Node::As(prefix.asn);
            return;
        }
        if !matches!(self, Node::Fork(_)) {
            *self = Node::Fork(Box::new([self.clone(), self.clone()]));
        }
        let Node::Fork(branches) = self else { unreachable!("it was made one") };
        let bit = usize::from(prefix.bits >> (127 - depth) & 1 == 1);
        branches[bit].insert(prefix, depth + 1);
        if branches[0] == branches[1] && !matches!(branches[0], Node::Fork(_)) {
            *self = branches[0].clone();
        }
    }

    fn is_known(&self) -> bool {
        match self {
            Node::Unknown => false,
            Node::As(_) => true,
            Node::Fork(branches) => branches.iter().all(Node::is_known),
        }
    }

    /// Whether it is what is said where a MATCH fails.
    fn is_default(&self, default: Option<u32>) -> bool {
        match self {
            Node::Unknown => default.is_none(),
            Node::As(asn) => default == Some(*asn),
            Node::Fork(_) => false,
        }
    }

    /// The code of it, where the default AS is this one.
    fn code(&self, default: Option<u32>) -> Vec<bool> {
        let branches = match self {
            Node::Unknown => panic!("a map must know at least one address"),
            Node::As(asn) => return returns(*asn),
            Node::Fork(branches) => branches,
        };
        let mut way = Vec::new();
        let mut end = self;
        while let Node::Fork(branches) = end {
            let Some(other) = branches.iter().position(|branch| branch.is_default(default)) else { break };
            way.push(other == 0);
            end = &branches[1 - other];
        }
        if !way.is_empty() {
            let mut code: Vec<bool> = way.chunks(8).flat_map(matches).collect();
            code.extend(end.code(default));
            return code;
        }
        // A default cannot be taken back, so it does only where there is none to come back to.
        let [zero, one] = &**branches;
        let leaf = match (zero, one) {
            (Node::As(asn), Node::Fork(_)) | (Node::Fork(_), Node::As(asn)) if self.is_known() => Some(*asn),
            _ => None,
        };
        if let Some(asn) = leaf {
            return [defaults(asn), self.code(Some(asn))].concat();
        }
        let (zero, one) = (zero.code(default), one.code(default));
        [jumps(zero.len()), zero, one].concat()
    }
}

/// The bytes of an IPv4 address as an AS map takes it.
pub(crate) fn mapped(ip: [u8; 4]) -> [u8; 16] {
    std::net::Ipv4Addr::from(ip).to_ipv6_mapped().octets()
}

/// The bytes of an IPv6 address.
pub(crate) fn v6(text: &str) -> [u8; 16] {
    text.parse::<Ipv6Addr>().expect("it is an address").octets()
}
