//! The encoding of a map: instructions of a few bits to a few dozen, the lowest bit of each byte first.
//!
//! A number is written in classes of growing width. First come as many ones as there are smaller classes, then a zero unless
//! the class is the last, then the number's place within the class, highest bit first.

/// One step of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instruction {
    /// `0`, then an [`ASN`].
    Return(u32),
    /// `10`, then a [`DISTANCE`], in bits from the end of the instruction.
    Jump(u32),
    /// `110`, then a [`PATTERN`].
    Match(Pattern),
    /// `111`, then an [`ASN`].
    Default(u32),
}

/// What the next bits of an address must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) bits: u32,
    /// How many they are, 1 to 8.
    pub(super) len: u32,
}

/// How numbers of one kind are written. The classes are each a bit wider than the one before.
struct Coding {
    least: u32,
    /// The width of the first class, in bits.
    width: u32,
    classes: u32,
}

/// The number of an autonomous system; 0 is none, and is not written.
const ASN: Coding = Coding { least: 1, width: 15, classes: 10 };
/// The bits of a pattern with a one before them, which says where they begin.
const PATTERN: Coding = Coding { least: 2, width: 1, classes: 8 };
/// How far a jump goes: no instruction that could be jumped over is shorter than the least.
const DISTANCE: Coding = Coding { least: 17, width: 5, classes: 26 };

/// A place in a map's code.
#[derive(Clone, Debug)]
pub(super) struct Code<'a> {
    bytes: &'a [u8],
    /// The position of the next bit; it may be beyond the end.
    position: usize,
}

impl<'a> Code<'a> {
    /// The beginning of code that has fewer bits than a `usize` can count.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// The position of the next bit.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// How many bits are left.
    pub(super) fn left(&self) -> usize {
        (self.bytes.len() * 8).saturating_sub(self.position)
    }

    /// Skips this many bits.
    pub(super) fn skip(&mut self, bits: u32) {
        self.position = self.position.saturating_add(bits as usize);
    }

    /// Reads an instruction; `None` if the code ends before it does.
    pub(super) fn next(&mut self) -> Option<Instruction> {
        let ahead = self.ahead();
        Some(match ahead.trailing_ones() {
            0 => {
                self.take(1)?;
                Instruction::Return(self.number(&ASN)?)
            }
            1 => {
                self.take(2)?;
                Instruction::Jump(self.number(&DISTANCE)?)
            }
            2 => {
                self.take(3)?;
                let number = self.number(&PATTERN)?;
                let len = number.ilog2();
                Instruction::Match(Pattern { bits: number - (1 << len), len })
            }
            _ => {
                self.take(3)?;
                Instruction::Default(self.number(&ASN)?)
            }
        })
    }

    /// The bits that are left, if they are at most 57.
    pub(super) fn rest(&self) -> u64 {
        self.ahead()
    }

    /// The next 57 bits or more, the next one lowest; zeros beyond the end.
    fn ahead(&self) -> u64 {
        let left = self.bytes.get(self.position / 8..).unwrap_or_default();
        let word = left.first_chunk().copied().unwrap_or_else(|| {
            let mut word = [0; 8];
            word.iter_mut().zip(left).for_each(|(byte, left)| *byte = *left);
            word
        });
        u64::from_le_bytes(word) >> (self.position % 8)
    }

    /// Takes bits that were looked at; `None` if some of them are beyond the end.
    fn take(&mut self, bits: u32) -> Option<()> {
        if self.left() < bits as usize {
            return None;
        }
        self.skip(bits);
        Some(())
    }

    /// Reads a number. The longest are distances, of 55 bits.
    fn number(&mut self, coding: &Coding) -> Option<u32> {
        let ahead = self.ahead();
        let class = ahead.trailing_ones().min(coding.classes - 1);
        let prefix = if class < coding.classes - 1 { class + 1 } else { class };
        let width = coding.width + class;
        self.take(prefix + width)?;
        // The place's highest bit comes first, which is lowest here.
        let place = (ahead >> prefix).reverse_bits() >> (u64::BITS - width);
        let smaller = (1 << width) - (1 << coding.width);
        // Below 2^31 for a distance, and less for the others.
        u32::try_from(place).ok().map(|place| coding.least + smaller + place)
    }
}
