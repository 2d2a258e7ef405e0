//! The program: hands the command line over to the library.

use std::process::ExitCode;

/// An event makes a few hundred small allocations (JSON, headers, records), many of them freed by another thread; this
/// allocator halves what they cost against glibc's (`make bench`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    switchhook::cli::main()
}
