//! Signals and forks.
