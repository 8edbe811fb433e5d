//! The `tamiz` command.

use std::process::ExitCode;

/// Takes 20 ms off the start-up of a command: see docs/bench.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tamiz::cli::main()
}
