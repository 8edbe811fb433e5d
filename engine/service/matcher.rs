//! Which matcher back end searches.

use std::env;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tamiz_core::{Backend, GramMatcher};

/// A back end by name. All give the same findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum MatcherChoice {
    /// The one that needs nothing and starts at once, which is `rust`. What Hyperscan gains is measured in `docs/bench.md`.
    #[default]
    Auto,
    /// The gram filter of Tamiz; needs nothing.
    Rust,
    /// Hyperscan, in programs built with the feature `hyperscan`.
    Hyperscan,
}

/// The back end of that name. `background`: a database that takes long to compile is not waited for.
///
/// # Errors
/// When the program was built without it. A library that is missing or not trusted is told when the engine is built.
pub fn backend(
    choice: MatcherChoice,
    cache_dir: Option<&Path>,
    background: bool,
) -> Result<Box<dyn Backend>, anyhow::Error> {
    match choice {
        MatcherChoice::Auto | MatcherChoice::Rust => Ok(Box::new(GramMatcher)),
        MatcherChoice::Hyperscan => hyperscan(cache_dir.map(Path::to_owned).or_else(user_cache), background),
    }
}

/// `$XDG_CACHE_HOME/tamiz` or `~/.cache/tamiz`.
fn user_cache() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    Some(folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?.join("tamiz"))
}

#[cfg(feature = "hyperscan")]
fn hyperscan(cache: Option<PathBuf>, background: bool) -> Result<Box<dyn Backend>, anyhow::Error> {
    use tamiz_hyperscan::{Cache, HyperscanMatcher};
    let mut backend = HyperscanMatcher::default();
    if let Some(folder) = cache {
        backend = backend.with_cache(Cache::new(folder));
    }
    Ok(Box::new(if background { backend.in_background() } else { backend }))
}

#[cfg(not(feature = "hyperscan"))]
fn hyperscan(_: Option<PathBuf>, _: bool) -> Result<Box<dyn Backend>, anyhow::Error> {
    anyhow::bail!(
        "the matcher `hyperscan` is not in this program: install libhs (Debian and Ubuntu: libhyperscan-dev) and build with \
         `--features hyperscan`, or use the matcher `rust`"
    )
}
