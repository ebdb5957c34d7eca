//! Changes of bans that the file does not have yet.

use super::BanSubject;
use crate::sort::sort;

/// The last state of a ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BanChange {
    pub(crate) subject: BanSubject,
    /// When it ends; `None` if its row is deleted.
    pub(crate) until: Option<i64>,
    /// Whether the file has no row of it: if it is removed before it is ever written, there is nothing to delete.
    pub(crate) is_new: bool,
}

/// Merges changes that could not be written with later ones, each of a different subject. `all` has room for both, and `order`
/// for one number for each of the earlier ones.
pub(crate) fn merge(
    earlier: Vec<BanChange>,
    later: Vec<BanChange>,
    mut order: Vec<u32>,
    mut all: Vec<BanChange>,
) -> Vec<BanChange> {
    all.extend(earlier);
    order.extend((0..).take(all.len()));
    sort(&mut order, &mut |a, b| all[a as usize].subject.cmp(&all[b as usize].subject));
    for mut change in later {
        match order.binary_search_by(|&at| all[at as usize].subject.cmp(&change.subject)) {
            Ok(at) => {
                let earlier = &mut all[order[at] as usize];
                change.is_new = earlier.is_new;
                *earlier = change;
            }
            Err(_) => all.push(change),
        }
    }
    // A row that the file never had need not be deleted from it.
    all.retain(|change| change.until.is_some() || !change.is_new);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(n: u8, until: Option<i64>, is_new: bool) -> BanChange {
        BanChange { subject: format!("203.0.113.{n}").parse().expect("a subject"), until, is_new }
    }

    fn merged(earlier: &[BanChange], later: &[BanChange]) -> Vec<BanChange> {
        merge(earlier.to_vec(), later.to_vec(), Vec::new(), Vec::new())
    }

    #[test]
    fn the_last_state_of_a_ban_wins() {
        let earlier = [change(1, Some(5), true), change(2, Some(5), false), change(3, None, false)];
        // The table counts the dirty set that it has handed out as written.
        let later = [
            change(1, Some(7), false),
            change(2, None, false),
            change(3, Some(9), true),
            change(4, Some(1), true),
        ];
        let expected = [
            change(1, Some(7), true),
            change(2, None, false),
            change(3, Some(9), false),
            change(4, Some(1), true),
        ];
        assert_eq!(merged(&earlier, &later), expected);
        assert_eq!(merged(&[], &later), later);
        assert_eq!(merged(&earlier, &[]), earlier);
    }

    #[test]
    fn a_ban_that_the_file_never_had_leaves_nothing_to_delete() {
        assert_eq!(merged(&[change(1, Some(5), true)], &[change(1, None, false)]), []);
    }
}
