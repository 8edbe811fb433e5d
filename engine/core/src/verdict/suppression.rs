//! Suppressions: findings that somebody has looked at and judged harmless, for some tools and servers, until a day.

use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::value::Datetime;

use super::policy::{names_rule, unknown_rule};
use crate::date::Date;
use crate::rule::{Diagnostic, RuleSet};

/// Findings that do not count, for some time: rules × tools × servers, until a day, for a reason. They stay in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Suppression {
    /// Rule ids, or `family.*`, or `*` for all rules.
    pub rules: Vec<String>,
    /// Names of tools. Empty: whatever the tool.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Servers, as whoever inspects names them. Empty: whatever the server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
    /// The last day on which it holds, in UTC.
    pub until: Date,
    /// Why; shown with every finding that it suppresses.
    pub reason: String,
    /// Where it stands: `policy.toml:12:9`.
    #[serde(skip)]
    pub place: String,
}

/// Where a finding was made, as far as a suppression may depend on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The tool; none if it is not known.
    pub tool: Option<&'a str>,
    /// The server; none if it is not known.
    pub server: Option<&'a str>,
}

impl Suppression {
    /// Whether it names the rule in this place, on whatever day. What is not known is not what it names.
    pub(crate) fn names(&self, rule: &str, scope: Scope<'_>) -> bool {
        let one_of = |names: &[String], name: Option<&str>| {
            names.is_empty() || name.is_some_and(|name| names.iter().any(|wanted| wanted == name))
        };
        self.rules.iter().any(|name| names_rule(name, rule))
            && one_of(&self.tools, scope.tool)
            && one_of(&self.servers, scope.server)
    }

    /// Whether it has ended.
    #[must_use]
    pub fn ended(&self, today: Date) -> bool {
        today > self.until
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSuppression {
    rules: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    tools: Vec<Spanned<String>>,
    #[serde(default)]
    servers: Vec<Spanned<String>>,
    until: Spanned<FileDate>,
    reason: Spanned<String>,
}

/// TOML has days of its own; a text will do as well.
#[derive(Deserialize)]
#[serde(untagged)]
enum FileDate {
    Toml(Datetime),
    Text(String),
}

impl FileDate {
    fn day(&self) -> Option<Date> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Toml(Datetime { date: Some(date), time: None, offset: None }) => {
                Date::new(date.year, date.month, date.day)
            }
            Self::Toml(_) => None,
        }
    }
}

pub(super) const MEMBERS: [&str; 6] = ["suppress", "rules", "tools", "servers", "until", "reason"];

impl FileSuppression {
    /// Checked, with what is wrong with it.
    pub(super) fn check(
        self,
        name: &str,
        source: &str,
        rules: &RuleSet,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Suppression> {
        let before = problems.len();
        let mut wrong = |span: std::ops::Range<usize>, code, message: &str, hint: &str| {
            problems.push(Diagnostic::new(name, source, span, code, message).hint(hint));
        };
        let until = self.until.get_ref().day();
        if until.is_none() {
            wrong(self.until.span(), "E045", "no day", "the last day on which it holds, as `until = 2026-12-31`");
        }
        if self.reason.get_ref().trim().is_empty() {
            let hint = "say who looked at these findings and why they are harmless: it is shown with each of them";
            wrong(self.reason.span(), "E046", "a suppression without a reason", hint);
        }
        if self.rules.get_ref().is_empty() {
            wrong(self.rules.span(), "E047", "a suppression of no rule", "name the rules: `rules = [\"injection.…\"]`");
        }
        for rule in self.rules.get_ref() {
            if rule.get_ref() == "*" && self.tools.is_empty() && self.servers.is_empty() {
                let hint = "name the tools or servers that it is for, or the rules";
                wrong(rule.span(), "E047", "a suppression of everything", hint);
            }
        }
        for scope in self.tools.iter().chain(&self.servers) {
            if scope.get_ref().trim().is_empty() || scope.get_ref().ends_with('*') {
                let hint = "names of tools and servers are compared as a whole: list each";
                wrong(scope.span(), "E048", "no name of a tool or server", hint);
            }
        }
        for rule in self.rules.get_ref() {
            problems.extend(unknown_rule(name, source, rule, rules));
        }
        let here = Diagnostic::new(name, source, self.rules.span(), "", "");
        let plain = |list: Vec<Spanned<String>>| list.into_iter().map(Spanned::into_inner).collect();
        let suppression = Suppression {
            rules: plain(self.rules.into_inner()),
            tools: plain(self.tools),
            servers: plain(self.servers),
            until: until?,
            reason: self.reason.into_inner(),
            place: format!("{}:{}:{}", here.file, here.line, here.column),
        };
        (problems.len() == before).then_some(suppression)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::*;

    fn parse(source: &str) -> Result<Policy, super::super::PolicyError> {
        Policy::parse("p.toml", source, &RuleSet::builtin())
    }

    fn code(source: &str) -> &'static str {
        parse(source).expect_err(source).0[0].code
    }

    #[test]
    fn mistakes_are_pointed_at() {
        let with = |rest: &str| format!("[[suppress]]\n{rest}");
        let good = "rules = [\"secret.*\"]\ntools = [\"search\"]\nuntil = 2026-12-31\nreason = \"sample keys\"";
        let policy = parse(&with(good)).expect("a good policy");
        assert_eq!((policy.suppressions.len(), policy.suppressions[0].place.as_str()), (1, "p.toml:2:9"));
        assert_eq!(parse(&with(&good.replace("2026-12-31", "\"2026-12-31\""))).expect("a text will do"), policy);
        for (from, to, expected) in [
            ("secret.*", "secret.nonsense-nobody-wrote", "E043"),
            ("2026-12-31", "\"31.12.2026\"", "E045"),
            ("2026-12-31", "\"2026-02-30\"", "E045"),
            ("2026-12-31", "2026-12-31T10:00:00Z", "E045"),
            ("sample keys", " ", "E046"),
            ("[\"secret.*\"]", "[]", "E047"),
            ("tools = [\"search\"]", "", "fine"),
            ("search", "search*", "E048"),
            ("until = 2026-12-31", "", "E001"),
            ("reason", "raeson", "E001"),
        ] {
            let source = with(&good.replace(from, to));
            match expected {
                "fine" => assert!(parse(&source).is_ok(), "{source}"),
                expected => assert_eq!(code(&source), expected, "{source}"),
            }
        }
        assert_eq!(code("[[suppress]]\nrules = [\"*\"]\nuntil = 2026-12-31\nreason = \"quiet\""), "E047");
        assert!(
            parse("[[suppress]]\nrules = [\"*\"]\nservers = [\"a\"]\nuntil = 2026-12-31\nreason = \"lab\"").is_ok()
        );
    }

    #[test]
    fn what_is_not_known_is_not_what_it_names() {
        let source = "[[suppress]]\nrules = [\"secret.*\"]\ntools = [\"search\"]\nservers = [\"https://a.example\"]\n\
                      until = 2026-12-31\nreason = \"sample keys\"";
        let policy = parse(source).expect("a good policy");
        let names = |rule, tool, server| policy.suppressions[0].names(rule, Scope { tool, server });
        assert!(names("secret.github-token", Some("search"), Some("https://a.example")));
        assert!(!names("pii.iban", Some("search"), Some("https://a.example")));
        assert!(!names("secret.github-token", Some("search"), Some("https://a.example.org")));
        assert!(!names("secret.github-token", Some("searches"), Some("https://a.example")));
        assert!(!names("secret.github-token", None, Some("https://a.example")));
        assert!(!names("secret.github-token", Some("search"), None));
        let until = policy.suppressions[0].until;
        assert!(!policy.suppressions[0].ended(until));
        assert!(policy.suppressions[0].ended("2027-01-01".parse().expect("a day")));
    }
}
