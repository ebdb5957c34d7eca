//! Peer addresses: a host and a port, canonical from the moment they are parsed.
//!
//! A host is an IPv4 address, an IPv6 address or a DNS-style name (so `.onion` and `.i2p` too). The many
//! spellings of one host become one value here, at the edge, so that nothing further in has to compare spellings:
//! IPv4-mapped IPv6 is IPv4, IPv6 text is that of [RFC 5952], names are lower case without a trailing dot.
//!
//! Names are never resolved.
//!
//! [RFC 5952]: https://www.rfc-editor.org/rfc/rfc5952

mod host;
mod parse;
#[cfg(feature = "serde")]
mod serde;
mod special;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use crate::error::{Error, Result};

pub(crate) use host::HostText;
#[cfg(all(feature = "ffi", not(test)))]
pub(crate) use host::write_host;
pub use host::{HOST_CAPACITY, Host};
pub(crate) use parse::{parse_canonical_host, parse_host};
pub(crate) use special::{Scope, wrapped_v4};

/// Where a peer listens: a host and a port from 1 to 65535.
///
/// Two addresses are equal when they are the same canonical host and port, whatever text they came from.
///
/// ```
/// use peer_manager::PeerAddress;
///
/// let address: PeerAddress = "[2001:DB8:0::1]:11625".parse()?;
/// assert_eq!(address.to_string(), "[2001:db8::1]:11625");
/// assert_eq!(PeerAddress::parse("Example.org.", Some(80))?, PeerAddress::new("example.org", 80)?);
/// # Ok::<(), peer_manager::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerAddress {
    host: Host,
    port: u16,
}

impl PeerAddress {
    /// Makes an address from a host as text (IPv6 without brackets) and a port.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`] when `host` is not a host or `port` is 0.
    pub fn new(host: &str, port: u16) -> Result<Self> {
        let refuse = |reason| Error::invalid_address(host, reason);
        if port == 0 {
            return Err(refuse("port 0 is not a port; give one from 1 to 65535"));
        }
        Ok(Self { host: parse_host(host).map_err(refuse)?, port })
    }

    /// Makes an address from an IP address and a port.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`] when `port` is 0.
    pub fn from_ip(ip: IpAddr, port: u16) -> Result<Self> {
        if port == 0 {
            return Err(Error::invalid_address(
                &ip.to_string(),
                "port 0 is not a port; give one from 1 to 65535",
            ));
        }
        Ok(Self { host: Host::from(ip), port })
    }

    /// Parses `1.2.3.4`, `1.2.3.4:11625`, `[2001:db8::1]:11625`, `2001:db8::1` or `name.example:11625`.
    ///
    /// Text without a port gets `default_port`; with `None` (or `Some(0)`) the port is required.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`] with what is wrong with `text`.
    pub fn parse(text: &str, default_port: Option<u16>) -> Result<Self> {
        let (host, port) = parse::parse_address(text, default_port.unwrap_or(0))
            .map_err(|reason| Error::invalid_address(text, reason))?;
        Ok(Self { host, port })
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, from 1 to 65535.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether this address means something else, or nothing, to a stranger, so that it is not sent to one.
    ///
    /// These are private: [RFC 1918] networks, 0.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 192.0.0.0/24 (except the
    /// anycast addresses 192.0.0.9 and .10), 198.18.0.0/15, 224.0.0.0/4, 240.0.0.0/4, `::/96`, `64:ff9b:1::/48`, `fc00::/7`,
    /// `fe80::/10`, `fec0::/10`, `ff00::/8`; an IPv6 address that wraps a private IPv4 address (NAT64 `64:ff9b::/96`, 6to4
    /// `2002::/16`, IPv4-translated `::ffff:0:0:0/96`, Teredo's client in `2001::/32`); and the names `localhost`,
    /// `*.localhost`, `*.local`, `*.internal`, `*.home.arpa`. Networks for documentation, such as 192.0.2.0/24, are not
    /// private, but see [`is_routable`](Self::is_routable).
    ///
    /// [RFC 1918]: https://www.rfc-editor.org/rfc/rfc1918
    #[must_use]
    pub fn is_private(&self) -> bool {
        Scope::of(&self.host) == Scope::Private
    }

    /// Whether a stranger on the Internet may be able to reach this address: it is not [private](Self::is_private), and not
    /// set aside by IANA's special-purpose registries for examples or for no host at all.
    ///
    /// These are set aside: 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 192.88.99.0/24, `100::/64`, `2001::/23` without
    /// Teredo and the parts that the registry calls globally reachable, `2001:db8::/32`, `3fff::/20`, `5f00::/16`, an address
    /// that wraps one of these, and the names `*.test`, `*.example`, `*.invalid`.
    ///
    /// ```
    /// use peer_manager::PeerAddress;
    ///
    /// let is_routable = |text: &str| text.parse().map(|address: PeerAddress| address.is_routable());
    /// assert!(is_routable("8.8.8.8:11625")? && is_routable("example.org:11625")?);
    /// assert!(!is_routable("192.0.2.1:11625")? && !is_routable("nas.local:11625")?);
    /// # Ok::<(), peer_manager::Error>(())
    /// ```
    #[must_use]
    pub fn is_routable(&self) -> bool {
        Scope::of(&self.host) == Scope::Public
    }

    /// Makes an address from an IP address as NUL-terminated text and a port: a fast path for the most frequent kinds of
    /// host. `None` says nothing about the text.
    #[cfg(all(feature = "ffi", not(test)))]
    pub(crate) fn from_ip_text(host: &[u8], port: u16) -> Option<Self> {
        let (host, rest) = parse::ip_prefix(host)?;
        (rest.first() == Some(&0) && port != 0).then_some(Self { host, port })
    }

    /// Makes an address from a host that is already canonical.
    pub(crate) fn from_canonical(host: Host, port: u16) -> Self {
        Self { host, port }
    }
}

impl FromStr for PeerAddress {
    type Err = Error;

    /// The same as [`PeerAddress::parse`] with the port required.
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text, None)
    }
}

/// A socket address may have port 0 or a scope id, which no peer's address has, so this can fail.
///
/// ```
/// use peer_manager::PeerAddress;
/// use std::net::SocketAddr;
///
/// let socket: SocketAddr = "[::ffff:192.0.2.1]:11625".parse()?;
/// assert_eq!(PeerAddress::try_from(socket)?, "192.0.2.1:11625".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl TryFrom<SocketAddr> for PeerAddress {
    type Error = Error;

    fn try_from(socket: SocketAddr) -> Result<Self> {
        match socket {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => {
                Err(Error::invalid_address(&v6.ip().to_string(), "scope ids are not accepted"))
            }
            socket => Self::from_ip(socket.ip(), socket.port()),
        }
    }
}

/// Names are never resolved, so this can fail.
///
/// ```
/// use peer_manager::{Error, PeerAddress};
/// use std::net::SocketAddr;
///
/// let address: PeerAddress = "192.0.2.1:11625".parse()?;
/// assert_eq!(SocketAddr::try_from(&address)?, "192.0.2.1:11625".parse()?);
///
/// let name: PeerAddress = "example.org:11625".parse()?;
/// assert!(matches!(SocketAddr::try_from(&name), Err(Error::Unsupported(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl TryFrom<&PeerAddress> for SocketAddr {
    type Error = Error;

    fn try_from(address: &PeerAddress) -> Result<Self> {
        match address.host {
            Host::V4(ip) => Ok((ip, address.port).into()),
            Host::V6(ip) => Ok((ip, address.port).into()),
            Host::Name(_) => Err(Error::Unsupported(format!(
                "{address} has a name and no IP address, and this library never resolves names; resolve it first"
            ))),
        }
    }
}

impl fmt::Display for PeerAddress {
    /// `host:port`, with an IPv6 host in brackets: what [`PeerAddress::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            host @ Host::V6(_) => write!(f, "[{host}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}
