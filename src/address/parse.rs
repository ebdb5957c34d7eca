//! Parsing addresses: text to canonical values, or one reason why not.
//!
//! IPv4 text, by far the most frequent kind, is parsed by a scanner of our own, because the standard library's costs
//! several times as much and every address that crosses the C boundary comes as text. IPv6 text is parsed by the standard
//! library.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::host::{HOST_CAPACITY, Host, HostText};

/// The longest label of a name ([RFC 1035](https://www.rfc-editor.org/rfc/rfc1035), section 2.3.4).
const MAX_LABEL: usize = 63;

/// A host and a port.
pub(super) fn parse_address(text: &str, default_port: u16) -> Result<(Host, u16), &'static str> {
    let (host, port) = if let Some((ip, port)) = ipv4_and_port(text) {
        (Host::V4(ip), port)
    } else if let Some(rest) = text.strip_prefix('[') {
        let (inside, after) = rest.split_once(']').ok_or("the closing bracket is missing")?;
        let host = parse_v6(inside)?;
        let port = match after {
            "" => None,
            _ => Some(after.strip_prefix(':').ok_or("only `:port` may stand after the closing bracket")?),
        };
        (host, port)
    } else {
        match text.split_once(':') {
            None => (parse_host(text)?, None),
            Some((_, rest)) if rest.contains(':') => (parse_v6(text)?, None),
            Some((host, port)) => (parse_host(host)?, Some(port)),
        }
    };
    let port = match port {
        Some(digits) => parse_port(digits)?,
        None if default_port == 0 => return Err("the port is missing; write host:port"),
        None => default_port,
    };
    Ok((host, port))
}

/// A port as text: 1 to 5 digits and nothing else, without leading zeros, from 1 to 65535.
fn parse_port(text: &str) -> Result<u16, &'static str> {
    const REASON: &str = "the port is not a number from 1 to 65535";
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || text.starts_with('0') {
        return Err(REASON);
    }
    text.parse().map_err(|_| REASON)
}

/// A host without brackets and without a port.
pub(super) fn parse_host(text: &str) -> Result<Host, &'static str> {
    if text.is_empty() {
        return Err("the host is empty");
    }
    if let Some((ip, [])) = ipv4_prefix(text.as_bytes()) {
        return Ok(Host::V4(ip));
    }
    if text.contains(':') {
        return parse_v6(text);
    }
    parse_name(text)
}

/// The host, if the text is its canonical form.
pub(crate) fn parse_canonical_host(text: &[u8]) -> Option<Host> {
    // IPv4 has one form only.
    if let Some((ip, [])) = ipv4_prefix(text) {
        return Some(Host::V4(ip));
    }
    let text = std::str::from_utf8(text).ok()?;
    let host = parse_host(text).ok()?;
    (HostText::of(&host).as_str() == text).then_some(host)
}

fn parse_v6(text: &str) -> Result<Host, &'static str> {
    if text.contains('%') {
        return Err("scope ids are not accepted");
    }
    match text.parse::<Ipv6Addr>() {
        Ok(ip) => Ok(Host::from(ip)),
        Err(_) => Err("this is not an IPv6 address"),
    }
}

fn parse_name(text: &str) -> Result<Host, &'static str> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() || name.len() >= HOST_CAPACITY {
        return Err("a name has 1 to 253 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return Err("a name consists of the letters a to z, digits, `-`, `_` and `.` (others in punycode)");
    }
    for label in name.split('.') {
        if label.is_empty() || label.len() > MAX_LABEL {
            return Err("each label of a name has 1 to 63 characters");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err("a label neither begins nor ends with `-`");
        }
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err("it ends in a number like an IPv4 address, but is not one");
    }
    Ok(Host::Name(name.to_ascii_lowercase().into()))
}

/// An IPv4 address at the beginning of a text, and what follows it. No leading zeros, so no octal numbers.
pub(super) fn ipv4_prefix(text: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let mut octets = [0; 4];
    let mut position = 0;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            text.get(position).filter(|&&byte| byte == b'.')?;
            position += 1;
        }
        let first = position;
        let mut value = 0_u16;
        while let Some(digit) =
            text.get(position).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10)
        {
            // Neither a fourth digit, nor one after a leading zero.
            if position == first + 3 || (position > first && value == 0) {
                return None;
            }
            value = value * 10 + u16::from(digit);
            position += 1;
        }
        if position == first {
            return None;
        }
        *octet = u8::try_from(value).ok()?;
    }
    Some((Ipv4Addr::from(octets), &text[position..]))
}

/// `1.2.3.4` or `1.2.3.4:port`.
fn ipv4_and_port(text: &str) -> Option<(Ipv4Addr, Option<&str>)> {
    let (ip, rest) = ipv4_prefix(text.as_bytes())?;
    match rest {
        [] => Some((ip, None)),
        [b':', port @ ..] if !port.contains(&b':') => Some((ip, text.get(text.len() - port.len()..))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn ipv4_is_what_the_standard_library_takes_for_it(text in "[0-9]{0,4}(\\.[0-9]{0,4}){2,4}|[0-9.:a]{0,16}") {
            let whole = ipv4_prefix(text.as_bytes()).filter(|(_, rest)| rest.is_empty()).map(|(ip, _)| ip);
            prop_assert_eq!(whole, text.parse::<Ipv4Addr>().ok());
        }

        #[test]
        fn every_ipv4_address_is_read_back(bits: u32) {
            let ip = Ipv4Addr::from(bits);
            let text = format!("{ip}:80");
            prop_assert_eq!(ipv4_prefix(text.as_bytes()), Some((ip, &b":80"[..])));
        }
    }
}
