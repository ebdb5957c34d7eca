//! A reader of AS maps that takes them for what they are, trees: bit by bit, branch by branch, without regard to speed.

/// A map, or a part of it.
#[derive(Debug)]
pub(crate) enum Tree {
    Return(u32),
    Jump(Box<[Tree; 2]>),
    Match(Vec<bool>, Box<Tree>),
    Default(u32, Box<Tree>),
}

/// The tree of a file, if all of it is one.
pub(crate) fn read(bytes: &[u8]) -> Option<Tree> {
    let bits: Vec<bool> =
        bytes.iter().flat_map(|byte| (0..8).map(move |place| byte >> place & 1 == 1)).collect();
    let mut rest = &bits[..];
    let tree = part(&mut rest, 128)?;
    (rest.len() < 8 && !rest.contains(&true)).then_some(tree)
}

/// Takes a part off the front, which may look at so many bits of an address.
fn part(code: &mut &[bool], left: usize) -> Option<Tree> {
    if !bit(code)? {
        return Some(Tree::Return(number(code, 1, 15..=24)?));
    }
    if !bit(code)? {
        let len = number(code, 17, 5..=30)? as usize;
        let (mut zero, mut one) = (code.get(..len)?, code.get(len..)?);
        let branches = [part(&mut zero, left.checked_sub(1)?)?, part(&mut one, left - 1)?];
        *code = one;
        return zero.is_empty().then(|| Tree::Jump(Box::new(branches)));
    }
    if !bit(code)? {
        let number = number(code, 2, 1..=8)?;
        let len = (1..9).find(|len| number >> len == 1)?;
        let bits: Vec<bool> = (0..len).rev().map(|place| number >> place & 1 == 1).collect();
        let next = part(code, left.checked_sub(bits.len())?)?;
        let is_short = |len: usize| len < 8;
        if matches!(&next, Tree::Match(next, _) if is_short(bits.len()) && is_short(next.len())) {
            return None;
        }
        return Some(Tree::Match(bits, Box::new(next)));
    }
    let asn = number(code, 1, 15..=24)?;
    match part(code, left)? {
        Tree::Return(_) | Tree::Default(..) => None,
        next => Some(Tree::Default(asn, Box::new(next))),
    }
}

fn bit(code: &mut &[bool]) -> Option<bool> {
    let (first, rest) = code.split_first()?;
    *code = rest;
    Some(*first)
}

/// Takes a number off the front. Its classes have these widths, in bits.
fn number(code: &mut &[bool], least: u32, widths: std::ops::RangeInclusive<u32>) -> Option<u32> {
    let (mut begin, widest) = (least, *widths.end());
    for width in widths {
        if width < widest && bit(code)? {
            begin += 1 << width;
            continue;
        }
        let mut place = 0;
        for _ in 0..width {
            place = place << 1 | u32::from(bit(code)?);
        }
        return Some(begin + place);
    }
    None
}

impl Tree {
    /// The AS of an address.
    pub(crate) fn asn_of(&self, ip: u128) -> Option<u32> {
        self.asn_from(ip, 0, None)
    }

    fn asn_from(&self, ip: u128, depth: usize, default: Option<u32>) -> Option<u32> {
        let bit = |depth: usize| ip >> (127 - depth) & 1 == 1;
        match self {
            Tree::Return(asn) => Some(*asn),
            Tree::Jump(branches) => branches[usize::from(bit(depth))].asn_from(ip, depth + 1, default),
            Tree::Match(bits, next) => {
                let is_it = (depth..).zip(bits).all(|(depth, expected)| bit(depth) == *expected);
                if is_it { next.asn_from(ip, depth + bits.len(), default) } else { default }
            }
            Tree::Default(asn, next) => next.asn_from(ip, depth, Some(*asn)),
        }
    }
}
