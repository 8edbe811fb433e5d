//! Rules of a Gitleaks configuration.

use serde::Deserialize;

use super::{Draft, Import, MOST_RULES, Target, expression, one_line};

const WHY: &str =
    "Whoever has the credential can do what it allows. The rule was imported: its author knew the service it is for.";
const REMEDY: &str = "Revoke it where it was issued, then look there for its use.";

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    rules: Vec<Rule>,
    extend: Option<toml::Table>,
    allowlist: Option<Allowlist>,
    #[serde(default)]
    allowlists: Vec<Allowlist>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    #[serde(default)]
    id: String,
    #[serde(default)]
    description: String,
    regex: Option<String>,
    path: Option<String>,
    entropy: Option<f64>,
    #[serde(default)]
    secret_group: u32,
    allowlist: Option<Allowlist>,
    #[serde(default)]
    allowlists: Vec<Allowlist>,
    #[serde(default)]
    required: Vec<toml::Table>,
    #[serde(default)]
    skip_report: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Allowlist {
    regexes: Vec<String>,
    stopwords: Vec<String>,
    paths: Vec<String>,
    commits: Vec<String>,
}

impl Allowlist {
    /// What it would have let through, in words; empty if nothing.
    fn told(lists: &[Self]) -> String {
        let count = |of: fn(&Self) -> usize| lists.iter().map(of).sum::<usize>();
        let parts = [
            (count(|list| list.regexes.len()), "expressions"),
            (count(|list| list.stopwords.len()), "stop words"),
            (count(|list| list.paths.len()), "paths"),
            (count(|list| list.commits.len()), "commits"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// Reads a configuration and makes rules of it.
///
/// # Errors
/// When it is no such file, with the place.
pub fn import(name: &str, source: &str, target: &Target) -> Result<Import, String> {
    let config: Config = toml::from_str(source).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(source.len()));
        let line = source.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("{name}:{line}: no Gitleaks configuration: {}", one_line(error.message(), 200))
    })?;
    if config.rules.is_empty() && config.extend.is_none() {
        return Err(format!("{name}: there is no [[rules]] in it"));
    }
    if config.rules.len() > MOST_RULES {
        return Err(format!("{name}: {} rules; at most {MOST_RULES} are read", config.rules.len()));
    }
    let mut import = Import::of(config.rules.into_iter().map(draft), target);
    if config.extend.is_some() {
        import.notes.push("[extend] is not followed: import the configuration it names by itself".to_owned());
    }
    let global = Allowlist::told(&config.allowlist.into_iter().chain(config.allowlists).collect::<Vec<_>>());
    if !global.is_empty() {
        import.notes.push(format!("the global allowlist has no counterpart ({global}): use a policy's overrides"));
    }
    Ok(import)
}

fn draft(rule: Rule) -> Result<Draft, (String, String)> {
    let name = if rule.id.is_empty() { "(no id)".to_owned() } else { rule.id.clone() };
    let fail = |why: &str| Err((name.clone(), why.to_owned()));
    let Some(regex) = rule.regex else {
        let paths = rule.path.is_some();
        return fail(if paths { "it looks at names of files only" } else { "it has no regex" });
    };
    if !rule.required.is_empty() {
        return fail("it needs findings of other rules nearby ([[rules.required]])");
    }
    if rule.skip_report {
        return fail("it is a helper of other rules (skipReport)");
    }
    // Without a number, Gitleaks reports the first group.
    let groups = expression::translate(&regex, 1).is_ok();
    let secret = if rule.secret_group == 0 { u32::from(groups) } else { rule.secret_group };
    let expression = expression::translate(&regex, secret).map_err(|why| (name.clone(), why))?;
    let mut notes = Vec::new();
    if let Some(bound) = expression.bound {
        notes.push(format!("repetitions without an end stop after {bound} more"));
    }
    if rule.path.is_some() {
        notes.push("it looks at all contents, not only at the files that `path` names".to_owned());
    }
    let allowed = Allowlist::told(&rule.allowlist.into_iter().chain(rule.allowlists).collect::<Vec<_>>());
    if !allowed.is_empty() {
        notes.push(format!("its allowlist has no counterpart ({allowed}): it may find more"));
    }
    let validator = match rule.entropy {
        Some(least) if least >= 3.0 => Some(("entropy", 3.0)),
        Some(least) if least > 0.0 => Some(("key", 2.5)),
        _ => None,
    };
    if let (Some((validator, ours)), Some(theirs)) = (validator, rule.entropy)
        && (ours - theirs).abs() > 1e-9
    {
        notes.push(format!("entropy {theirs} became the validator `{validator}`: {ours} bits and no placeholder"));
    }
    let description = match one_line(&rule.description, 400) {
        empty if empty.is_empty() => format!("What the Gitleaks rule {} finds.", rule.id),
        description => description,
    };
    Ok(Draft {
        title: one_line(&description, 100),
        description,
        why: WHY,
        remedy: REMEDY,
        patterns: vec![expression.pattern],
        validator: validator.map(|(validator, _)| validator),
        notes,
        name,
    })
}
