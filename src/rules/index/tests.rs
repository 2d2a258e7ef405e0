//! The parts of the index, each against a plain search.
