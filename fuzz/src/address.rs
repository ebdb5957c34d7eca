//! Text as an address, through C and through Rust, with the standard library as the oracle where it is an IP address.

use std::cell::OnceCell;
use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use libc::sockaddr_storage;
use peer_manager::ffi::address::{
    PEER_MANAGER_ADDRESS_TEXT_CAPACITY, peer_manager_address, peer_manager_address_equal,
    peer_manager_address_format, peer_manager_address_init, peer_manager_address_is_private,
    peer_manager_address_is_routable, peer_manager_address_parse,
};
use peer_manager::ffi::error::{
    PEER_MANAGER_ERROR_INVALID_ADDRESS, PEER_MANAGER_ERROR_INVALID_ARGUMENT, PEER_MANAGER_ERROR_UNSUPPORTED,
};
use peer_manager::ffi::sockaddr::{peer_manager_address_from_sockaddr, peer_manager_address_to_sockaddr};
use peer_manager::{
    HOST_CAPACITY, Host, NameGroups, Options, PeerAddress, PeerManager, Reach, SCHEMA, load_all_from_db,
};
use rusqlite::Connection;

use crate::c::{self, Room, call};
use crate::subject;

/// The port of text that has none.
const PORT: u16 = 11_625;

/// Takes the input for an address, with a port and without, for the host of one, and for what a ban is about.
pub fn run(data: &[u8]) {
    for default_port in [0, PORT] {
        let parsed = c_parse(data, default_port);
        if let Ok(text) = std::str::from_utf8(data) {
            let address = PeerAddress::parse(text, Some(default_port)).ok();
            // C's text ends at a NUL, and no address has one.
            if !data.contains(&0) {
                assert_eq!(parsed, address, "C and Rust disagree");
            }
            agrees_with_std(text, default_port, address.as_ref());
        }
        if let Some(address) = &parsed {
            comes_back(address);
        }
    }
    as_host(data);
    subject::run(data);
}

/// The text up to a NUL, as C reads it.
fn c_text(data: &[u8]) -> CString {
    let end = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    CString::new(&data[..end]).expect("it has no NUL")
}

/// What C makes of a text that is an address, or the right status where it is none.
fn c_parse(data: &[u8], default_port: u16) -> Option<PeerAddress> {
    let text = c_text(data);
    // SAFETY: the pointers are valid for the call.
    written(&text, |out| unsafe {
        call(|error| peer_manager_address_parse(text.as_ptr(), default_port, out, error))
    })
}

fn written(
    text: &CString,
    make: impl FnOnce(*mut peer_manager_address) -> Result<(), i32>,
) -> Option<PeerAddress> {
    let mut out = Room::<peer_manager_address>::new();
    match make(out.as_mut_ptr()) {
        // SAFETY: any bytes are an address.
        Ok(()) => Some(c::canonical(&unsafe { out.get() })),
        Err(status) => {
            let expected = match text.to_str() {
                Ok(_) => PEER_MANAGER_ERROR_INVALID_ADDRESS,
                Err(_) => PEER_MANAGER_ERROR_INVALID_ARGUMENT,
            };
            assert_eq!(status, expected);
            assert!(out.is_untouched(), "a call that failed has written");
            None
        }
    }
}

/// An IP address is one for the standard library too, and the other way round, but for what is narrower here on
/// purpose: scope ids, port 0, ports with leading zeros.
fn agrees_with_std(text: &str, default_port: u16, address: Option<&PeerAddress>) {
    let port_is_plain =
        text.rsplit_once(':').is_some_and(|(_, port)| !port.starts_with('0') && port.len() <= 5);
    let with_port = text.parse::<SocketAddr>().ok().filter(|_| port_is_plain && !text.contains('%'));
    let without_port = || {
        let unbracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let ip = match unbracketed {
            Some(inside) => inside.parse::<Ipv6Addr>().map(IpAddr::V6),
            None => text.parse::<IpAddr>(),
        };
        ip.ok().filter(|_| default_port != 0).map(|ip| SocketAddr::new(ip, default_port))
    };
    let expected = with_port.or_else(without_port).map(|std| (std.ip().to_canonical(), std.port()));
    let found = address.and_then(|address| Some((ip(address)?, address.port())));
    assert_eq!(found, expected, "the standard library reads {text:?} in another way");
}

fn ip(address: &PeerAddress) -> Option<IpAddr> {
    match address.host() {
        Host::V4(ip) => Some((*ip).into()),
        Host::V6(ip) => Some((*ip).into()),
        Host::Name(_) => None,
    }
}

/// An address formats to text that is the same address, in C and in Rust, and its text does not change any more.
fn comes_back(address: &PeerAddress) {
    let text = address.to_string();
    let host = address.host().to_string();
    assert!(!host.is_empty() && host.len() < HOST_CAPACITY, "{host} is not within bounds");
    assert!(
        text.len() < PEER_MANAGER_ADDRESS_TEXT_CAPACITY && text.is_ascii(),
        "{text} is not within bounds"
    );
    assert_eq!(PeerAddress::parse(&text, None).expect("canonical text is an address"), *address);
    assert_eq!(PeerAddress::new(&host, address.port()).expect("a canonical host is one"), *address);
    assert_eq!(c_parse(text.as_bytes(), 0).as_ref(), Some(address));
    let same = c::address(host.as_bytes(), address.port());
    assert_eq!(format(&same, PEER_MANAGER_ADDRESS_TEXT_CAPACITY).as_deref(), Ok(&*text));
    assert_eq!(format(&same, text.len() + 1).as_deref(), Ok(&*text));
    assert_eq!(format(&same, text.len()), Err(PEER_MANAGER_ERROR_INVALID_ARGUMENT), "the NUL has no room");
    // SAFETY: the pointer is valid for the calls.
    let (is_equal, is_private, is_routable) = unsafe {
        (
            peer_manager_address_equal(&same, &same),
            peer_manager_address_is_private(&same),
            peer_manager_address_is_routable(&same),
        )
    };
    assert!(is_equal, "{text} does not equal itself");
    assert_eq!((is_private, is_routable), (address.is_private(), address.is_routable()));
    assert!(!(is_private && is_routable), "{text} is private and routable");
    match address.host() {
        Host::V6(ip) => assert!(ip.to_ipv4_mapped().is_none(), "an IPv4-mapped address is IPv4"),
        Host::V4(ip) => means_the_same_wrapped(*ip, address),
        Host::Name(name) => {
            assert!(!name.contains(':') && name.parse::<Ipv4Addr>().is_err());
            assert!(!is_number_to_a_resolver(name), "a resolver takes {name} for an IP address");
        }
    }
    through_a_socket(address, &same);
}

/// Whether the system's resolver takes a name for an IP address in some notation; it asks no server.
fn is_number_to_a_resolver(name: &str) -> bool {
    let name = CString::new(name).expect("a name has no NUL");
    // SAFETY: all zeros are hints.
    let mut hints: libc::addrinfo = unsafe { MaybeUninit::zeroed().assume_init() };
    hints.ai_flags = libc::AI_NUMERICHOST;
    let mut found = std::ptr::null_mut();
    // SAFETY: the pointers are valid for the call.
    let status = unsafe { libc::getaddrinfo(name.as_ptr(), std::ptr::null(), &hints, &mut found) };
    if status == 0 {
        // SAFETY: the call has succeeded, and nothing refers to its result.
        unsafe { libc::freeaddrinfo(found) };
    }
    status == 0
}

/// An IPv6 address that leads to an IPv4 address is of its netgroup, and as private and as routable as that.
fn means_the_same_wrapped(ip: Ipv4Addr, address: &PeerAddress) {
    thread_local! {
        static MANAGERS: Vec<PeerManager> = managers();
    }
    let [a, b, c, d] = ip.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    for wrapped in [
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, 1, 2, 3, 4, !high, !low),
    ] {
        let wrapped = PeerAddress::from_ip(wrapped.into(), address.port()).expect("the port is one");
        assert_eq!(wrapped.is_private(), address.is_private(), "{wrapped}");
        assert_eq!(wrapped.is_routable(), address.is_routable(), "{wrapped}");
        MANAGERS.with(|managers| {
            for manager in managers {
                let [one, other] = [address, &wrapped].map(|address| manager.address_netgroup(address).ok());
                assert_eq!(one, other, "{wrapped}");
            }
        });
    }
}

/// One for each way to count netgroups.
fn managers() -> Vec<PeerManager> {
    let reaches = [Reach::Specification, Reach::Public, Reach::Private];
    let options =
        reaches.map(|reach| Options { reach, name_groups: NameGroups::ByKey, ..Options::default() });
    options.into_iter().map(|options| PeerManager::open(options).expect("it is in memory")).collect()
}

fn format(address: &peer_manager_address, capacity: usize) -> Result<String, i32> {
    // One more byte than the library is told of.
    let mut buffer = vec![0x5a_u8; capacity + 1];
    let first = buffer.as_mut_ptr().cast::<c_char>();
    // SAFETY: the pointers are valid for the call.
    let formatted = call(|error| unsafe { peer_manager_address_format(address, first, capacity, error) });
    assert_eq!(buffer[capacity], 0x5a, "a byte behind the buffer was written");
    if let Err(status) = formatted {
        assert!(buffer.iter().all(|&byte| byte == 0x5a), "a call that failed has written");
        return Err(status);
    }
    let end = buffer.iter().position(|&byte| byte == 0).expect("the text ends in a NUL");
    buffer.truncate(end);
    Ok(String::from_utf8(buffer).expect("the text is UTF-8"))
}

/// An IP address is the same after it was a socket's; a name cannot be one.
fn through_a_socket(address: &PeerAddress, same: &peer_manager_address) {
    let mut storage = MaybeUninit::<sockaddr_storage>::uninit();
    let mut len = 0;
    // SAFETY: the pointers are valid for the call.
    let made = call(|error| unsafe {
        peer_manager_address_to_sockaddr(same, storage.as_mut_ptr(), &raw mut len, error)
    });
    if ip(address).is_none() {
        assert_eq!(made, Err(PEER_MANAGER_ERROR_UNSUPPORTED));
        return;
    }
    assert_eq!(made, Ok(()));
    let mut back = Room::<peer_manager_address>::new();
    // SAFETY: the pointers are valid for the call, and `len` bytes were written.
    call(|error| unsafe {
        peer_manager_address_from_sockaddr(storage.as_ptr().cast(), len, back.as_mut_ptr(), error)
    })
    .expect("what was made of an address is one");
    // SAFETY: any bytes are an address.
    assert_eq!(c::canonical(&unsafe { back.get() }), *address);
}

/// The input as a host: as text, in the struct of C, and in a row of the database.
fn as_host(data: &[u8]) {
    let text = c_text(data);
    // SAFETY: the pointers are valid for the call.
    let made = written(&text, |out| unsafe {
        call(|error| peer_manager_address_init(text.as_ptr(), PORT, out, error))
    });
    if text.as_bytes().len() < HOST_CAPACITY {
        let raw = c::address(text.as_bytes(), PORT);
        let formatted = format(&raw, PEER_MANAGER_ADDRESS_TEXT_CAPACITY);
        assert_eq!(formatted.ok(), made.as_ref().map(PeerAddress::to_string), "the struct is read otherwise");
    }
    let Ok(text) = text.to_str() else { return };
    assert_eq!(PeerAddress::new(text, PORT).ok(), made, "C and Rust disagree");
    assert!(PeerAddress::new(text, 0).is_err(), "port 0 is a port");
    if !text.contains('%') {
        let std = text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        assert_eq!(made.as_ref().and_then(ip), std, "the standard library reads {text:?} in another way");
    }
    let canonical = made.filter(|address| address.host().to_string() == text);
    assert_eq!(from_row(text), canonical, "a row is a peer when its host is canonical, and only then");
}

/// The peer of a row with this host.
fn from_row(host: &str) -> Option<PeerAddress> {
    thread_local! {
        static DATABASE: OnceCell<Connection> = const { OnceCell::new() };
    }
    DATABASE.with(|database| {
        let connection = database.get_or_init(|| {
            let connection = Connection::open_in_memory().expect("SQLite works");
            connection.execute_batch(SCHEMA).expect("the schema is right");
            connection
        });
        let execute = |sql: &str, params: &[&str]| {
            let mut statement = connection.prepare_cached(sql).expect("the statement is right");
            statement.execute(rusqlite::params_from_iter(params)).expect("any text can be stored");
        };
        execute("DELETE FROM peers", &[]);
        execute("INSERT INTO peers VALUES (?1, 11625, 0, 0, 0)", &[host]);
        let mut found = None;
        let skipped = load_all_from_db(connection, |record| found = Some(record.address.clone()));
        assert_eq!(skipped.expect("the table can be read"), u64::from(found.is_none()));
        found
    })
}
