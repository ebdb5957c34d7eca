//! Addresses as text in whatever format serde writes: `host:port`, as [`PeerAddress::parse`] reads it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use super::PeerAddress;

impl Serialize for PeerAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Any spelling is taken; the port is required.
impl<'de> Deserialize<'de> for PeerAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = PeerAddress;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a peer address such as \"192.0.2.1:11625\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<PeerAddress, E> {
        text.parse().map_err(E::custom)
    }
}
