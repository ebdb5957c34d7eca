//! Maps made of tables, of damaged tables and of random bits, each compared with a reader that has nothing in common with this
//! one; each rule of the format by itself; and files that are not maps.

use std::fs;
use std::io::Write as _;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::check::{Flaw, check};
use super::*;
use table::tree::{self, Tree};
use table::{Prefix, asn_of, bytes_of, defaults, encode, jumps, mapped, matches, returns, v6};

#[path = "../../tests/common/asmap/mod.rs"]
mod table;

fn parse(bytes: &[u8]) -> AsMap {
    AsMap::parse(bytes.to_vec()).unwrap()
}

fn bits(text: &str) -> Vec<bool> {
    text.chars().map(|bit| bit == '1').collect()
}

fn config(cases: u32) -> ProptestConfig {
    // The seed is printed with a failure.
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(14),
        ..ProptestConfig::default()
    }
}

/// Few different bits, so that prefixes lie within one another and next to one another, and numbers of every width.
fn table() -> impl Strategy<Value = Vec<Prefix>> {
    let asn = prop_oneof![1_u32..4, (0_u32..25).prop_flat_map(|width| 1_u32 << width..=1 << width | 0x7fff)];
    let v4 =
        (any::<u32>(), 0_u32..=32).prop_map(|(bits, len)| (0xffff_0000_0000 | u128::from(bits), 96 + len));
    let near = (0_u128..64, 0_u32..=8).prop_map(|(bits, len)| (0x2001 << 112 | bits << 80, 40 + len));
    let any = (any::<u128>(), 0_u32..=128);
    let prefix = (prop_oneof![v4, near, any], asn).prop_map(|((bits, len), asn)| Prefix { bits, len, asn });
    prop::collection::vec(prefix, 1..60)
}

/// Addresses at both ends of each prefix, next to them, and elsewhere.
fn probes(table: &[Prefix], others: &[u128]) -> Vec<u128> {
    let ends = table.iter().flat_map(|prefix| [prefix.ends().0, prefix.ends().1]);
    let near = ends.flat_map(|ip| [ip.wrapping_sub(1), ip, ip.wrapping_add(1)]);
    near.chain(others.iter().copied()).collect()
}

fn agrees_with(map: &AsMap, tree: &Tree, ips: &[u128]) {
    for &ip in ips {
        assert_eq!(map.lookup(ip.to_be_bytes()), tree.asn_of(ip), "{ip:032x}");
    }
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn a_map_made_of_a_table_says_what_the_table_says(table in table(), others: [u128; 8]) {
        let bytes = encode(&table);
        let (map, tree) = (parse(&bytes), tree::read(&bytes).unwrap());
        let ips = probes(&table, &others);
        for &ip in &ips {
            prop_assert_eq!(map.lookup(ip.to_be_bytes()), asn_of(&table, ip), "{:032x}", ip);
        }
        agrees_with(&map, &tree, &ips);
    }

    #[test]
    fn a_damaged_map_is_refused_or_says_what_it_says(
        table in table(),
        flips in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        end: prop::sample::Index,
        is_cut: bool,
        others: [u128; 8],
    ) {
        let mut bytes = encode(&table);
        for flip in flips {
            let bit = flip.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        if is_cut {
            bytes.truncate(end.index(bytes.len()));
        }
        match (AsMap::parse(bytes.clone()), tree::read(&bytes)) {
            (Ok(map), Some(tree)) => agrees_with(&map, &tree, &probes(&table, &others)),
            (Err(_), None) => {}
            (map, tree) => prop_assert!(false, "{:?} but {:?}", map, tree),
        }
    }
}

/// Instructions in random order, most of which do not fit together.
fn code() -> impl Strategy<Value = Vec<bool>> {
    let returns = (1_u32..70_000).prop_map(returns);
    let jumps = (17_usize..80).prop_map(jumps);
    let matches = prop::collection::vec(any::<bool>(), 1..=8).prop_map(|bits| matches(&bits));
    let defaults = (1_u32..70_000).prop_map(defaults);
    let any = prop::collection::vec(any::<bool>(), 0..24);
    let one = prop_oneof![4 => returns, 2 => jumps, 2 => matches, 1 => defaults, 1 => any];
    prop::collection::vec(one, 1..7).prop_map(|code| code.concat())
}

proptest! {
    #![proptest_config(config(8_000))]

    #[test]
    fn random_code_is_a_map_exactly_if_it_is_a_tree(code in code(), ips: [u128; 4]) {
        let bytes = bytes_of(&code);
        match (AsMap::parse(bytes.clone()), tree::read(&bytes)) {
            (Ok(map), Some(tree)) => agrees_with(&map, &tree, &ips),
            (Err(_), None) => {}
            (map, tree) => prop_assert!(false, "{:?} but {:?}", map, tree),
        }
    }

    #[test]
    fn no_bytes_make_a_lookup_panic_or_go_on_for_ever(bytes in prop::collection::vec(any::<u8>(), 0..200), ip: [u8; 16]) {
        // As they are, without a check.
        let unchecked = AsMap { code: bytes };
        unchecked.lookup(ip);
        unchecked.lookup([0xff; 16]);
    }
}

#[test]
fn numbers_of_every_class_are_read() {
    for width in 15..25 {
        // The first and the last of the class.
        let first = 1 + (1 << width) - (1 << 15);
        for asn in [first, first + (1 << width) - 1] {
            assert_eq!(parse(&bytes_of(&returns(asn))).lookup([0; 16]), Some(asn));
        }
    }
    for width in 5..31 {
        let first = 17 + (1_usize << width) - (1 << 5);
        for distance in [first, first + (1 << width) - 1] {
            let bytes = bytes_of(&jumps(distance));
            assert_eq!(Code::new(&bytes).next(), Some(Instruction::Jump(distance.try_into().unwrap())));
        }
    }
    for number in 2_u32..512 {
        let len = number.ilog2();
        let pattern: Vec<bool> = (0..len).rev().map(|place| number >> place & 1 == 1).collect();
        let expected = code::Pattern { bits: number - (1 << len), len };
        assert_eq!(Code::new(&bytes_of(&matches(&pattern))).next(), Some(Instruction::Match(expected)));
    }
}

#[test]
fn the_map_of_the_integration_tests_is_that_of_their_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/asmap/few.dat");
    assert_eq!(fs::read(path).unwrap(), encode(&table::few()));
}

#[test]
fn ipv4_addresses_are_looked_up_as_mapped_ones() {
    let map = parse(&encode(&[Prefix::new("9.0.0.0/8", 3356), Prefix::new("2001:db8::/32", 64_496)]));
    assert_eq!(map.lookup(mapped([9, 1, 2, 3])), Some(3356));
    assert_eq!(map.lookup(mapped([10, 1, 2, 3])), None);
    assert_eq!(map.lookup(v6("2001:db8::1")), Some(64_496));
    assert_eq!(map.lookup(v6("2001:db9::1")), None);
    assert_eq!(map.lookup(v6("900::")), None, "the first bits are not IPv4's");
}

/// The reason why code is refused.
fn flaw(code: &[Vec<bool>]) -> Flaw {
    let bytes = bytes_of(&code.concat());
    assert!(tree::read(&bytes).is_none());
    check(&bytes).unwrap_err()
}

#[test]
fn what_is_wrong_is_found_where_it_is() {
    let one = || returns(1);
    let byte = || matches(&[true; 8]);
    assert_eq!(one().len(), 17);
    let two = || returns(1 << 15 | 1);
    assert_eq!(two().len(), 19);
    let short = || matches(&[true]);
    let jump = || jumps(17);
    let (jump_len, match_len) = (jump().len(), byte().len());

    assert_eq!(flaw(&[]), Flaw::Empty);
    assert_eq!(flaw(&[bits("1111")]), Flaw::Truncated(0));
    assert_eq!(flaw(&[one()[..9].to_vec()]), Flaw::Truncated(0), "in the number");
    assert_eq!(flaw(&[bits("0111111111111111")]), Flaw::Truncated(0), "before the number");
    assert_eq!(flaw(&[byte(), defaults(9)]), Flaw::Truncated(match_len + 17 + 2), "where one should begin");
    // 25 bits, and the seven that fill the last byte.
    assert_eq!(flaw(&[jumps(24), one()]), Flaw::JumpsBeyondEnd(0));
    assert_eq!(flaw(&[jumps(23), one()]), Flaw::Unreachable(25));
    assert_eq!(flaw(&[jump(), one()]), Flaw::Truncated(25));
    assert_eq!(flaw(&[jumps(18), jump(), one(), one(), one()]), Flaw::Crosses(jump_len));
    assert_eq!(flaw(&[jumps(24), jump(), one(), one(), one()]), Flaw::Crosses(jump_len), "to the same place");
    assert_eq!(flaw(&[jump(), two(), one()]), Flaw::RunsOn(jump_len));
    assert_eq!(flaw(&[jump(), defaults(1), short(), one(), one()]), Flaw::RunsOn(jump_len + 19));
    assert_eq!(flaw(&[jumps(19), one(), two(), one()]), Flaw::Unreachable(jump_len + 17));
    assert_eq!(flaw(&[vec![byte(); 16].concat(), short(), one()]), Flaw::ReadsTooMuch(16 * match_len));
    assert_eq!(flaw(&[vec![byte(); 16].concat(), jump(), one(), one()]), Flaw::ReadsTooMuch(16 * match_len));
    assert_eq!(flaw(&[defaults(1), defaults(2), short(), one()]), Flaw::DefaultTwice(19));
    assert_eq!(flaw(&[defaults(1), one()]), Flaw::DefaultBeforeReturn(19));
    assert_eq!(flaw(&[short(), short(), one()]), Flaw::ShortMatches(short().len()));
    assert_eq!(flaw(&[one(), bits("000000000000000")]), Flaw::TooLong(17));
    assert_eq!(flaw(&[one(), one()]), Flaw::TooLong(17));
    assert_eq!(flaw(&[one(), bits("0000001")]), Flaw::Padding(17));
}

#[test]
fn what_is_next_to_wrong_is_right() {
    let (byte, short) = (|| matches(&[true; 8]), || matches(&[true]));
    for code in [
        vec![returns(1)],
        vec![vec![byte(); 16].concat(), returns(1)],
        vec![vec![byte(); 15].concat(), matches(&[true; 7]), jumps(17), returns(1), returns(2)],
        vec![short(), byte(), short(), returns(1)],
        vec![short(), defaults(1), short(), returns(1)],
        vec![defaults(1), short(), defaults(2), short(), returns(1)],
        vec![defaults(1), jumps(17), returns(1), returns(2)],
    ] {
        let bytes = bytes_of(&code.concat());
        assert!(tree::read(&bytes).is_some());
        assert_eq!(check(&bytes), Ok(()));
    }
}

#[test]
fn the_deepest_map_is_read() {
    // Each bit that is 0 leads to an AS of its own; a hundred and twenty-eight ones lead to the last.
    let mut code = returns(129);
    for depth in (1..=128).rev() {
        code = [jumps(17), returns(depth), code].concat();
    }
    let map = parse(&bytes_of(&code));
    for depth in 0..=128_u32 {
        let ip = u128::MAX.checked_shl(128 - depth).unwrap_or(0);
        assert_eq!(map.lookup(ip.to_be_bytes()), Some(depth + 1));
    }
    assert_eq!(check(&bytes_of(&[jumps(17), returns(1), code].concat())), Err(Flaw::ReadsTooMuch(128 * 25)));
}

fn refusal(path: &Path) -> String {
    match AsMap::read(path) {
        Err(Error::InvalidArgument(message)) => {
            let shown = Quoted(&path.to_string_lossy()).to_string();
            assert!(message.starts_with(&format!("asmap_path {shown} cannot be used: ")), "{message}");
            assert!(
                message.contains("; give the path of a map like Bitcoin Core's asmap.dat, or none"),
                "{message}"
            );
            message
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("asmap.dat");
    fs::write(&path, encode(&[Prefix::new("9.0.0.0/8", 3356)])).unwrap();
    let map = AsMap::read(&path).unwrap();
    assert_eq!(map.lookup(mapped([9, 1, 2, 3])), Some(3356));
    assert!(format!("{map:?}").len() < 40, "the code is not printed");
}

#[test]
fn a_file_that_is_no_map_is_refused_with_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("asmap.dat");
    assert!(refusal(&path).contains("os error 2"));
    assert!(refusal(Path::new("")).contains("\"\" cannot be used: "));
    assert!(refusal(directory.path()).contains("it is not a regular file"));
    let whole = encode(&[Prefix::new("9.0.0.0/8", 3356), Prefix::new("8.0.0.0/8", 15_169)]);
    for (bytes, reason) in [
        (&[][..], "it is empty"),
        (&whole[..whole.len() - 1], "it is cut off"),
        (b"This is not a map, but text.", "it is not a map: "),
        (&[whole.clone(), vec![0]].concat(), "it is not a map: it goes on after its end at bit "),
    ] {
        fs::write(&path, bytes).unwrap();
        assert!(refusal(&path).contains(reason), "{}", refusal(&path));
    }
    fs::write(&path, [0]).unwrap();
    assert!(refusal(&path).contains("it is cut off in the instruction at bit 0"));
}

#[test]
fn a_file_that_is_too_large_is_refused_before_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("asmap.dat");
    let mut file = File::create(&path).unwrap();
    file.write_all(&bytes_of(&returns(7))).unwrap();
    file.set_len(MAX_BYTES).unwrap();
    assert!(refusal(&path).contains("it goes on after its end at bit 17"), "that many are read");
    for len in [MAX_BYTES + 1, 1 << 40] {
        file.set_len(len).unwrap();
        assert!(refusal(&path).contains(&format!("it has {len} bytes, and a map at most 16777216")));
    }
}

#[cfg(unix)]
#[test]
fn what_is_not_a_file_is_refused_without_waiting_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    // A FIFO that no one writes to, and devices without an end.
    for path in [&fifo, Path::new("/dev/zero"), Path::new("/dev/null")] {
        assert!(refusal(path).contains("it is not a regular file"));
    }
}
