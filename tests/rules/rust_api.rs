//! What Rust programs have besides what all languages do: conversions of the standard library's types, serde, and the
//! source of an error.

use std::error::Error as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use crate::common::{START, TempDb, address, record};
use peer_manager::{
    BackOffUpdate, Durability, Error, Host, OnCorrupt, Options, PeerAddress, PeerManager, PeerRecord,
    PeerTypeFilter, StoredPeerType, TypeUpdate, rusqlite,
};
use serde_json::{from_str, to_string};

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn a_socket_address_is_the_peer_address_with_the_same_text() {
    for text in ["192.0.2.1:11625", "[2001:db8::1]:1", "127.0.0.1:65535"] {
        assert_eq!(PeerAddress::try_from(socket(text)).unwrap(), address(text));
        assert_eq!(SocketAddr::try_from(&address(text)).unwrap(), socket(text));
    }
}

#[test]
fn an_ipv4_mapped_socket_address_is_an_ipv4_one() {
    let mapped = PeerAddress::try_from(socket("[::ffff:192.0.2.1]:5")).unwrap();
    assert_eq!(mapped, address("192.0.2.1:5"));
    assert_eq!(SocketAddr::try_from(&mapped).unwrap(), socket("192.0.2.1:5"));
}

#[test]
fn a_socket_address_with_port_0_or_a_scope_is_refused() {
    let link_local: Ipv6Addr = "fe80::1".parse().unwrap();
    let scoped = SocketAddr::from(SocketAddrV6::new(link_local, 0, 0, 2));
    for (socket, reason) in [
        (
            socket("192.0.2.1:0"),
            "\"192.0.2.1\" is not a peer address: port 0 is not a port; give one from 1 to 65535",
        ),
        (scoped, "\"fe80::1\" is not a peer address: scope ids are not accepted"),
    ] {
        let error = PeerAddress::try_from(socket).unwrap_err();
        assert!(matches!(error, Error::InvalidAddress { .. }));
        assert_eq!(error.to_string(), reason);
    }
}

#[test]
fn a_name_is_no_socket_address() {
    let error = SocketAddr::try_from(&address("example.org:5")).unwrap_err();
    assert!(
        matches!(error, Error::Unsupported(_)) && error.to_string().starts_with("example.org:5 has a name")
    );
}

#[test]
fn every_ip_address_is_a_host() {
    let (v4, v6) = (Ipv4Addr::new(192, 0, 2, 1), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    assert_eq!([Host::from(v4), IpAddr::V4(v4).into()], [Host::V4(v4), Host::V4(v4)]);
    assert_eq!([Host::from(v6), IpAddr::V6(v6).into()], [Host::V6(v6), Host::V6(v6)]);
    assert_eq!(Host::from(v4.to_ipv6_mapped()), Host::V4(v4));
}

#[test]
fn an_address_is_serialised_as_text_and_read_in_any_spelling() {
    for text in ["192.0.2.1:11625", "[2001:db8::1]:11625", "example.org:11625"] {
        assert_eq!(to_string(&address(text)).unwrap(), format!("\"{text}\""));
        assert_eq!(from_str::<PeerAddress>(&format!("\"{text}\"")).unwrap(), address(text));
    }
    assert_eq!(from_str::<PeerAddress>("\"Example.ORG.:5\"").unwrap(), address("example.org:5"));
}

#[test]
fn a_text_that_is_no_address_is_not_deserialised_and_the_reason_is_told() {
    let error = from_str::<PeerAddress>("\"192.0.2.1\"").unwrap_err().to_string();
    assert!(error.contains("the port is missing"), "{error}");
    let error = from_str::<PeerAddress>("17").unwrap_err().to_string();
    assert!(error.contains("a peer address such as"), "{error}");
}

#[test]
fn a_record_is_serialised_by_the_names_of_its_fields() {
    let peer = record(address("192.0.2.1:11625"), START, 3, StoredPeerType::Outbound);
    let json =
        r#"{"address":"192.0.2.1:11625","next_attempt":1700000000,"num_failures":3,"peer_type":"outbound"}"#;
    assert_eq!(to_string(&peer).unwrap(), json);
    assert_eq!(from_str::<PeerRecord>(json).unwrap(), peer);
    let unknown = json.replace("outbound", "sideways");
    assert!(from_str::<PeerRecord>(&unknown).is_err());
}

#[test]
fn enumerations_are_serialised_as_words() {
    let words = to_string(&(
        StoredPeerType::ALL,
        [TypeUpdate::EnsureOutbound, TypeUpdate::SetPreferred, TypeUpdate::EnsureNotPreferred],
        [BackOffUpdate::HardReset, BackOffUpdate::Reset, BackOffUpdate::Increase],
        [PeerTypeFilter::AnyOutbound, PeerTypeFilter::Any],
        [Durability::Commit, Durability::Sync, Durability::Deferred],
        [OnCorrupt::Fail, OnCorrupt::Quarantine],
    ));
    let expected = "[[\"inbound\",\"outbound\",\"preferred\"],\
        [\"ensure_outbound\",\"set_preferred\",\"ensure_not_preferred\"],\
        [\"hard_reset\",\"reset\",\"increase\"],[\"any_outbound\",\"any\"],\
        [\"commit\",\"sync\",\"deferred\"],[\"fail\",\"quarantine\"]]";
    assert_eq!(words.unwrap(), expected);
    assert_eq!(from_str::<Durability>("\"deferred\"").unwrap(), Durability::Deferred);
    assert_eq!(from_str::<BackOffUpdate>("\"hard_reset\"").unwrap(), BackOffUpdate::HardReset);
}

/// What SQLite says is behind an error.
fn sqlite_error(error: &Error) -> Option<rusqlite::ffi::Error> {
    error.source().map(|source| *source.downcast_ref().expect("it is SQLite's"))
}

#[test]
fn the_source_of_an_error_is_sqlite_s_own() {
    let database = TempDb::new();
    fs::write(database.path(), "This is not a database. ".repeat(100)).unwrap();
    let error = PeerManager::new_with_db(database.path()).unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)));
    let source = sqlite_error(&error).expect("SQLite has read it");
    assert_eq!((source.code, source.extended_code), (rusqlite::ErrorCode::NotADatabase, error.sqlite_code()));
}

#[test]
fn the_source_of_a_busy_error_says_that_it_was_locked() {
    let database = TempDb::new();
    let options = Options {
        db_path: Some(database.path()),
        busy_timeout: Duration::from_millis(1),
        ..Options::default()
    };
    let manager = PeerManager::open(options).unwrap();
    let other = database.connection();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = manager.ensure_exists(&address("192.0.2.1:5")).unwrap_err();
    assert!(matches!(error, Error::Busy(_)));
    assert_eq!(sqlite_error(&error).unwrap().code, rusqlite::ErrorCode::DatabaseBusy);
}

#[test]
fn what_sqlite_was_not_asked_for_has_no_source() {
    let manager = PeerManager::new_in_memory().unwrap();
    let unknown = manager.remove(&address("192.0.2.1:5")).unwrap_err();
    let directory = PeerManager::new_with_db("/").unwrap_err();
    for error in [unknown, directory] {
        assert!(error.source().is_none(), "{error}");
    }
}
