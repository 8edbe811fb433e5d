//! The `tamiz` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    tamiz::cli::main()
}
