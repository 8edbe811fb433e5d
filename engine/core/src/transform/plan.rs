//! What becomes of what is found: a treatment per rule, and how notations and encodings are dealt with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::rule::{Diagnostic, Group, Rule, RuleSet};
use crate::verdict::{PolicyError, names_rule, unknown_rule};

/// What becomes of something that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Treatment {
    /// Nothing: it stays.
    Keep,
    /// It is cut out.
    Remove,
    /// Letters and digits become `*`, but for the last four of nine and more.
    Mask,
    /// A keyed hash takes its place: `[card#bdkfmoapcelgnhij]`, the same for the same value. Needs a key.
    Hash,
    /// A numbered name takes its place: `[card:1]`, the same for the same value within a conversation.
    Placeholder,
    /// Other letters and digits of the same classes take its place, the same for the same value: pseudonymisation. Needs a key.
    Pseudonym,
    /// A token takes its place that whoever has the key can open. Needs a key.
    Seal,
    /// It stays readable and stops working: addresses, images, markup, terminal sequences, invisible text.
    Defang,
    /// It stays and is said to be a quotation.
    Quote,
    /// A note of what was removed takes its place: `[removed: injection.ignore-previous]`.
    Stub,
}

impl Treatment {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Keep,
        Self::Remove,
        Self::Mask,
        Self::Hash,
        Self::Placeholder,
        Self::Pseudonym,
        Self::Seal,
        Self::Defang,
        Self::Quote,
        Self::Stub,
    ];

    /// The name in plans, on the command line and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Remove => "remove",
            Self::Mask => "mask",
            Self::Hash => "hash",
            Self::Placeholder => "placeholder",
            Self::Pseudonym => "pseudonym",
            Self::Seal => "seal",
            Self::Defang => "defang",
            Self::Quote => "quote",
            Self::Stub => "stub",
        }
    }

    /// The treatment of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|treatment| treatment.as_str() == name)
    }

    /// Whether it cannot be done without a key.
    #[must_use]
    pub fn needs_key(self) -> bool {
        matches!(self, Self::Hash | Self::Pseudonym | Self::Seal)
    }

    /// How much of the value it hides: 3 all, 2 all but its form, 1 nothing.
    pub(super) fn hides(self) -> u8 {
        match self {
            Self::Keep => 0,
            Self::Defang | Self::Quote => 1,
            Self::Mask | Self::Pseudonym => 2,
            Self::Remove | Self::Hash | Self::Placeholder | Self::Seal | Self::Stub => 3,
        }
    }
}

/// What becomes of a finding in base64.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoded {
    /// The whole encoded blob is replaced.
    #[default]
    Blob,
    /// The blob is decoded, what was found in it is replaced, and it is encoded again. Where that cannot be done exactly, and for what
    /// is sealed, the whole blob is replaced.
    Reencode,
}

/// What a JSON number becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Numbers {
    /// A string with the replacement.
    #[default]
    String,
    /// The number 0, for readers that insist on a number. What is sealed becomes a string all the same.
    Zero,
}

/// What a pseudonym's check digit is, where the value had a right one by Luhn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Checksum {
    /// Wrong, so that nobody takes it for a real number.
    #[default]
    Invalid,
    /// Right, for systems that refuse others. Such a pseudonym is found again like the number it stands for.
    Valid,
}

/// A treatment for some rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Treat {
    /// Rule ids, or `family.*`.
    pub rules: Vec<String>,
    /// What becomes of what they find.
    pub with: Treatment,
    /// The type in placeholders and hashes; the rule's name if there is none.
    pub label: Option<String>,
}

/// What becomes of what is found.
///
/// ```
/// use tamiz_core::{Plan, RuleSet, Treatment};
/// let text = "leaks = \"placeholder\"\n[[treat]]\nrules = [\"pii.payment-card*\"]\nwith = \"mask\"\n";
/// let plan = Plan::parse("plan.toml", text, &RuleSet::builtin()).unwrap();
/// assert_eq!(plan.treat[0].with, Treatment::Mask);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// For secrets and personal data that no entry names.
    pub leaks: Treatment,
    /// For all else that no entry names: what steers the model.
    pub steering: Treatment,
    /// Findings in base64.
    pub encoded: Encoded,
    /// JSON numbers.
    pub numbers: Numbers,
    /// Check digits of pseudonyms.
    pub checksum: Checksum,
    /// Exceptions; the first that names a rule holds for it.
    pub treat: Vec<Treat>,
}

impl Default for Plan {
    fn default() -> Self {
        Self::new(Treatment::Placeholder, Treatment::Stub)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    leaks: Option<Treatment>,
    steering: Option<Treatment>,
    #[serde(default)]
    encoded: Encoded,
    #[serde(default)]
    numbers: Numbers,
    #[serde(default)]
    checksum: Checksum,
    #[serde(default)]
    treat: Vec<FileTreat>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTreat {
    rules: Vec<Spanned<String>>,
    with: Treatment,
    label: Option<Spanned<String>>,
}

const MEMBERS: [&str; 9] = ["leaks", "steering", "encoded", "numbers", "checksum", "treat", "rules", "with", "label"];

impl Plan {
    /// One treatment for what leaks and one for what steers the model.
    #[must_use]
    pub fn new(leaks: Treatment, steering: Treatment) -> Self {
        Self {
            leaks,
            steering,
            encoded: Encoded::default(),
            numbers: Numbers::default(),
            checksum: Checksum::default(),
            treat: Vec::new(),
        }
    }

    /// Parses a plan file. Rules it names must exist.
    ///
    /// # Errors
    /// One diagnostic per mistake, each with place and remedy.
    pub fn parse(name: &str, source: &str, rules: &RuleSet) -> Result<Self, PolicyError> {
        let file: File = toml::from_str(source)
            .map_err(|error| PolicyError(vec![crate::rule::toml_problem(name, source, &error, &MEMBERS)]))?;
        let mut problems = Vec::new();
        let mut treat = Vec::new();
        for entry in file.treat {
            problems.extend(entry.rules.iter().filter_map(|rule| unknown_rule(name, source, rule, rules)));
            if let Some(label) = entry.label.as_ref().filter(|label| !is_label(label.get_ref())) {
                let message = format!("`{}` cannot stand in a placeholder", label.get_ref());
                let problem = Diagnostic::new(name, source, label.span(), "E070", message);
                problems.push(problem.hint("write 1 to 32 lower-case letters and hyphens, such as \"card\""));
            }
            let names = entry.rules.into_iter().map(Spanned::into_inner).collect();
            treat.push(Treat { rules: names, with: entry.with, label: entry.label.map(Spanned::into_inner) });
        }
        if !problems.is_empty() {
            return Err(PolicyError(problems));
        }
        let default = Self::default();
        Ok(Self {
            leaks: file.leaks.unwrap_or(default.leaks),
            steering: file.steering.unwrap_or(default.steering),
            encoded: file.encoded,
            numbers: file.numbers,
            checksum: file.checksum,
            treat,
        })
    }

    /// What becomes of what a rule finds, and the type it is called by.
    #[must_use]
    pub fn treatment<'p>(&'p self, rule: &'p Rule) -> (Treatment, &'p str) {
        // A number with its name beside it is the same sort of thing as one without.
        let name = rule.id.rsplit('.').next().unwrap_or(&rule.id).trim_end_matches("-labelled");
        match self.treat.iter().find(|entry| entry.rules.iter().any(|named| names_rule(named, &rule.id))) {
            Some(entry) => (entry.with, entry.label.as_deref().unwrap_or(name)),
            None if rule.family.group() == Group::Leak => (self.leaks, name),
            // What a text is like as a whole is in no part of it that could be taken away.
            None if rule.is_about_whole_texts() => (Treatment::Keep, name),
            None => (self.steering, name),
        }
    }

    /// Whether any treatment of it needs a key.
    #[must_use]
    pub fn needs_key(&self) -> bool {
        let all = self.treat.iter().map(|entry| entry.with).chain([self.leaks, self.steering]);
        all.into_iter().any(Treatment::needs_key)
    }
}

fn is_label(label: &str) -> bool {
    (1..=32).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_entry_that_names_a_rule_holds() {
        let text = "leaks = \"seal\"\nsteering = \"keep\"\nnumbers = \"zero\"\n\
                    [[treat]]\nrules = [\"pii.payment-card*\"]\nwith = \"mask\"\nlabel = \"card\"\n\
                    [[treat]]\nrules = [\"pii.*\"]\nwith = \"remove\"\n";
        let rules = RuleSet::builtin();
        let plan = Plan::parse("p.toml", text, &rules).unwrap();
        let of = |id: &str| plan.treatment(rules.rules().iter().find(|rule| rule.id == id).unwrap());
        assert_eq!(of("pii.payment-card"), (Treatment::Mask, "card"));
        assert_eq!(of("pii.iban"), (Treatment::Remove, "iban"));
        assert_eq!(of("secret.github-token"), (Treatment::Seal, "github-token"));
        assert_eq!(of("injection.ignore-previous"), (Treatment::Keep, "ignore-previous"));
        assert!(plan.needs_key() && !Plan::default().needs_key());
        for treatment in Treatment::ALL {
            assert_eq!(Treatment::parse(treatment.as_str()), Some(treatment));
        }
    }

    #[test]
    fn mistakes_are_pointed_at() {
        let code = |source: &str| Plan::parse("p.toml", source, &RuleSet::builtin()).unwrap_err().0[0].code;
        assert_eq!(code("leakz = \"mask\""), "E001");
        assert_eq!(code("[[treat]]\nrules = [\"pii.nonsense-nobody-wrote\"]\nwith = \"mask\""), "E043");
        assert_eq!(code("[[treat]]\nrules = [\"pii.*\"]\nwith = \"mask\"\nlabel = \"Card 1\""), "E070");
    }
}
