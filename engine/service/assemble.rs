//! From a configuration to an engine: the one place that knows what both are made of.

use std::path::Path;

use anyhow::{Context as _, bail};
use tamiz_core::{Engine, Plan};

use crate::canary::Canaries;
use crate::config::Config;
use crate::keys::{self, KeySource};
use crate::transforming::Transforming;
use crate::{classifier, clock, matcher, packs};

/// The source revision this was built from: 12 digits of a Git commit, or `unknown`.
pub const REVISION: &str = env!("SOURCE_REVISION");

/// Builds the engine that `config` describes: some tens of milliseconds.
///
/// # Errors
/// When rules, policy or key cannot be read or are wrong; the message has every mistake of a rule or policy file with its place.
pub fn engine(config: &Config) -> Result<Engine, anyhow::Error> {
    let key = config.report.fingerprint_key_file.as_deref().map(key).transpose()?;
    let mut rules = packs::rules(&config.rules.directories, config.rules.builtin)?;
    if let Some(file) = &config.rules.canaries {
        let key = key.with_context(|| {
            format!("{}: set report.fingerprint_key_file to the key of these canaries", file.display())
        })?;
        rules.merge(Canaries::read(file, &key)?.rules(&key)?);
    }
    let policy = packs::policy(config.policy.file.as_deref(), &rules)?;
    for ended in policy.ended_suppressions(clock::today()) {
        tracing::warn!("{ended}");
    }
    let backend = matcher::backend(config.matcher.backend, config.matcher.cache_dir.as_deref(), true)?;
    let cascade = classifier::cascade(&config.classifier)?;
    let mut builder =
        Engine::builder().rules(rules).policy(policy).limits(config.limits).backend(backend).classifier(cascade);
    if let Some(key) = key {
        builder = builder.fingerprint_key(key);
    }
    if let Some(file) = &config.rules.prompts {
        builder = builder.registered_prompts(packs::prompts(file, key)?);
    }
    Ok(builder.build()?)
}

/// Reads plan and keys that `config` names.
///
/// # Errors
/// When they cannot be read, are wrong, or the plan needs a key and there is none.
pub fn transforming(config: &Config, engine: &Engine) -> anyhow::Result<Transforming> {
    let config = config.transform.clone();
    let plan = match &config.plan_file {
        Some(file) => packs::plan(file, engine.rules().rule_set())?,
        None => Plan::new(config.leaks, config.steering),
    };
    let source = KeySource { file: config.key_file.clone(), variable: config.key_env.clone() };
    let keys = keys::load(&source, &config.tenant)?;
    if plan.needs_key() && keys.is_empty() {
        bail!(
            "[transform] hashes, seals or makes pseudonyms: give it a key with key_file or key_env; `tamiz key new` makes one"
        );
    }
    Ok(Transforming::new(plan, keys, config))
}

/// The first key in a key file, by which fingerprints, canaries and prompt prints are made; see [`keys::first`].
///
/// # Errors
/// When there is none. The message does not show what there is.
pub fn key(file: &Path) -> anyhow::Result<[u8; 32]> {
    keys::first(file)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_first_key_of_a_file_with_or_without_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let read = |text: &str| {
            fs::write(&file, text).unwrap();
            key(&file)
        };
        assert_eq!(read(&format!("{}\n", "0f".repeat(32))).unwrap(), [0x0f; 32]);
        assert_eq!(read(&format!("# ours\nmain:{}\nold:{}\n", "0f".repeat(32), "aa".repeat(32))).unwrap(), [0x0f; 32]);
        let short = read("hunter2").unwrap_err().to_string();
        assert!(short.contains(":1: a key is") && !short.contains("hunter2"), "{short}");
        assert!(read("\n# none\n").unwrap_err().to_string().contains("there is no key in it"));
        assert!(read(&"x".repeat(64)).is_err());
    }
}
