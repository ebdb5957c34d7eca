//! SipHash-1-3 of messages whose length the compiler knows.
//!
//! The standard library has the same function for data that arrives in pieces, which takes twice the time. The algorithm is
//! that of <https://www.aumasson.jp/siphash/siphash.pdf>.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

/// The state after the secret keys, before the message.
#[derive(Clone, Copy)]
pub(super) struct SipHash {
    v: [u64; 4],
}

impl SipHash {
    /// With secret keys that are random.
    pub(super) fn random() -> Self {
        // The standard library's, which does not give them away as they are.
        let random = RandomState::new();
        Self::with_keys(random.hash_one(0), random.hash_one(1))
    }

    fn with_keys(k0: u64, k1: u64) -> Self {
        // "somepseudorandomlygeneratedbytes"
        Self {
            v: [
                k0 ^ 0x736f_6d65_7073_6575,
                k1 ^ 0x646f_7261_6e64_6f6d,
                k0 ^ 0x6c79_6765_6e65_7261,
                k1 ^ 0x7465_6462_7974_6573,
            ],
        }
    }

    /// The hash of a message in words of little endian; the last one has the length in bytes as its highest byte.
    pub(super) fn hash<const WORDS: usize>(self, message: [u64; WORDS]) -> u64 {
        let mut v = self.v;
        for word in message {
            v[3] ^= word;
            round(&mut v);
            v[0] ^= word;
        }
        v[2] ^= 0xff;
        for _ in 0..3 {
            round(&mut v);
        }
        v[0] ^ v[1] ^ v[2] ^ v[3]
    }
}

impl fmt::Debug for SipHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the secret.
        f.debug_struct("SipHash").finish_non_exhaustive()
    }
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32).wrapping_add(v[3]);
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{DefaultHasher, Hasher as _};

    use rand::rngs::ChaCha12Rng;
    use rand::{RngExt as _, SeedableRng as _};

    /// The words of a message, as [`SipHash::hash`] takes them.
    fn words<const WORDS: usize>(message: &[u8]) -> [u64; WORDS] {
        let mut bytes = vec![0; 8 * WORDS];
        bytes[..message.len()].copy_from_slice(message);
        bytes[8 * WORDS - 1] = u8::try_from(message.len()).expect("a short message");
        std::array::from_fn(|word| {
            u64::from_le_bytes(bytes[8 * word..][..8].try_into().expect("eight bytes"))
        })
    }

    #[test]
    fn hashes_are_the_known_ones_of_the_key_whose_bytes_are_0_to_15() {
        let message: Vec<u8> = (0..19).collect();
        let hasher = SipHash::with_keys(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        assert_eq!(hasher.hash(words::<1>(&[])), 0xabac_0158_050f_c4dc);
        assert_eq!(hasher.hash(words::<1>(&message[..7])), 0xd392_7d98_9bb1_1140);
        assert_eq!(hasher.hash(words::<3>(&message)), 0xf21f_9de5_8d29_7d1c);
    }

    #[test]
    fn hashes_are_the_standard_library_s_where_its_keys_are_zero() {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        let hasher = SipHash::with_keys(0, 0);
        for _ in 0..1_000 {
            let message: [u8; 23] = rng.random();
            let length = rng.random_range(16..=23);
            let mut expected = DefaultHasher::new();
            expected.write(&message[..length]);
            assert_eq!(hasher.hash(words::<3>(&message[..length])), expected.finish());
        }
    }
}
