//! A file as an AS map, against a reader that takes it for a tree.

use std::fs;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use peer_manager::{Error, Options, PeerAddress, PeerManager};

use crate::calls::model::asmap::tree;
use crate::calls::model::netgroup::bits;
use crate::scratch::Scratch;

/// Takes the first sixteen bytes for an address, and the others for a map.
pub fn run(data: &[u8]) {
    let Some((ip, map)) = data.split_first_chunk() else { return };
    let path = write(map);
    let opened = PeerManager::open(Options { asmap_path: Some(path), ..Options::default() });
    match (opened, tree::read(map)) {
        (Ok(manager), Some(tree)) => agrees(&manager, &tree, u128::from_be_bytes(*ip)),
        (Err(Error::InvalidArgument(message)), None) => {
            assert!(message.contains("cannot be used: it is "), "{message}");
            assert!(message.len() < 248 && !message.contains(char::is_control), "{message} does not fit C's");
        }
        (opened, tree) => panic!("{opened:?}, but {tree:?}"),
    }
}

fn write(map: &[u8]) -> PathBuf {
    thread_local! {
        static PLACE: Scratch = Scratch::new();
    }
    let path = PLACE.with(Scratch::path).with_file_name("asmap.dat");
    fs::write(&path, map).expect("the file can be written");
    path
}

/// An address, those that differ from it in one bit, and their IPv4 fellows are grouped as the tree says: two of one system
/// are of one netgroup, and those of none are as without a map.
fn agrees(manager: &PeerManager, tree: &tree::Tree, ip: u128) {
    let plain = PeerManager::new_in_memory().expect("it is in memory");
    let near = std::iter::once(ip).chain((0..128).map(|bit| ip ^ 1 << bit));
    let v4 = |ip: u128| 0xffff_0000_0000 | ip & 0xffff_ffff;
    let mut systems = Vec::new();
    for ip in near.flat_map(|ip| [ip, v4(ip)]) {
        let address = PeerAddress::from_ip(Ipv6Addr::from_bits(ip).into(), 1).expect("the port is one");
        let number = |manager: &PeerManager| manager.address_netgroup(&address).expect("it is an address");
        let (with, without) = (number(manager), number(&plain));
        match tree.asn_of(bits(address.host()).expect("it is an IP address")) {
            Some(asn) => systems.push((asn, with)),
            None => assert_eq!(with, without, "{address} is of no system"),
        }
    }
    systems.sort_unstable();
    systems.dedup();
    for pair in systems.windows(2) {
        assert!(pair[0].0 != pair[1].0 && pair[0].1 != pair[1].1, "{systems:?}");
    }
}
