//! Which findings of a content the policy suppresses. A policy without suppressions costs nothing here.

use std::collections::{HashMap, HashSet};

use crate::content::{Content, Document};
use crate::date::Date;
use crate::detect::Findings;
use crate::engine::Engine;
use crate::report::Standing;
use crate::rule::CompiledRules;
use crate::verdict::{CLASSIFIER, Coverage, Policy, Scope};

impl<'a> Content<'a> {
    /// Where findings in it are made, for suppressions of the policy.
    #[must_use]
    pub fn scope(&self) -> Scope<'a> {
        Scope { tool: self.tool, server: self.tool_server.or(self.server) }
    }
}

impl Engine {
    /// How a finding of a rule stands that is made where the tool and the server are known.
    pub(crate) fn standing(&self, rule: &str, scope: Scope<'_>, today: Option<Date>) -> Standing<'_> {
        match (self.policy().suppression(rule, scope, today), today) {
            (Some(entry), Some(today)) if entry.ended(today) => Standing::Ended(entry),
            (Some(entry), _) => Standing::Suppressed(entry),
            (None, _) => Standing::Counts,
        }
    }
}

/// What became of the findings of a content. Reused from one content to the next.
#[derive(Debug, Default)]
pub(super) struct Suppressed {
    /// For each finding the policy's entry that names it, and whether that has ended. Empty if none is named.
    of: Vec<Option<(usize, bool)>>,
    /// The same for what the classifier finds.
    classifier: Option<(usize, bool)>,
    /// What counts in place of the rules that matched, where that differs.
    counting: Option<Vec<(usize, bool)>>,
    /// The caller did not say which day it is.
    undated: bool,
}

impl Suppressed {
    /// Looks each finding up in the policy. The tool and the server are those that the caller states; if it states no tool, the one
    /// that an MCP message names.
    pub(super) fn find(
        &mut self,
        policy: &Policy,
        rules: &CompiledRules,
        findings: &Findings,
        document: &Document,
        content: &Content<'_>,
        today: Option<Date>,
    ) {
        self.of.clear();
        (self.classifier, self.counting, self.undated) = (None, None, false);
        if policy.suppressions.is_empty() {
            return;
        }
        self.undated = today.is_none();
        let stated = content.scope();
        let entry = |rule: &str, scope: Scope<'_>| {
            let found = policy.suppression(rule, scope, today)?;
            let at = policy.suppressions.iter().position(|entry| std::ptr::eq(entry, found))?;
            Some((at, today.is_some_and(|today| found.ended(today))))
        };
        self.classifier = entry(CLASSIFIER, stated);
        let mut names: HashMap<u32, Option<String>> = HashMap::new();
        for found in &findings.list {
            let object = document.tool_object(found.segment, content.body).filter(|_| content.tool.is_none());
            let named = object.and_then(|object| {
                names.entry(object).or_insert_with(|| document.tool_name(object, content.body)).as_deref()
            });
            let scope = Scope { tool: content.tool.or(named), ..stated };
            self.of.push(entry(&rules.rule(found.rule).id, scope));
        }
        let holds = |standing: &Option<(usize, bool)>| standing.is_some_and(|(_, ended)| !ended);
        if !self.of.iter().any(holds) {
            return;
        }
        // A rule counts for what is left of its findings; where some are not listed, for them too unless the tool does not matter.
        let mut left: HashMap<usize, bool> = HashMap::new();
        for (found, _) in findings.list.iter().zip(&self.of).filter(|(_, standing)| !holds(standing)) {
            *left.entry(found.rule).or_insert(true) &= found.quoted;
        }
        let hidden: HashSet<usize> =
            (findings.cut.iter().copied()).filter(|rule| !holds(&entry(&rules.rule(*rule).id, stated))).collect();
        let counting = findings.rules.iter().filter_map(|(rule, quoted)| match left.get(rule) {
            _ if hidden.contains(rule) => Some((*rule, *quoted)),
            Some(quoted) => Some((*rule, *quoted)),
            None => None,
        });
        self.counting = Some(counting.collect());
    }

    /// Notes that suppressions were left out for want of a day.
    pub(super) fn tell(&self, coverage: &mut Coverage) {
        if self.undated {
            coverage.note("the policy's suppressions were left out: nobody said which day it is".to_owned());
        }
    }

    /// The rules that count, of those that matched.
    pub(super) fn counting<'s>(&'s self, matched: &'s [(usize, bool)]) -> &'s [(usize, bool)] {
        self.counting.as_deref().unwrap_or(matched)
    }

    /// Whether what the classifier finds is suppressed.
    pub(super) fn classifier(&self) -> bool {
        self.classifier.is_some_and(|(_, ended)| !ended)
    }

    /// How a finding stands, by its place in the list; `None` for the classifier's.
    pub(super) fn of<'p>(&self, policy: &'p Policy, finding: Option<usize>) -> Standing<'p> {
        let standing = match finding {
            Some(at) => self.of.get(at).copied().flatten(),
            None => self.classifier,
        };
        match standing {
            None => Standing::Counts,
            Some((at, false)) => Standing::Suppressed(&policy.suppressions[at]),
            Some((at, true)) => Standing::Ended(&policy.suppressions[at]),
        }
    }
}
