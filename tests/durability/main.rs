//! What is acknowledged is kept: when writes fail or wait, when memory or the disk fails, and when the process or the power does.

#[path = "../common/mod.rs"]
mod common;

mod deferred;
mod failed_writes;
mod faults;
mod faults_beside;
mod faults_borrowed;
mod faults_bounds;
mod history;
mod idle;
mod kill;
mod panics;
mod power_loss;
mod soak;
