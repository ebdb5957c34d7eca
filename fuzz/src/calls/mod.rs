//! Histories of C calls against the reference model, in memory and on a file that is closed and opened again.
//!
//! A manager of the Rust API is a third party: it gets the same calls in memory. It has the same seed, so it must
//! give the very same answers, and it lets its invariants be checked after each step.
//!
//! A manager with bounds, or one that shares a choice, is not the specification's: it is compared with the model of the
//! bounds, and what it answers with what it may ([`bounds`]).

#[path = "../../../tests/common/bounded.rs"]
mod bounded;
mod bounds;
mod mistakes;
#[path = "../../../tests/common/netgroup.rs"]
mod netgroups;
mod pair;
mod query;
#[path = "../../../tests/common/reference.rs"]
mod reference;
mod steps;
mod values;

use arbitrary::Unstructured;

use bounds::Limited;
use netgroups::netgroup;
use pair::Pair;
use steps::{Setup, Step};

/// Enough to meet every peer many times; longer histories find nothing that these do not, only later.
const MAX_STEPS: usize = 150;

/// Takes the input for a history: how the manager is opened, and then steps to the end.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setup) = Setup::decode(&mut input) else { return };
    let steps = std::iter::from_fn(|| if input.is_empty() { None } else { Step::decode(&mut input).ok() });
    if setup.limits.are_off() {
        let mut pair = Pair::open(setup);
        for step in steps.take(MAX_STEPS) {
            pair.take(&step);
            pair.compare();
        }
        pair.close();
    } else {
        let mut limited = Limited::open(setup);
        for step in steps.take(MAX_STEPS) {
            limited.take(&step);
            limited.compare();
        }
        limited.close();
    }
}
