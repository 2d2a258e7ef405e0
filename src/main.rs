//! The program: hands the command line over to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    switchhook::cli::main()
}
