//! Whether bytes are a map: a single pass over the code in its order, which is also the order of the tree's nodes, each before
//! its branches and the branch for 0 first.
//!
//! Code that passes ends in a RETURN for every address, wherever its bits lead, and has no bit that is not part of some path.

use std::fmt;

use super::code::{Code, Instruction};

/// How many bits an address has.
const ADDRESS_BITS: u32 = 128;

/// The fault of a map, and the bit at which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Empty,
    /// It ends within the instruction that begins here, or where an instruction should begin.
    Truncated(usize),
    /// There is no code where this JUMP leads.
    JumpsBeyondEnd(usize),
    /// The branches of a JUMP reach into the other branch of one before it.
    Crosses(usize),
    /// The branch for 0 of a JUMP goes on where its branch for 1 begins.
    RunsOn(usize),
    /// The branch for 0 of a JUMP ends, but that for 1 does not begin there.
    Unreachable(usize),
    /// An instruction reads more bits than an address has.
    ReadsTooMuch(usize),
    /// DEFAULT is followed by DEFAULT, so the first has no effect.
    DefaultTwice(usize),
    /// DEFAULT is followed by RETURN, so it has no effect.
    DefaultBeforeReturn(usize),
    /// Two MATCH instructions of fewer than eight bits follow each other, of which the first could be longer.
    ShortMatches(usize),
    /// There are more bits after the end than it takes to fill a byte.
    TooLong(usize),
    /// The bits that fill the last byte are not all zero.
    Padding(usize),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, bit) = match *self {
            Self::Empty => return f.write_str("it is empty"),
            Self::Truncated(bit) => ("it is cut off in the instruction", bit),
            Self::JumpsBeyondEnd(bit) => ("it is cut off, or not a map: a JUMP leads beyond its end", bit),
            Self::Crosses(bit) => ("it is not a map: a JUMP leads out of its branch", bit),
            Self::RunsOn(bit) => ("it is not a map: a branch runs on into the next one", bit),
            Self::Unreachable(bit) => ("it is not a map: nothing leads to the code", bit),
            Self::ReadsTooMuch(bit) => ("it is not a map: more bits are read than an address has", bit),
            Self::DefaultTwice(bit) => ("it is not a map: two DEFAULT follow each other", bit),
            Self::DefaultBeforeReturn(bit) => ("it is not a map: RETURN follows DEFAULT", bit),
            Self::ShortMatches(bit) => ("it is not a map: two short MATCH follow each other", bit),
            Self::TooLong(bit) => ("it is not a map: it goes on after its end", bit),
            Self::Padding(bit) => ("it is not a map: the bits after its end are not zero", bit),
        };
        write!(f, "{what} at bit {bit}")
    }
}

/// A branch for 1 that has not been reached yet.
struct Branch {
    begin: usize,
    /// How many bits of the address are left there.
    left: u32,
}

/// Checks the code of a map. Cost: linear, and memory for a branch for each bit of an address.
pub(super) fn check(bytes: &[u8]) -> Result<(), Flaw> {
    if bytes.is_empty() {
        return Err(Flaw::Empty);
    }
    let mut code = Code::new(bytes);
    let mut left = ADDRESS_BITS;
    let mut branches: Vec<Branch> = Vec::new();
    // Before the first instruction of a branch there is none that counts.
    let mut previous = None;
    loop {
        let at = code.position();
        if branches.last().is_some_and(|branch| branch.begin <= at) {
            return Err(Flaw::RunsOn(at));
        }
        let instruction = code.next().ok_or(Flaw::Truncated(at))?;
        match instruction {
            Instruction::Return(_) => {
                if matches!(previous, Some(Instruction::Default(_))) {
                    return Err(Flaw::DefaultBeforeReturn(at));
                }
                let Some(branch) = branches.pop() else { return check_padding(&code) };
                if branch.begin < code.position() {
                    return Err(Flaw::RunsOn(at));
                }
                if branch.begin > code.position() {
                    return Err(Flaw::Unreachable(code.position()));
                }
                left = branch.left;
                previous = None;
                continue;
            }
            Instruction::Jump(distance) => {
                left = left.checked_sub(1).ok_or(Flaw::ReadsTooMuch(at))?;
                if distance as usize >= code.left() {
                    return Err(Flaw::JumpsBeyondEnd(at));
                }
                let begin = code.position() + distance as usize;
                if branches.last().is_some_and(|outer| outer.begin <= begin) {
                    return Err(Flaw::Crosses(at));
                }
                branches.push(Branch { begin, left });
            }
            Instruction::Match(pattern) => {
                let is_short = |instruction| matches!(instruction, Some(Instruction::Match(p)) if p.len < 8);
                if is_short(previous) && is_short(Some(instruction)) {
                    return Err(Flaw::ShortMatches(at));
                }
                left = left.checked_sub(pattern.len).ok_or(Flaw::ReadsTooMuch(at))?;
            }
            Instruction::Default(_) => {
                if matches!(previous, Some(Instruction::Default(_))) {
                    return Err(Flaw::DefaultTwice(at));
                }
            }
        }
        previous = Some(instruction);
    }
}

/// Checks what comes after the last instruction: zeros up to the end of its byte.
fn check_padding(code: &Code<'_>) -> Result<(), Flaw> {
    if code.left() >= 8 {
        return Err(Flaw::TooLong(code.position()));
    }
    if code.rest() != 0 {
        return Err(Flaw::Padding(code.position()));
    }
    Ok(())
}
