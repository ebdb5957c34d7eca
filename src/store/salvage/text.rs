//! The encodings that a database may use for its texts.

/// How all texts of a file are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    /// The most common one first.
    pub(super) const ALL: [Self; 3] = [Self::Utf8, Self::Utf16Le, Self::Utf16Be];

    /// The encoding in which these bytes are one of the words that a row of the schema begins with.
    pub(super) fn of_kind(bytes: &[u8]) -> Option<Self> {
        let is_kind = |text: String| matches!(text.as_str(), "table" | "index" | "view" | "trigger");
        // The longest of them.
        if bytes.len() > 2 * "trigger".len() {
            return None;
        }
        Self::ALL.into_iter().find(|encoding| encoding.decode(bytes).is_some_and(is_kind))
    }

    /// The text, if it is one. Cost: linear in its length.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<String> {
        let unit: fn([u8; 2]) -> u16 = match self {
            Self::Utf8 => return std::str::from_utf8(bytes).ok().map(str::to_owned),
            Self::Utf16Le => u16::from_le_bytes,
            Self::Utf16Be => u16::from_be_bytes,
        };
        let pairs = bytes.chunks_exact(2);
        let units = pairs.clone().map(|pair| unit([pair[0], pair[1]]));
        pairs.remainder().is_empty().then(|| char::decode_utf16(units).collect::<Result<_, _>>().ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::Encoding;

    #[test]
    fn the_first_word_of_the_schema_names_the_encoding() {
        let units = |bytes: fn(u16) -> [u8; 2]| "table".encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        assert_eq!(Encoding::of_kind(b"table"), Some(Encoding::Utf8));
        assert_eq!(Encoding::of_kind(&units(u16::to_le_bytes)), Some(Encoding::Utf16Le));
        assert_eq!(Encoding::of_kind(&units(u16::to_be_bytes)), Some(Encoding::Utf16Be));
        assert_eq!(Encoding::of_kind(b"chair"), None);
    }
}
