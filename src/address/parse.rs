//! Parsing addresses: text to canonical values, or one reason why not.
//!
//! IP addresses, by far the most frequent kinds, are parsed by scanners of our own, because the standard library's parsers cost
//! several times as much, and every address that crosses the C boundary comes as text. IPv6 text with an IPv4 address in it is
//! left to the standard library.

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
pub(crate) fn parse_host(text: &str) -> Result<Host, &'static str> {
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
    if let Some((ip, [])) = ipv6_prefix(text.as_bytes()) {
        return Ok(Host::from(ip));
    }
    if text.contains('%') {
        return Err("scope ids are not accepted");
    }
    match text.parse::<Ipv6Addr>() {
        Ok(ip) => Ok(Host::from(ip)),
        // One colon is too few for an IPv6 address, so it stands before a port.
        Err(_) if text.starts_with('[') || text.matches(':').count() == 1 => {
            Err("here a host has neither brackets nor a port")
        }
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
    if is_hexadecimal_number(last) {
        return Err(
            "it ends in a hexadecimal number, so a resolver may take it for an IPv4 address; write one in decimal",
        );
    }
    Ok(Host::Name(name.to_ascii_lowercase().into()))
}

/// Whether a resolver takes a label for a number in hexadecimal notation; some of them also take one without digits. (One in
/// octal notation has decimal digits only.)
fn is_hexadecimal_number(label: &str) -> bool {
    let digits = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// An IPv4 address at the beginning of a text, and what follows it. No leading zeros, so no octal numbers.
///
/// Where the octets end is found in all bytes at once, and then they are computed side by side: how many digits each has is as
/// good as random, so a branch on each byte would be mispredicted.
fn ipv4_prefix(text: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    // The least number of so many digits without leading zeros. That of four is no octet.
    const LEAST: [u16; 8] = [0, 0, 10, 100, 1000, 1000, 1000, 1000];
    // With one byte more than the longest address has. The bytes that are added are not digits.
    let mut padded = [0; 16];
    let start: &[u8; 16] = text.first_chunk().unwrap_or_else(|| {
        padded[..text.len()].copy_from_slice(text);
        &padded
    });
    let [first, second, third, end] = ends_of_digits(start)?;
    let lens =
        [first, second.wrapping_sub(first + 1), third.wrapping_sub(second + 1), end.wrapping_sub(third + 1)];
    let are_short = lens.iter().fold(0, |all, len| all | len.wrapping_sub(1)) < 4;
    let is_dot = |at: usize| start.get(at) == Some(&b'.');
    if !(are_short && is_dot(first) && is_dot(second) && is_dot(third)) {
        return None;
    }
    // The digits in four bytes that begin, or end, with an octet: its ones come last.
    let word = |at: usize| start[at..].first_chunk().map(|&word| u32::from_le_bytes(word) & 0x0f0f_0f0f);
    let after = |begin: usize, len: usize| Some(word(begin)? << (32 - 8 * len));
    let before = |end: usize, len: usize| Some(word(end - 4)? >> (32 - 8 * len) << (32 - 8 * len));
    let high = numbers(after(0, lens[0])?, after(first + 1, lens[1])?);
    let low = numbers(before(third, lens[2])?, before(end, lens[3])?);
    let mut are_octets = (high | low) & !0x0000_00ff_0000_00ff == 0;
    let octets = [high, high >> 32, low, low >> 32].map(|number| number.to_le_bytes()[0]);
    for (&octet, len) in octets.iter().zip(&lens) {
        are_octets &= u16::from(octet) >= LEAST[len & 7];
    }
    are_octets.then(|| (Ipv4Addr::from(octets), &text[end..]))
}

/// Where the first four bytes are that are no digits.
fn ends_of_digits(text: &[u8; 16]) -> Option<[usize; 4]> {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    // A bit for each byte that is not from 0 to 9. No byte carries into the next, and no product into another's bits.
    let others = |bytes: &[u8; 8]| {
        let digits = u64::from_le_bytes(*bytes) ^ (EACH * u64::from(b'0'));
        let others = (((digits & (EACH * 0x7f)) + EACH * (0x80 - 10)) | digits) & (EACH * 0x80);
        (others >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    };
    let mut others = others(text.first_chunk()?) | others(text.last_chunk()?) << 8;
    Some(std::array::from_fn(|_| {
        let end = others.trailing_zeros();
        others &= others.wrapping_sub(1);
        end as usize
    }))
}

/// The numbers whose digits are in the bytes of these words, the last digit in the highest byte; each in its half.
fn numbers(first: u32, second: u32) -> u64 {
    let digits = u64::from(first) | u64::from(second) << 32;
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff
}

/// An IPv6 address at the beginning of a text, and what follows it. `None` for text that is not one, and for some that has an
/// IPv4 address in it.
fn ipv6_prefix(text: &[u8]) -> Option<(Ipv6Addr, &[u8])> {
    const COUNT: usize = 8;
    // With more bytes than the longest address has, 39, and the scanner looks at. What is added is no digit.
    let start: [u8; 64] = text.first_chunk().copied().unwrap_or_else(|| {
        let mut start = [0; 64];
        start[..text.len()].copy_from_slice(text);
        start
    });
    // The compiler is told what holds anyway: no position is larger.
    let byte_at = |position: usize| start[position & 63];
    let (mut groups, mut count, mut position) = ([0; COUNT], 0, 0);
    // Where `::` is, which stands for all groups that are missing.
    let mut gap = None;
    if (byte_at(0), byte_at(1)) == (b':', b':') {
        (gap, position) = (Some(0), 2);
    }
    loop {
        // Most groups have four digits, which are looked at together.
        let [a, b, c, d] = std::array::from_fn(|index| u16::from(hex_value(byte_at(position + index))));
        let value = if a | b | c | d <= 0xf {
            position += 4;
            a << 12 | b << 8 | c << 4 | d
        } else if a > 0xf {
            // Only `::` may be the end.
            gap.filter(|&gap| gap == count)?;
            break;
        } else {
            let digits = [a, b, c].into_iter().take_while(|&digit| digit <= 0xf);
            digits.inspect(|_| position += 1).fold(0, |value, digit| value << 4 | digit)
        };
        groups[count] = value;
        count += 1;
        if count == COUNT || byte_at(position) != b':' {
            break;
        }
        position += 1;
        if byte_at(position) == b':' && gap.is_none() {
            gap = Some(count);
            position += 1;
        }
    }
    match gap {
        Some(gap) if count < COUNT => {
            groups.copy_within(gap..count, COUNT - (count - gap));
            groups[gap..COUNT - (count - gap)].fill(0);
        }
        None if count == COUNT => {}
        _ => return None,
    }
    Some((Ipv6Addr::from(groups), &text[position..]))
}

/// The value of a hexadecimal digit; for other bytes, a value with all bits set.
fn hex_value(byte: u8) -> u8 {
    static VALUES: [u8; 256] = values();
    const fn values() -> [u8; 256] {
        let mut values = [u8::MAX; 256];
        let mut value = 0;
        while value < 16 {
            values[b"0123456789abcdef"[value as usize] as usize] = value;
            values[b"0123456789ABCDEF"[value as usize] as usize] = value;
            value += 1;
        }
        values
    }
    VALUES[usize::from(byte)]
}

/// An IP address at the beginning of a text, and what follows it. `None` for text that is not one, and for some IPv6 text that
/// is not canonical.
#[cfg(all(feature = "ffi", not(test)))]
pub(super) fn ip_prefix(text: &[u8]) -> Option<(Host, &[u8])> {
    match ipv4_prefix(text) {
        Some((ip, rest)) => Some((Host::V4(ip), rest)),
        None => ipv6_prefix(text).map(|(ip, rest)| (Host::from(ip), rest)),
    }
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
        fn ipv6_is_what_the_standard_library_takes_for_it(text in "(:{0,2}[0-9a-fA-F]{0,5}){0,9}:{0,3}|[0-9a-f:.g]{0,40}") {
            let whole = ipv6_prefix(text.as_bytes()).filter(|(_, rest)| rest.is_empty()).map(|(ip, _)| ip);
            // One with an IPv4 address in it is left to the standard library.
            let expected = text.parse::<Ipv6Addr>().ok().filter(|_| !text.contains('.'));
            prop_assert_eq!(whole, expected);
        }

        #[test]
        fn every_ipv6_address_is_read_back(groups in prop::array::uniform8(prop_oneof![Just(0), any::<u16>()])) {
            let ip = Ipv6Addr::from(groups);
            let text = format!("{}]:80", HostText::of(&Host::V6(ip)).as_str());
            prop_assert_eq!(ipv6_prefix(text.as_bytes()), Some((ip, &b"]:80"[..])));
        }

        #[test]
        fn every_ipv4_address_is_read_back(bits: u32) {
            let ip = Ipv4Addr::from(bits);
            let text = format!("{ip}:80");
            prop_assert_eq!(ipv4_prefix(text.as_bytes()), Some((ip, &b":80"[..])));
        }
    }
}
