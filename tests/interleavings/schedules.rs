//! Trying out schedules.

use std::sync::Arc;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

use crate::common::test_seed;

/// How many schedules of each sort a scenario is tried with.
const SCHEDULES: usize = 400;
const MANY_SCHEDULES: usize = 10_000;

/// How often, at most, a schedule of the second sort interrupts a thread that could go on.
const INTERRUPTIONS: usize = 4;

/// Runs a scenario over and over: threads are interleaved at random, and then as PCT does it, which runs the threads
/// one after the other but for a few interruptions. So it finds what takes few, but at the worst of moments.
pub(crate) fn explore(scenario: impl Fn() + Send + Sync + 'static) {
    let scenario = Arc::new(scenario);
    let schedules =
        if std::env::var_os("PEER_MANAGER_TEST_LONG").is_some() { MANY_SCHEDULES } else { SCHEDULES };
    let seed = test_seed();
    run(RandomScheduler::new_from_seed(seed, schedules), Arc::clone(&scenario));
    run(PctScheduler::new_from_seed(seed, INTERRUPTIONS, schedules), scenario);
}

fn run(scheduler: impl Scheduler + 'static, scenario: Arc<impl Fn() + Send + Sync + 'static>) {
    let mut config = Config::new();
    // Of each thread.
    config.stack_size = 256 * 1024;
    Runner::new(scheduler, config).run(move || scenario());
}
