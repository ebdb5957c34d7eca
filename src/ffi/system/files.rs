//! Files, as far as `std::fs` does not reach.
