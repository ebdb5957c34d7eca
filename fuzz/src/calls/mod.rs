//! Histories of C calls against the reference model, in memory and on a file that is closed and opened again.
//!
//! A manager of the Rust API is a third party: it gets the same calls in memory. It has the same seed, so it must
//! give the very same answers, and it lets its invariants be checked after each step.
//!
//! A manager with bounds, or one that shares a choice, is not the specification's: it is compared with the model of the
//! bounds, and what it answers with what it may ([`bounds`]).

mod beside;
mod both;
mod bounds;
mod mistakes;
#[path = "../../../tests/common/model/mod.rs"]
pub(crate) mod model;
mod node;
mod options;
mod pair;
mod query;
mod steps;

use arbitrary::Unstructured;

use bounds::Limited;
use pair::Pair;
use steps::{Event, Setup};

/// Enough to meet every peer many times; longer histories find nothing that these do not, only later.
const MAX_STEPS: usize = 150;

/// Takes the input for a history: how the manager is opened, and then steps to the end.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setup) = Setup::decode(&mut input) else { return };
    let events = std::iter::from_fn(|| {
        if input.is_empty() { None } else { Event::decode(&mut input, setup.keeps_histories).ok() }
    });
    if setup.limits.are_off() {
        let mut pair = Pair::open(setup);
        for event in events.take(MAX_STEPS) {
            pair.take(&event);
            pair.compare();
        }
        pair.close();
    } else {
        let mut limited = Limited::open(setup);
        for event in events.take(MAX_STEPS) {
            limited.take(&event);
            limited.compare();
        }
        limited.close();
    }
}
