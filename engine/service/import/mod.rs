//! Rules of other tools, made into rule files of Tamiz.
//!
//! Each reader ([`gitleaks`], [`yara`]) makes `Draft`s; what a draft lacks is found here: repetitions get bounds, examples are made
//! from the expressions, and the rule that comes out has passed what `tamiz rules check` asks. What cannot be said in the rule format is
//! left out and told with its reason; what can be said nearly is told as a note. Nothing is guessed in silence.

mod example;
mod expression;
pub mod gitleaks;
pub mod yara;
mod yara_condition;
mod yara_lexer;

use std::collections::HashSet;

use serde::Serialize;
use tamiz_core::{Confidence, Engine, Family, RuleSet, Severity, check_examples};

/// Largest file that is read, in bytes.
pub const LARGEST: u64 = 4 << 20;
/// Most rules of one file.
pub const MOST_RULES: usize = 5_000;

/// What the rules of a file become.
#[derive(Debug, Clone)]
pub struct Target {
    /// Their family.
    pub family: Family,
    /// Stands before their names: `gitleaks` makes `secret.gitleaks-aws-access-token`.
    pub prefix: String,
    /// How bad a finding is, as the file does not say it.
    pub severity: Severity,
    /// How often it is real, as the file does not say it.
    pub confidence: Confidence,
}

/// A rule on its way.
#[derive(Debug, Clone, Default)]
struct Draft {
    /// As it is called in its file.
    name: String,
    title: String,
    description: String,
    why: &'static str,
    remedy: &'static str,
    patterns: Vec<String>,
    validator: Option<&'static str>,
    notes: Vec<String>,
}

/// A rule file that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// As the rule is called in the file it came from.
    pub name: String,
    /// File name of the new rule.
    pub file: String,
    /// The rule file.
    pub text: String,
    /// What it says otherwise than the rule it was made from.
    pub notes: Vec<String>,
}

/// What became of a file of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// The rules that were made.
    pub rules: Vec<Imported>,
    /// The names of those that were not, and why.
    pub left_out: Vec<(String, String)>,
    /// What concerns the whole file.
    pub notes: Vec<String>,
}

#[derive(Serialize)]
struct RuleText<'d> {
    id: String,
    title: &'d str,
    severity: Severity,
    confidence: Confidence,
    description: &'d str,
    why: &'d str,
    remedy: &'d str,
    patterns: &'d [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    validator: Option<&'static str>,
    examples: &'d [String],
    negative_examples: &'d [String],
}

impl Import {
    /// Finishes drafts one after another; names that come out the same are left out.
    fn of(drafts: impl IntoIterator<Item = Result<Draft, (String, String)>>, target: &Target) -> Self {
        let (mut import, mut names) = (Self::default(), HashSet::new());
        for draft in drafts.into_iter().take(MOST_RULES) {
            match draft.and_then(|draft| {
                let name = draft.name.clone();
                draft.finish(target).map_err(|why| (name, why))
            }) {
                Ok(rule) if names.insert(rule.file.clone()) => import.rules.push(rule),
                Ok(rule) => import.left_out.push((rule.name, "another rule has this name already".to_owned())),
                Err(left_out) => import.left_out.push(left_out),
            }
        }
        import
    }
}

impl Draft {
    fn finish(mut self, target: &Target) -> Result<Imported, String> {
        let slug = slug(&self.name);
        if slug.is_empty() {
            return Err("its name has no letter or digit".to_owned());
        }
        let slug = [target.prefix.as_str(), &slug].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>();
        let slug = slug.join("-");
        let text = |patterns: &[String], examples: &[String], negative_examples: &[String]| {
            let rule = RuleText {
                id: format!("{}.{slug}", target.family.as_str()),
                title: &self.title,
                severity: target.severity,
                confidence: target.confidence,
                description: &self.description,
                why: self.why,
                remedy: self.remedy,
                patterns,
                validator: self.validator,
                examples,
                negative_examples,
            };
            toml::to_string(&rule).map_err(|_| "it cannot be written as TOML".to_owned())
        };
        let file = format!("{slug}.toml");
        // Stand-ins until the rule exists that examples can be tried on.
        let blank = [String::from("?"), String::from("??")];
        // Each expression is a way of its own to find the rule: it is narrower without one, not wrong.
        let (mut patterns, mut without) = (Vec::new(), Vec::new());
        for pattern in &self.patterns {
            let alone = text(std::slice::from_ref(pattern), &blank, &blank)?;
            match RuleSet::parse([(file.as_str(), alone.as_str())]).1.first() {
                Some(problem) if self.patterns.len() > 1 => {
                    without.push(format!("without `{}`: {}", one_line(pattern, 60), problem.message));
                }
                _ => patterns.push(pattern.clone()),
            }
        }
        if patterns.is_empty() {
            return Err(without.swap_remove(0));
        }
        let engine = sound(&file, &text(&patterns, &blank, &blank)?)?;
        let examples = example::found(&engine, &patterns)
            .ok_or("no example could be made that it finds itself: its expression asks for more than its form")?;
        let near_misses =
            example::near_misses(&engine, &examples).ok_or("no text could be made that it leaves alone")?;
        let text = text(&patterns, &examples, &near_misses)?;
        let engine = sound(&file, &text)?;
        if check_examples(&engine).iter().any(|(_, outcome)| !outcome.problems.is_empty()) {
            return Err("its examples do not hold".to_owned());
        }
        self.notes.extend(without);
        Ok(Imported { name: self.name, file, text, notes: self.notes })
    }
}

/// An engine of the one rule, if it is one.
fn sound(file: &str, text: &str) -> Result<Engine, String> {
    let (rules, problems) = RuleSet::parse([(file, text)]);
    if let Some(problem) = problems.first() {
        return Err(problem.message.clone());
    }
    Engine::builder().rules(rules).build().map_err(|error| error.to_string())
}

/// A name as rule ids have it.
fn slug(name: &str) -> String {
    let letter = |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' };
    let slug: String = name.chars().map(letter).collect();
    slug.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-").chars().take(80).collect()
}

/// One line, for a title.
fn one_line(text: &str, longest: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= longest { line } else { line.chars().take(longest - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ids() {
        assert_eq!(slug("AWS_Access.Key (v2)"), "aws-access-key-v2");
        assert_eq!(slug("…"), "");
        assert_eq!(one_line("a\n b   c", 10), "a b c");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }
}
