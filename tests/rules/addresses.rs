//! Addresses as text: real ones come back as they were, hostile ones are refused with a reason, and the many
//! spellings of one address become one.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::common::{self, TempDb, address};
use peer_manager::{Error, HOST_CAPACITY, Host, PeerAddress, PeerManager};
use proptest::arbitrary::any;
use proptest::prop_assert_eq;
use proptest::strategy::Strategy as _;

const REAL: &str = include_str!("data/real-addresses.txt");
const HOSTILE: &str = include_str!("data/hostile-addresses.txt");

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn parse(text: &str) -> Result<PeerAddress, Error> {
    PeerAddress::parse(text, Some(11_625))
}

/// Why a text is refused, after a look at what every refusal must be like.
fn refusal(text: &str, refused: Result<PeerAddress, Error>) -> &'static str {
    let Err(error) = refused else { panic!("{text:?} was accepted") };
    let message = error.to_string();
    let Error::InvalidAddress { text: told, reason, .. } = error else { panic!("{text:?}: {message}") };
    assert_eq!(told, text);
    assert!(!reason.is_empty(), "{text:?} is refused without a reason");
    assert!(!message.contains(char::is_control), "{message:?} is not one line of text");
    let start: String = text.chars().take(64).collect();
    assert!(message.starts_with(&format!("{start:?}")), "{message:?} does not quote {text:?}");
    assert!(message.ends_with(reason), "{message:?} does not end with {reason:?}");
    reason
}

#[test]
fn every_real_address_formats_to_the_text_it_was_parsed_from() {
    assert_eq!(lines(REAL).count(), 158);
    for line in lines(REAL) {
        assert_eq!(address(line).to_string(), line);
        assert!(!address(line).is_private(), "{line}");
    }
}

#[test]
fn every_real_address_comes_back_from_a_file() {
    let database = TempDb::new();
    let distinct: BTreeSet<&str> = lines(REAL).collect();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    let new = lines(REAL).filter(|line| manager.ensure_exists(&address(line)).unwrap());
    assert_eq!(new.count(), distinct.len());
    drop(manager);
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    let texts: BTreeSet<String> = common::peers(&manager).keys().map(ToString::to_string).collect();
    assert!(texts.iter().map(String::as_str).eq(distinct));
    assert_eq!(manager.get_stats().unwrap().skipped_rows, 0);
    manager.check_invariants().unwrap();
}

#[test]
fn duplicates_among_real_addresses_count_once_in_a_batch() {
    let manager = PeerManager::new_in_memory().unwrap();
    let addresses: Vec<_> = lines(REAL).map(address).collect();
    let distinct: BTreeSet<_> = lines(REAL).collect();
    assert!(distinct.len() < addresses.len(), "the file is to have duplicates");
    assert_eq!(manager.ensure_exists_many(&addresses).unwrap(), distinct.len());
}

#[test]
fn every_hostile_text_is_refused_with_a_reason_in_one_line() {
    assert_eq!(lines(HOSTILE).count(), 42);
    for line in lines(HOSTILE) {
        refusal(line, parse(line));
    }
}

#[test]
fn control_characters_in_a_refused_text_do_not_reach_the_message() {
    for text in
        ["a\nb", "a\r\nb:1", "a\0b:1", "\u{1b}[31mred:1", "a\tb", "a\u{2028}b", "ex\u{202e}ample.org:1"]
    {
        refusal(text, parse(text));
        assert!(!parse(text).unwrap_err().to_string().contains(['\u{2028}', '\u{202e}']), "{text:?}");
    }
}

#[test]
fn a_long_refused_text_is_cut_in_the_message() {
    let text = "x y".repeat(10_000);
    refusal(&text, parse(&text));
    assert!(parse(&text).unwrap_err().to_string().len() < 200);
}

#[test]
fn text_of_characters_of_several_bytes_is_cut_between_characters() {
    let text = "é".repeat(100);
    refusal(&text, parse(&text));
}

/// Spellings and what they become.
const CANONICAL: [(&str, &str); 38] = [
    ("1.2.3.4", "1.2.3.4:11625"),
    ("1.2.3.4:1", "1.2.3.4:1"),
    ("0.0.0.0:65535", "0.0.0.0:65535"),
    ("255.255.255.255", "255.255.255.255:11625"),
    ("EXAMPLE.Org", "example.org:11625"),
    ("example.org.", "example.org:11625"),
    ("Example.ORG.:9", "example.org:9"),
    ("localhost", "localhost:11625"),
    ("a", "a:11625"),
    ("my_host-1.example", "my_host-1.example:11625"),
    ("_dns.example", "_dns.example:11625"),
    ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de:11625"),
    ("1.2.3.4a", "1.2.3.4a:11625"),
    ("1e3", "1e3:11625"),
    ("3com", "3com:11625"),
    ("1.example", "1.example:11625"),
    ("::", "[::]:11625"),
    ("::1", "[::1]:11625"),
    ("[::1]", "[::1]:11625"),
    ("[::1]:1", "[::1]:1"),
    ("2001:DB8::1", "[2001:db8::1]:11625"),
    ("2001:0db8:0000:0000:0000:0000:0000:0001", "[2001:db8::1]:11625"),
    ("2001:db8:0:1:1:1:1:1", "[2001:db8:0:1:1:1:1:1]:11625"),
    ("2001:db8::1:1:1:1:1", "[2001:db8:0:1:1:1:1:1]:11625"),
    ("2001:0:0:1:0:0:0:1", "[2001:0:0:1::1]:11625"),
    ("2001:db8:0:0:1:0:0:1", "[2001:db8::1:0:0:1]:11625"),
    ("0:0:1:0:0:0:0:0", "[0:0:1::]:11625"),
    ("1:0:0:0:0:0:0:0", "[1::]:11625"),
    ("[2001:DB8:0:0:8:800:200C:417A]:9", "[2001:db8::8:800:200c:417a]:9"),
    ("::ffff:1.2.3.4", "1.2.3.4:11625"),
    ("[::FFFF:1.2.3.4]:9", "1.2.3.4:9"),
    ("::ffff:102:304", "1.2.3.4:11625"),
    ("0:0:0:0:0:ffff:c0a8:0101", "192.168.1.1:11625"),
    ("::ffff:0:1.2.3.4", "[::ffff:0:102:304]:11625"),
    ("::1.2.3.4", "[::102:304]:11625"),
    ("64:ff9b::1.2.3.4", "[64:ff9b::102:304]:11625"),
    ("fe80::1", "[fe80::1]:11625"),
    ("FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:11625"),
];

#[test]
fn each_spelling_has_one_canonical_form() {
    for (spelling, canonical) in CANONICAL {
        let parsed = parse(spelling).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(parsed.to_string(), canonical, "{spelling}");
        assert_eq!(parsed, address(canonical), "{spelling}");
    }
}

#[test]
fn two_spellings_of_an_address_are_one_peer() {
    let manager = PeerManager::new_in_memory().unwrap();
    for (spellings, count) in [
        (["EXAMPLE.org.:1", "example.ORG:1"], 1),
        (["[::ffff:9.9.9.9]:1", "9.9.9.9:1"], 2),
        (["[1::0]:1", "[1:0::]:1"], 3),
    ] {
        let new = spellings.iter().filter(|text| manager.ensure_exists(&address(text)).unwrap());
        assert_eq!(new.count(), 1);
        assert_eq!(manager.peer_count(), count, "{spellings:?}");
        assert!(spellings.iter().all(|text| manager.load(&address(text)).unwrap().is_some()));
    }
}

#[test]
fn an_address_made_of_an_ip_is_the_one_made_of_its_text() {
    let mapped = Ipv4Addr::new(1, 2, 3, 4).to_ipv6_mapped();
    for (ip, text) in [
        (IpAddr::V4(Ipv4Addr::new(1, 2, 3, 4)), "1.2.3.4:5"),
        (IpAddr::V6(mapped), "1.2.3.4:5"),
        (IpAddr::V6(Ipv6Addr::LOCALHOST), "[::1]:5"),
    ] {
        assert_eq!(PeerAddress::from_ip(ip, 5).unwrap(), address(text));
    }
    assert_eq!(refusal("::1", PeerAddress::from_ip(Ipv6Addr::LOCALHOST.into(), 0)), PORT_0);
}

const PORT_0: &str = "port 0 is not a port; give one from 1 to 65535";

#[test]
fn an_address_made_of_host_and_port_takes_a_host_without_brackets_only() {
    for (host, text) in [("::1", "[::1]:5"), ("1.2.3.4", "1.2.3.4:5"), ("Example.org.", "example.org:5")] {
        assert_eq!(PeerAddress::new(host, 5).unwrap(), address(text));
    }
    for host in ["[::1]", "example.org:5", "1.2.3.4:5", "", " ", "1.2.3", "fe80::1%1"] {
        refusal(host, PeerAddress::new(host, 5));
    }
    assert_eq!(refusal("1.2.3.4", PeerAddress::new("1.2.3.4", 0)), PORT_0);
}

#[test]
fn host_and_port_can_be_read_apart() {
    let peer = address("example.org:443");
    assert_eq!((peer.host().to_string().as_str(), peer.port()), ("example.org", 443));
    assert_eq!(*address("1.2.3.4:1").host(), Host::V4(Ipv4Addr::new(1, 2, 3, 4)));
    assert_eq!(*address("[::1]:1").host(), Host::V6(Ipv6Addr::LOCALHOST));
    assert_eq!(address("[::1]:1").host().to_string(), "::1");
}

#[test]
fn without_a_default_the_port_is_required() {
    for text in ["1.2.3.4", "[::1]", "::1", "example.org"] {
        let reason = "the port is missing; write host:port";
        assert_eq!(refusal(text, PeerAddress::parse(text, None)), reason);
        assert_eq!(refusal(text, PeerAddress::parse(text, Some(0))), reason);
        assert_eq!(refusal(text, text.parse()), reason);
        assert_eq!(PeerAddress::parse(text, Some(65_535)).unwrap().port(), 65_535);
    }
}

#[test]
fn a_port_in_the_text_is_stronger_than_the_default() {
    assert_eq!(PeerAddress::parse("example.org:1", Some(2)).unwrap().port(), 1);
    assert_eq!(PeerAddress::parse("[::1]:1", Some(2)).unwrap().port(), 1);
}

#[test]
fn ports_are_numbers_from_1_to_65535_in_plain_digits() {
    for host in ["1.2.3.4", "[2001:db8::1]", "example.org"] {
        for port in [1, 9, 10, 80, 9_999, 10_000, 65_535] {
            assert_eq!(address(&format!("{host}:{port}")).port(), port);
        }
        for port in [
            "0",
            "00",
            "01",
            "080",
            "65536",
            "70000",
            "100000",
            "4294967297",
            "18446744073709551617",
            "-1",
            "+1",
            " 1",
            "1 ",
            "1.0",
            "0x1",
            "1e1",
            "",
            "a",
            "\u{661}",
            "1:",
            "1/",
        ] {
            let text = format!("{host}:{port}");
            refusal(&text, parse(&text));
        }
    }
}

#[test]
fn a_label_has_at_most_63_characters() {
    for (length, is_name) in [(1, true), (62, true), (63, true), (64, false), (65, false)] {
        let label = "a".repeat(length);
        for host in [label.clone(), format!("{label}.org"), format!("www.{label}"), format!("w.{label}.org.")]
        {
            assert_eq!(PeerAddress::new(&host, 1).is_ok(), is_name, "a label of {length}: {host}");
        }
    }
}

/// A name of labels of at most 50 characters.
fn name_of_length(length: usize) -> String {
    let mut name = "a".repeat(length);
    (1..length / 50).for_each(|n| name.replace_range(n * 50 - 1..n * 50, "."));
    name
}

#[test]
fn a_name_has_at_most_253_characters() {
    for (length, is_name) in [(252, true), (253, true), (254, false), (255, false), (300, false)] {
        let name = name_of_length(length);
        assert_eq!(name.len(), length);
        assert_eq!(PeerAddress::new(&name, 1).is_ok(), is_name, "{length} characters");
        // The trailing dot does not count.
        assert_eq!(
            PeerAddress::new(&format!("{name}."), 1).is_ok(),
            is_name,
            "{length} characters and a dot"
        );
    }
    assert_eq!(HOST_CAPACITY, 254);
}

#[test]
fn the_longest_name_survives_a_file() {
    let database = TempDb::new();
    let longest = PeerAddress::new(&name_of_length(253), 65_535).unwrap();
    PeerManager::new_with_db(database.path()).unwrap().ensure_exists(&longest).unwrap();
    let manager = PeerManager::new_with_db(database.path()).unwrap();
    assert_eq!(common::peers(&manager).into_keys().collect::<Vec<_>>(), [longest]);
}

#[test]
fn a_name_that_ends_in_a_number_is_refused() {
    for host in ["1", "1.", "1.2.3", "256.1.1.1", "1.2.3.4.5", "example.1", "a.b.007", "01.2.3.4", "1.2.3.4."]
    {
        assert!(refusal(host, PeerAddress::new(host, 1)).contains("ends in a number"), "{host}");
    }
}

#[test]
fn labels_neither_begin_nor_end_with_a_hyphen_and_are_not_empty() {
    for host in [
        "-a", "a-", "-", "a.-b", "a-.b", "-a.b", "a.b-", "a.-", ".", "..", ".a", "a..", "a..b", "a.b..",
        "-.-",
    ] {
        refusal(host, PeerAddress::new(host, 1));
    }
    for host in ["a-b", "a--b", "_a", "a_", "_", "a-b.c-d"] {
        assert!(PeerAddress::new(host, 1).is_ok(), "{host}");
    }
}

#[test]
fn no_other_character_belongs_in_a_name() {
    for other in (0_u8..=127).map(char::from).filter(|c| !c.is_ascii_alphanumeric() && !"-_.:".contains(*c)) {
        let host = format!("a{other}b");
        refusal(&host, PeerAddress::new(&host, 1));
    }
    for host in
        ["bücher.example", "例え.jp", "a\u{ad}b", "ｅxample.org", "a。b", "\u{feff}a", "\u{212a}.example"]
    {
        refusal(host, PeerAddress::new(host, 1));
    }
}

#[test]
fn ipv6_is_refused_with_scope_mask_brackets_awry_or_too_much_of_it() {
    for text in [
        "fe80::1%1",
        "[fe80::1%eth0]",
        "::1/128",
        "[::1",
        "::1]",
        "[[::1]]",
        "[]",
        "[",
        "]",
        "[::1]1",
        "[::1]x:1",
        "[::1]::1",
        ":::",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "::g",
        "::1.2.3",
        " ::1",
        "[ ::1]",
        "[example.org]",
        "[1.2.3.4]",
        "::ffff:1.2.3.256",
    ] {
        refusal(text, parse(text));
    }
}

/// Text that is often nearly an address.
const LIKELY: &str =
    r"\[?([0-9a-fA-F:.]{0,40}|[a-zA-Z0-9._-]{0,70}|[0-9]{1,3}(\.[0-9]{1,3}){3}|\PC{0,20})\]?(:[0-9]{0,6})?";

fn round_trip(text: &str) -> Result<(), proptest::test_runner::TestCaseError> {
    for default_port in [None, Some(0), Some(11_625)] {
        match PeerAddress::parse(text, default_port) {
            Ok(parsed) => {
                let formatted = parsed.to_string();
                prop_assert_eq!(&address(&formatted), &parsed);
                prop_assert_eq!(address(&formatted).to_string(), formatted);
                prop_assert_eq!(PeerAddress::new(&parsed.host().to_string(), parsed.port()).unwrap(), parsed);
            }
            refused => drop(refusal(text, refused)),
        }
    }
    Ok(())
}

#[test]
fn arbitrary_text_is_refused_or_formats_to_text_that_means_the_same() {
    common::runner(2_000).run(&any::<String>(), |text| round_trip(&text)).unwrap();
}

#[test]
fn text_that_is_nearly_an_address_is_refused_or_formats_to_text_that_means_the_same() {
    common::runner(4_000).run(&LIKELY.prop_map(|text| text), |text| round_trip(&text)).unwrap();
}

#[test]
fn every_ip_address_is_that_of_its_own_text() {
    let ips = (any::<bool>(), any::<u128>(), any::<u128>(), 1..=u16::MAX);
    common::runner(2_000)
        .run(&ips, |(is_v6, bits, mask, port)| {
            // The mask makes runs of zeros, which are what IPv6 text shortens.
            let bits = bits & mask & mask.rotate_left(9);
            let ip = if is_v6 {
                IpAddr::from(Ipv6Addr::from_bits(bits))
            } else {
                IpAddr::from(Ipv4Addr::from_bits((bits >> 96) as u32))
            };
            let peer = PeerAddress::from_ip(ip, port).unwrap();
            prop_assert_eq!(&PeerAddress::new(&ip.to_string(), port).unwrap(), &peer);
            prop_assert_eq!(&address(&peer.to_string()), &peer);
            Ok(())
        })
        .unwrap();
}
