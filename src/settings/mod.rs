//! Settings: files and environment, into validated types.
