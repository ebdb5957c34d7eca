//! Text as what a ban is about, through C and through Rust, with the standard library's parser and plain arithmetic as the
//! oracle where it is a prefix.

use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use peer_manager::ffi::bans::{peer_manager_ban, peer_manager_unban};
use peer_manager::ffi::error::PEER_MANAGER_ERROR_INVALID_ADDRESS;
use peer_manager::ffi::options::{peer_manager_options, peer_manager_options_init};
use peer_manager::{BanSubject, PeerAddress};

use crate::c::{Node, Room, call};

/// Takes the input for a subject, which is a prefix or a host.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let subject = text.parse::<BanSubject>().ok();
    match text.split_once('/') {
        Some((network, length)) => as_prefix(text, network, length, subject.as_ref()),
        None => {
            let peer = PeerAddress::new(text, 1).ok();
            assert_eq!(subject, peer.map(|peer| BanSubject::from(peer.host())), "{text:?} as a host");
        }
    }
    // C's text ends at a NUL.
    if !data.contains(&0) {
        in_c(text, subject.as_ref());
    }
    if let Some(subject) = subject {
        let again = subject.to_string();
        assert_eq!(again.parse().ok(), Some(subject), "{again} of {text:?}");
    }
}

fn as_prefix(text: &str, network: &str, length: &str, subject: Option<&BanSubject>) {
    // A zone is no part of an address here.
    let ip = network.parse::<IpAddr>().ok().filter(|_| !network.contains('%'));
    let is_plain =
        length.bytes().all(|byte| byte.is_ascii_digit()) && (length == "0" || !length.starts_with('0'));
    let length = length.parse::<u8>().ok().filter(|_| is_plain);
    let expected = ip.zip(length).and_then(|(ip, length)| match ip.to_canonical() {
        IpAddr::V4(v4) if ip.is_ipv6() => {
            Some((IpAddr::V4(v4), length.checked_sub(96).filter(|&l| l <= 32)?))
        }
        IpAddr::V4(v4) => Some((IpAddr::V4(v4), length)).filter(|_| length <= 32),
        ip @ IpAddr::V6(_) => Some((ip, length)).filter(|_| length <= 128),
    });
    assert_eq!(subject.is_some(), expected.is_some(), "{text:?} as a prefix");
    let Some((subject, (ip, length))) = subject.zip(expected) else { return };
    let has = |ip: IpAddr| subject.contains(&PeerAddress::from_ip(ip, 7).expect("the port is one"));
    assert!(has(ip), "{subject} has the address that it was made of");
    let (bits, all): (u32, u32) = if ip.is_ipv4() { (32, length.into()) } else { (128, length.into()) };
    // Every bit of the prefix counts, and no bit behind it.
    for bit in 0..bits {
        let other = with_other_bit(ip, bits - 1 - bit);
        // What wraps an IPv4 address is that address, if all of it is banned, and may be mapped.
        let is_special = ip.is_ipv6() && (all == 128 || other.to_canonical().is_ipv4());
        assert!(
            is_special || has(other) == (bit >= all),
            "{subject} and {other}, which differs in bit {bit}"
        );
    }
}

/// An address with one bit turned, counted from the end.
fn with_other_bit(ip: IpAddr, bit: u32) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() ^ 1 << bit).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() ^ 1 << bit).into(),
    }
}

/// C bans and unbans what is a subject, and says of everything else that it is none.
fn in_c(text: &str, subject: Option<&BanSubject>) {
    thread_local! {
        static NODE: Node = {
            let mut options = Room::<peer_manager_options>::new();
            // SAFETY: the pointer is valid for the call, which initialises all of it.
            unsafe {
                peer_manager_options_init(options.as_mut_ptr(), size_of::<peer_manager_options>());
                Node::open(&options.get()).expect("a table in memory")
            }
        };
    }
    let text = CString::new(text).expect("it has no NUL");
    NODE.with(|node| {
        // SAFETY: the pointers are valid for the call.
        let banned = call(|error| unsafe {
            peer_manager_ban(node.as_ptr(), text.as_ptr(), i64::MAX, std::ptr::null_mut(), error)
        });
        let expected = if subject.is_some() { Ok(()) } else { Err(PEER_MANAGER_ERROR_INVALID_ADDRESS) };
        assert_eq!(banned, expected, "{text:?}");
        // SAFETY: the pointers are valid for the call.
        let ended = call(|error| unsafe { peer_manager_unban(node.as_ptr(), text.as_ptr(), error) });
        assert_eq!(ended, expected, "{text:?}");
    });
}
