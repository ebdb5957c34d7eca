//! Writes the seeds of the target `asmap` to the directory that is given: an address and a map, most of them sound, and one with
//! each flaw that a map can have.

#[path = "../../tests/common/asmap/mod.rs"]
mod asmap;

use std::fs;
use std::path::PathBuf;

use asmap::{Prefix, bytes_of, defaults, encode, few, jumps, mapped, matches, returns, v6};

fn main() {
    let directory = PathBuf::from(std::env::args().nth(1).expect("a directory is given"));
    let table = |prefixes: &[(&str, u32)]| -> Vec<u8> {
        encode(&prefixes.iter().map(|(prefix, asn)| Prefix::new(prefix, *asn)).collect::<Vec<_>>())
    };
    let code = |parts: &[Vec<bool>]| bytes_of(&parts.concat());
    let (one, short, byte) = (returns(1), matches(&[true]), matches(&[true; 8]));
    let deepest =
        (1..=128).rev().fold(returns(129), |code, depth| [jumps(17), returns(depth), code].concat());
    let seeds = [
        ("few", mapped([52, 0, 4, 1]), encode(&few())),
        ("everything", [0; 16], table(&[("::/0", 1)])),
        ("one-host", mapped([8, 8, 8, 8]), table(&[("8.8.8.8/32", 15_169)])),
        ("two-halves", v6("8000::"), table(&[("::/1", 1), ("8000::/1", 16_000_000)])),
        ("nested", mapped([9, 1, 1, 1]), table(&[("9.0.0.0/8", 1), ("9.1.0.0/16", 2), ("9.1.1.0/24", 3)])),
        (
            "default",
            v6("2a01::1"),
            table(&[("::/0", 7), ("2a01::/16", 8), ("2a01:1::/32", 9), ("fe00::/8", 7)]),
        ),
        ("deepest", [0xff; 16], bytes_of(&deepest)),
        ("empty", [0; 16], Vec::new()),
        ("cut-off", mapped([52, 0, 4, 1]), encode(&few())[..60].to_vec()),
        ("jumps-beyond-end", [0; 16], code(&[jumps(24), one.clone()])),
        ("crosses", [0; 16], code(&[jumps(18), jumps(17), one.clone(), one.clone(), one.clone()])),
        ("runs-on", [0; 16], code(&[jumps(17), returns(1 << 15 | 1), one.clone()])),
        ("unreachable", [0; 16], code(&[jumps(19), one.clone(), returns(1 << 15 | 1), one.clone()])),
        ("reads-too-much", [0xff; 16], code(&[vec![byte; 16].concat(), short.clone(), one.clone()])),
        ("default-twice", [0; 16], code(&[defaults(1), defaults(2), short.clone(), one.clone()])),
        ("default-before-return", [0; 16], code(&[defaults(1), one.clone()])),
        ("short-matches", [0xff; 16], code(&[short.clone(), short, one.clone()])),
        ("too-long", [0; 16], code(&[one.clone(), one])),
        ("padding", [0; 16], code(&[returns(1), vec![false, true]])),
    ];
    for (name, ip, map) in seeds {
        fs::write(directory.join(name), [&ip[..], &map].concat()).expect("the seed can be written");
    }
}
