//! The policy: thresholds, what to do about incomplete inspections, exceptions for rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::Action;
use super::suppression::{self, FileSuppression, Scope, Suppression};
use crate::date::Date;
use crate::rule::{DataCategory, Diagnostic, Rule, RuleSet, Sensitivity, closest};
use crate::tokens::{TokenFamily, TokenLimit};

/// What happens when something was not inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "kebab-case")]
pub enum OnIncomplete {
    /// Nothing: only what was found counts. Coverage still tells.
    Allow,
    /// Flag it.
    Flag,
    /// Block it.
    #[default]
    Block,
}

impl OnIncomplete {
    pub(crate) fn action(self) -> Action {
        match self {
            Self::Allow => Action::Allow,
            Self::Flag => Action::Flag,
            Self::Block => Action::Block,
        }
    }
}

/// Whether contents have to be classified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "kebab-case")]
pub enum UseClassifier {
    /// The classifier is not asked.
    Off,
    /// It is asked where there is one. One that is configured and cannot answer makes the inspection incomplete.
    #[default]
    Auto,
    /// A content that was not classified was not wholly inspected, whatever the cause.
    Required,
}

impl UseClassifier {
    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// An exception: what the matches of some rules lead to, whatever their weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Override {
    /// Rule ids, or `family.*`. Empty: all rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Only rules that find data of one of these sensitivities. Empty: whatever they find.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sensitivity: Vec<Sensitivity>,
    /// Only rules that find data of one of these sorts. Empty: whatever they find.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<DataCategory>,
    /// `allow`: they count nothing; `flag`: they flag and never block; `transform`: the content is to be changed, and they count like
    /// `flag`; `block`: each blocks alone.
    pub action: Action,
}

impl Override {
    fn holds_for(&self, rule: &Rule) -> bool {
        let any_or = |empty: bool, found: bool| empty || found;
        any_or(self.rules.is_empty(), self.rules.iter().any(|name| names_rule(name, &rule.id)))
            && any_or(
                self.sensitivity.is_empty(),
                rule.sensitivity.is_some_and(|class| self.sensitivity.contains(&class)),
            )
            && any_or(self.data.is_empty(), self.data.iter().any(|category| rule.data.contains(category)))
    }
}

/// How findings become actions. The default is the shipped policy.
///
/// ```
/// use tamiz_core::{Policy, RuleSet};
/// let text = "flag_at = 0.2\n[[override]]\nrules = [\"secret.*\"]\naction = \"flag\"\n";
/// let policy = Policy::parse("policy.toml", text, &RuleSet::builtin()).unwrap();
/// assert_eq!(policy.flag_at, 0.2);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Policy {
    /// Evidence from which content is flagged, from 0 to 1.
    pub flag_at: f64,
    /// Evidence from which content is to be changed, from 0 to 1; none unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transform_at: Option<f64>,
    /// Evidence from which content is blocked, from 0 to 1.
    pub block_at: f64,
    /// What happens when something was not inspected.
    pub on_incomplete: OnIncomplete,
    /// Whether contents have to be classified.
    #[serde(skip_serializing_if = "UseClassifier::is_auto")]
    pub classifier: UseClassifier,
    /// Most tokens of one content, for the models of a family; more is a finding of its own. None unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<TokenLimit>,
    /// Exceptions; the first that names a rule, or the data it finds, holds for it.
    #[serde(rename = "override", skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// Findings that do not count for some time; the first that names a finding and has not ended holds for it.
    #[serde(rename = "suppress", skip_serializing_if = "Vec::is_empty")]
    pub suppressions: Vec<Suppression>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            flag_at: 0.30,
            transform_at: None,
            block_at: 0.85,
            on_incomplete: OnIncomplete::Block,
            classifier: UseClassifier::Auto,
            max_tokens: None,
            overrides: Vec::new(),
            suppressions: Vec::new(),
        }
    }
}

/// What the classifier's evidence is called.
pub(crate) const CLASSIFIER: &str = "classifier.injection";

/// Share of its weight that a rule keeps if all it matched stands in quotation marks: one quoted order of high severity and medium
/// confidence is noted, two are flagged.
const QUOTED: f64 = 0.4;

/// A policy file with mistakes: one diagnostic each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<String>().trim_end())]
pub struct PolicyError(pub Vec<Diagnostic>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    flag_at: Option<Spanned<f64>>,
    transform_at: Option<Spanned<f64>>,
    block_at: Option<Spanned<f64>>,
    on_incomplete: Option<OnIncomplete>,
    classifier: Option<UseClassifier>,
    max_tokens: Option<Spanned<u64>>,
    token_family: Option<Spanned<TokenFamily>>,
    #[serde(default, rename = "override")]
    overrides: Vec<FileOverride>,
    #[serde(default, rename = "suppress")]
    suppressions: Vec<FileSuppression>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileOverride {
    #[serde(default)]
    rules: Vec<Spanned<String>>,
    #[serde(default)]
    sensitivity: Vec<Sensitivity>,
    #[serde(default)]
    data: Vec<DataCategory>,
    action: Spanned<Action>,
}

const MEMBERS: [&str; 12] = [
    "max_tokens",
    "token_family",
    "flag_at",
    "transform_at",
    "block_at",
    "on_incomplete",
    "classifier",
    "override",
    "rules",
    "sensitivity",
    "data",
    "action",
];

/// All names of members, to suggest one for a mistyped one.
fn members() -> Vec<&'static str> {
    MEMBERS.into_iter().chain(suppression::MEMBERS).collect()
}

impl Policy {
    /// Parses a policy file. Rules it names must exist.
    ///
    /// # Errors
    /// One diagnostic per mistake, each with place and remedy.
    pub fn parse(name: &str, source: &str, rules: &RuleSet) -> Result<Self, PolicyError> {
        let file: File = toml::from_str(source)
            .map_err(|error| PolicyError(vec![crate::rule::toml_problem(name, source, &error, &members())]))?;
        let mut problems = Vec::new();
        let default = Self::default();
        let mut threshold = |value: Option<Spanned<f64>>, default: f64| {
            let Some(value) = value else { return default };
            if !(*value.get_ref() > 0.0 && *value.get_ref() <= 1.0) {
                let message = format!("{} is no threshold", value.get_ref());
                let problem = Diagnostic::new(name, source, value.span(), "E040", message);
                problems.push(problem.hint("thresholds are above 0 and at most 1"));
            }
            value.into_inner()
        };
        let flag_at = threshold(file.flag_at, default.flag_at);
        let block_at = threshold(file.block_at, default.block_at);
        let transform_at = file.transform_at.map(|value| threshold(Some(value), block_at));
        if flag_at > block_at {
            let message = format!("flag_at ({flag_at}) is above block_at ({block_at})");
            let problem = Diagnostic::new(name, source, 0..0, "E041", message);
            problems.push(problem.hint("what is blocked is flagged too: lower flag_at"));
        }
        if let Some(at) = transform_at.filter(|at| !(flag_at..=block_at).contains(at)) {
            let message = format!("transform_at ({at}) is not between flag_at ({flag_at}) and block_at ({block_at})");
            let problem = Diagnostic::new(name, source, 0..0, "E042", message);
            problems.push(problem.hint("what is changed is flagged too, and what is blocked is not changed"));
        }
        let family = file.token_family.as_ref().map_or_else(TokenFamily::default, |family| *family.get_ref());
        let max_tokens = file.max_tokens.map(|tokens| {
            if *tokens.get_ref() == 0 {
                let problem = Diagnostic::new(name, source, tokens.span(), "E049", "no content has no tokens");
                problems.push(problem.hint("leave `max_tokens` out for no limit"));
            }
            TokenLimit { tokens: tokens.into_inner(), family }
        });
        if let Some(family) = file.token_family.filter(|_| max_tokens.is_none()) {
            let problem =
                Diagnostic::new(name, source, family.span(), "E049", "a family of models, and no limit for it");
            problems.push(problem.hint("say `max_tokens` too"));
        }
        let mut overrides = Vec::new();
        for entry in file.overrides {
            for rule in &entry.rules {
                problems.extend(unknown_rule(name, source, rule, rules));
            }
            if entry.rules.is_empty() && entry.sensitivity.is_empty() && entry.data.is_empty() {
                let problem =
                    Diagnostic::new(name, source, entry.action.span(), "E044", "an override that names nothing");
                problems.push(problem.hint("say for what it is: `rules`, `sensitivity`, `data`, or several of them"));
            }
            let FileOverride { rules, sensitivity, data, action } = entry;
            let rules = rules.into_iter().map(Spanned::into_inner).collect();
            overrides.push(Override { rules, sensitivity, data, action: action.into_inner() });
        }
        let entries = file.suppressions.into_iter();
        let suppressions = entries.filter_map(|entry| entry.check(name, source, rules, &mut problems)).collect();
        if !problems.is_empty() {
            return Err(PolicyError(problems));
        }
        Ok(Self {
            flag_at,
            transform_at,
            block_at,
            on_incomplete: file.on_incomplete.unwrap_or_default(),
            classifier: file.classifier.unwrap_or_default(),
            max_tokens,
            overrides,
            suppressions,
        })
    }

    /// The action that evidence leads to.
    #[must_use]
    pub fn action(&self, score: f64) -> Action {
        // Sums of products fall short of their exact value by a hair.
        const HAIR: f64 = 1e-9;
        if score + HAIR >= self.block_at {
            Action::Block
        } else if self.transform_at.is_some_and(|at| score + HAIR >= at) {
            Action::Transform
        } else if score + HAIR >= self.flag_at {
            Action::Flag
        } else {
            Action::Allow
        }
    }

    /// The weight of a rule's match under this policy; `quoted` if all it matched stands in quotation marks.
    #[must_use]
    pub fn weight(&self, rule: &Rule, quoted: bool) -> f64 {
        self.excepted(self.exception(rule), rule.weight() * if quoted { QUOTED } else { 1.0 })
    }

    /// The weight that evidence named `code` has under this policy.
    pub(crate) fn weight_of(&self, code: &str, weight: f64) -> f64 {
        let named = |entry: &&Override| entry.rules.iter().any(|name| names_rule(name, code));
        self.excepted(self.overrides.iter().find(named).map(|entry| entry.action), weight)
    }

    /// What an exception makes of a weight.
    fn excepted(&self, exception: Option<Action>, weight: f64) -> f64 {
        match exception {
            None => weight,
            Some(Action::Allow) => 0.0,
            Some(Action::Flag | Action::Transform) => self.flag_at,
            Some(Action::Block) => 1.0,
        }
    }

    /// What a rule's match leads to alone.
    #[must_use]
    pub fn action_of(&self, rule: &Rule, quoted: bool) -> Action {
        let action = self.action(self.weight(rule, quoted));
        if self.exception(rule) == Some(Action::Transform) { action.max(Action::Transform) } else { action }
    }

    /// The suppression that names a rule in a place: one that has not ended, or else one that has, so that it can be told. None at all
    /// where the day is not known.
    #[must_use]
    pub fn suppression(&self, rule: &str, scope: Scope<'_>, today: Option<Date>) -> Option<&Suppression> {
        let today = today?;
        let named = || self.suppressions.iter().filter(|entry| entry.names(rule, scope));
        named().find(|entry| !entry.ended(today)).or_else(|| named().next())
    }

    /// What to tell whoever keeps the policy: its suppressions that have ended, one line each.
    #[must_use]
    pub fn ended_suppressions(&self, today: Date) -> Vec<String> {
        let tell = |entry: &Suppression| {
            let (place, rules, until) = (&entry.place, entry.rules.join(", "), entry.until);
            format!(
                "{place}: the suppression of {rules} ended on {until} and holds no more: delete it, or look again and give it a later day"
            )
        };
        self.suppressions.iter().filter(|entry| entry.ended(today)).map(tell).collect()
    }

    fn exception(&self, rule: &Rule) -> Option<Action> {
        self.overrides.iter().find(|entry| entry.holds_for(rule)).map(|entry| entry.action)
    }
}

/// Whether `name` is the rule's id, or a beginning of it with `*`.
pub(crate) fn names_rule(name: &str, id: &str) -> bool {
    match name.strip_suffix('*') {
        Some(prefix) => id.starts_with(prefix),
        None => name == id,
    }
}

/// What is wrong with a name that no rule has.
pub(crate) fn unknown_rule(file: &str, source: &str, name: &Spanned<String>, rules: &RuleSet) -> Option<Diagnostic> {
    let classifier = names_rule(name.get_ref(), CLASSIFIER);
    if classifier || rules.rules().iter().any(|rule| names_rule(name.get_ref(), &rule.id)) {
        return None;
    }
    let message = format!("no rule `{}`", name.get_ref());
    let hint = match closest(name.get_ref(), rules.rules().iter().map(|rule| rule.id.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`tamiz rules list` shows them all; `family.*` names a whole family".to_owned(),
    };
    Some(Diagnostic::new(file, source, name.span(), "E043", message).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(source: &str) -> Diagnostic {
        let error = Policy::parse("p.toml", source, &RuleSet::builtin()).expect_err(source);
        error.0.into_iter().next().expect("one problem")
    }

    #[test]
    fn mistakes_are_pointed_at() {
        let unknown = problem("flag_att = 0.5");
        assert_eq!((unknown.code, unknown.line, unknown.column), ("E001", 1, 1));
        assert_eq!(unknown.hint.as_deref(), Some("did you mean `flag_at`?"));
        assert_eq!(problem("block_at = 1.5").code, "E040");
        assert_eq!(problem("flag_at = 0.9\nblock_at = 0.5").code, "E041");
        assert_eq!(problem("transform_at = 0.9").code, "E042");
        assert_eq!(problem("max_tokens = 0").code, "E049");
        assert_eq!(problem("token_family = \"claude\"").code, "E049");
        assert_eq!(problem("max_tokens = 9\ntoken_family = \"clod\"").code, "E001");
        let rule = problem("[[override]]\nrules = [\"secret.nonsense-nobody-wrote\"]\naction = \"flag\"");
        assert_eq!((rule.code, rule.line, rule.column), ("E043", 2, 10));
    }

    #[test]
    fn data_can_be_named_instead_of_rules() {
        let source = "[[override]]\ndata = [\"pci\"]\naction = \"block\"\n[[override]]\nrules = [\"pii.*\"]\n\
                      sensitivity = [\"internal\"]\naction = \"allow\"";
        let rules = RuleSet::builtin();
        let policy = Policy::parse("p.toml", source, &rules).expect("a good policy");
        let weight = |id: &str| policy.weight(rules.get(id).expect(id), false);
        assert_eq!((weight("pii.payment-card"), weight("pii.private-ip-address")), (1.0, 0.0));
        assert_eq!(weight("pii.iban"), rules.get("pii.iban").expect("it is there").weight());
        assert_eq!(problem("[[override]]\naction = \"flag\"").code, "E044");
        assert_eq!(problem("[[override]]\ndata = [\"pcii\"]\naction = \"flag\"").code, "E001");
    }

    #[test]
    fn thresholds_decide() {
        let policy = Policy::default();
        assert_eq!(policy.action(0.29), Action::Allow);
        assert_eq!(policy.action(0.30), Action::Flag);
        assert_eq!(policy.action(1.0 - (1.0 - 0.85)), Action::Block);
        let changing = Policy { transform_at: Some(0.5), ..policy };
        assert_eq!(
            [0.4, 0.5, 0.9].map(|score| changing.action(score)),
            [Action::Flag, Action::Transform, Action::Block]
        );
    }

    #[test]
    fn an_override_may_ask_for_a_change() {
        let rules = RuleSet::builtin();
        let policy =
            Policy::parse("p.toml", "[[override]]\nrules = [\"secret.*\"]\naction = \"transform\"", &rules).unwrap();
        let rule = |id: &str| rules.rules().iter().find(|rule| rule.id == id).unwrap();
        let secret = rule("secret.github-token");
        assert_eq!((policy.weight(secret, false), policy.action_of(secret, false)), (0.30, Action::Transform));
        assert_eq!(Policy::default().action_of(secret, false), Action::Block);
    }
}
