//! The `tamiz` command.

use std::process::ExitCode;

/// Building rules and matcher is many small allocations from all cores; docs/bench.md has what start-up takes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tamiz::cli::main()
}
