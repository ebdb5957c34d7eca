//! The models that the library must be indistinguishable from, and the steps of histories in which they are compared. The
//! tests and the fuzz targets share all of it; only whom the calls are made on differs.

pub(crate) mod answer;
#[path = "../asmap/mod.rs"]
pub(crate) mod asmap;
pub(crate) mod beside;
pub(crate) mod bounded;
mod dialling;
pub(crate) mod netgroup;
pub(crate) mod reference;
pub(crate) mod rows;
pub(crate) mod steps;
mod subject;
mod subject_beside;
mod take;
mod take_beside;

pub(crate) use netgroup::netgroup;
