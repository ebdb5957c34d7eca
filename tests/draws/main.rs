//! Whom to dial and whom to tell others about: who is eligible, and how likely each is to be drawn.

#[path = "../common/mod.rs"]
mod common;

mod asmap;
mod charts;
mod choosing;
mod dialling;
mod eclipse;
mod hostile;
mod in_parts;
mod many_netgroups;
mod netgroup_chance;
mod netgroups;
mod scraping;
mod seniority;
mod sharing;
mod uniformity;
