//! Foreign names for what leaks, and which of our rules stand for them.

use std::collections::BTreeMap;

use anyhow::bail;
use serde::Deserialize;
use tamiz_core::{CompiledRules, RuleSet};
use toml::Spanned;

/// Type names of Gitleaks and Presidio.
const SHIPPED: &str = include_str!("types.toml");

/// For each foreign type name, the ids of the rules that find it.
#[derive(Debug)]
pub struct TypeMap {
    types: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MapFile {
    types: BTreeMap<String, Spanned<Vec<Spanned<String>>>>,
}

impl TypeMap {
    /// The mapping that ships, and over it that of `file`: its name and text, if there is one.
    ///
    /// # Errors
    /// When the text is no mapping, or names a rule that there is not.
    pub fn new(rules: &CompiledRules, file: Option<(&str, &str)>) -> anyhow::Result<Self> {
        let mut types = BTreeMap::new();
        let shipped = [("types.toml", SHIPPED, true)];
        for (name, text, shipped) in shipped.into_iter().chain(file.map(|(name, text)| (name, text, false))) {
            let parsed: MapFile = match toml::from_str(text) {
                Ok(parsed) => parsed,
                Err(error) => bail!("{name}: {error}"),
            };
            for (type_, patterns) in parsed.types {
                let mut all = Vec::new();
                for pattern in patterns.into_inner() {
                    let line = 1 + text[..pattern.span().start].matches('\n').count();
                    let found = matching(rules.rule_set(), pattern.get_ref());
                    // The mapping that ships is for the rules that ship; fewer may be in use.
                    if found.is_empty() && !shipped {
                        let near = rules.rule_set().closest(pattern.get_ref());
                        let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                        bail!("{name}:{line}: no rule `{}`{hint}", pattern.get_ref());
                    }
                    all.extend(found);
                }
                types.insert(type_, all);
            }
        }
        Ok(Self { types })
    }

    /// Whether the mapping has the type.
    pub(super) fn knows(&self, type_: &str) -> bool {
        self.types.contains_key(type_)
    }

    /// Whether some rule in use finds the type.
    pub(super) fn claims(&self, type_: &str) -> bool {
        self.types.get(type_).is_some_and(|rules| !rules.is_empty())
    }

    /// Whether the rule finds the type.
    pub(super) fn is(&self, rule: &str, type_: &str) -> bool {
        self.types.get(type_).is_some_and(|rules| rules.iter().any(|id| id == rule))
    }

    /// The types that the rule finds.
    pub(super) fn types_of<'m>(&'m self, rule: &'m str) -> impl Iterator<Item = &'m str> {
        self.types.keys().map(String::as_str).filter(move |type_| self.is(rule, type_))
    }
}

/// Ids of the rules that a pattern stands for: a rule's id, or the start of some with `*` at its end.
fn matching(rules: &RuleSet, pattern: &str) -> Vec<String> {
    let fits = |id: &str| match pattern.strip_suffix('*') {
        Some(start) => id.starts_with(start),
        None => id == pattern,
    };
    rules.rules().iter().map(|rule| &rule.id).filter(|id| fits(id)).cloned().collect()
}
