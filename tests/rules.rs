//! The rules that ship: sound, found by their own examples, in the right place, enough of them.

use std::collections::BTreeMap;

use tamiz_core::{Family, RuleSet, check_examples, closest};

use crate::support::{engine, files_below, repository};

#[test]
fn every_rule_finds_its_examples_and_leaves_the_others_alone() {
    let problems: Vec<String> = check_examples(engine())
        .into_iter()
        .flat_map(|(_, outcome)| outcome.problems)
        .map(|problem| problem.to_string())
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn there_are_enough_of_every_family() {
    let mut families: BTreeMap<Family, usize> = BTreeMap::new();
    for rule in engine().rules().rules() {
        *families.entry(rule.family).or_default() += 1;
    }
    assert!(engine().rules().rules().len() >= 150);
    for (family, fewest) in [
        (Family::Injection, 40),
        (Family::Jailbreak, 10),
        (Family::HiddenText, 10),
        (Family::Exfiltration, 25),
        (Family::ToolPoisoning, 20),
        (Family::Secret, 40),
        (Family::Pii, 3),
    ] {
        assert!(families[&family] >= fewest, "{family:?}: {}", families[&family]);
    }
}

#[test]
fn a_rule_is_called_after_its_file() {
    for (path, text) in RuleSet::builtin_files() {
        let (rules, problems) = RuleSet::parse([(path, text)]);
        assert!(problems.is_empty(), "{problems:?}");
        let rule = &rules.rules()[0];
        assert_eq!(format!("{}.toml", rule.id.replacen('.', "/", 1)), path);
        assert!(rule.title.len() <= 80 && !rule.title.ends_with('.'), "{}: {}", rule.id, rule.title);
    }
}

#[test]
fn every_rule_file_of_the_repository_is_built_in() {
    let directory = repository("engine/core/rules");
    let mut files: Vec<String> = files_below(&directory)
        .iter()
        .map(|path| path.strip_prefix(&directory).unwrap().display().to_string().replace('\\', "/"))
        .collect();
    let mut builtin: Vec<String> = RuleSet::builtin_files().map(|(path, _)| path.to_owned()).collect();
    files.sort();
    builtin.sort();
    assert_eq!(files, builtin);
    assert_eq!(builtin.len(), RuleSet::builtin().rules().len());
}

#[test]
fn taxonomies_name_their_edition() {
    for rule in engine().rules().rules() {
        let form = |ids: &[String], prefix: &str, suffix: &str| {
            ids.iter().all(|id| id.starts_with(prefix) && id.ends_with(suffix))
        };
        let taxonomy = &rule.taxonomy;
        assert!(form(&taxonomy.owasp_llm, "LLM", ":2025"), "{}: {:?}", rule.id, taxonomy.owasp_llm);
        assert!(form(&taxonomy.owasp_mcp, "MCP", ":2025"), "{}: {:?}", rule.id, taxonomy.owasp_mcp);
        assert!(form(&taxonomy.atlas, "AML.T", ""), "{}: {:?}", rule.id, taxonomy.atlas);
        assert!(form(&taxonomy.cwe, "CWE-", ""), "{}: {:?}", rule.id, taxonomy.cwe);
    }
}

#[test]
fn rules_can_be_found_by_id() {
    let rules = RuleSet::builtin();
    assert!(rules.rules().is_sorted_by(|a, b| a.id < b.id));
    assert!(rules.rules().iter().all(|rule| rules.get(&rule.id).is_some_and(|found| found.id == rule.id)));
    assert!(rules.get("injection.nothing").is_none());
    assert_eq!(rules.closest("injection.ignore-previuos"), Some("injection.ignore-previous"));
    assert_eq!(closest("zzz", ["alpha", "beta"]), None);
}

#[test]
fn a_pack_can_replace_a_rule() {
    let mine = include_str!("../engine/core/rules/injection/ignore-previous.toml")
        .replace("severity = \"high\"", "severity = \"info\"");
    let (mine, problems) = RuleSet::parse([("mine.toml", &*mine)]);
    assert!(problems.is_empty(), "{problems:?}");
    let mut rules = RuleSet::builtin();
    let count = rules.rules().len();
    rules.merge(mine);
    assert_eq!(rules.rules().len(), count);
    assert_eq!(rules.get("injection.ignore-previous").unwrap().severity, tamiz_core::Severity::Info);
}
