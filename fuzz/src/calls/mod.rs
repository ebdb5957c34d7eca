//! Histories of C calls against the reference model, in memory and on a file that is closed and opened again.
//!
//! A manager of the Rust API is a third party: it gets the same calls in memory. It has the same seed, so it must
//! give the very same answers, and it lets its invariants be checked after each step.

mod mistakes;
mod pair;
mod query;
#[path = "../../../tests/common/reference.rs"]
mod reference;
mod steps;
mod values;

use arbitrary::Unstructured;

use pair::Pair;
use steps::{Setup, Step};

/// Enough to meet every peer many times; longer histories find nothing that these do not, only later.
const MAX_STEPS: usize = 150;

/// Takes the input for a history: how the manager is opened, and then steps to the end.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setup) = Setup::decode(&mut input) else { return };
    let mut pair = Pair::open(setup);
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        let Ok(step) = Step::decode(&mut input) else { break };
        pair.take(&step);
        pair.compare();
    }
    pair.close();
}
