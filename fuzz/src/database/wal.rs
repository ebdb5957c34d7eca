//! The checksums of a write-ahead log (<https://www.sqlite.org/fileformat2.html#walformat>). Without them a mutation
//! would only ever shorten the log.

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Makes the header and every frame valid. Returns without doing anything where there is no header.
pub(super) fn seal(wal: &mut [u8], page_size: usize) {
    let Some((header, frames)) = wal.split_at_mut_checked(HEADER) else { return };
    header[..4].copy_from_slice(&0x377f_0682_u32.to_be_bytes());
    header[4..8].copy_from_slice(&3_007_000_u32.to_be_bytes());
    header[8..12].copy_from_slice(&u32::try_from(page_size).unwrap_or(4096).to_be_bytes());
    let mut sums = add([0, 0], &header[..24]);
    put(&mut header[24..], sums);
    for frame in frames.chunks_exact_mut(FRAME_HEADER + page_size) {
        frame[8..16].copy_from_slice(&header[16..24]);
        sums = add(sums, &frame[..8]);
        sums = add(sums, &frame[FRAME_HEADER..]);
        put(&mut frame[16..], sums);
    }
}

/// This magic number stands for sums of little-endian words.
fn add([mut first, mut second]: [u32; 2], bytes: &[u8]) -> [u32; 2] {
    let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    for pair in bytes.chunks_exact(8) {
        first = first.wrapping_add(word(pair)).wrapping_add(second);
        second = second.wrapping_add(word(&pair[4..])).wrapping_add(first);
    }
    [first, second]
}

fn put(place: &mut [u8], [first, second]: [u32; 2]) {
    place[..4].copy_from_slice(&first.to_be_bytes());
    place[4..8].copy_from_slice(&second.to_be_bytes());
}
