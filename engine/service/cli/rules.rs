//! `tamiz rules`: what is looked for, and whether it is sound.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::{Subcommand, ValueEnum};
use tamiz_core::{Confidence, Engine, Family, Rule, RuleSet, Severity, check_examples};

use super::cost::{self, CostArgs};
use super::import::{self, ImportCommand};
use super::{KindArg, Outcome, RuleArgs};
use crate::eval::rules as on_texts;
use crate::packs;

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// List the rules, one a line.
    List {
        #[command(flatten)]
        rules: RuleArgs,
        /// Only rules of this family (injection, jailbreak, hidden-text, exfiltration, tool-poisoning, tool-misuse, secret, pii).
        #[arg(long)]
        family: Option<String>,
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Show one rule: what it catches, why, what to do, examples.
    Show {
        /// The rule's id.
        id: String,
        #[command(flatten)]
        rules: RuleArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check rule files: form, literals, bounds, and that each finds its own examples. Without paths, the built-in rules.
    Check {
        /// Rule files or directories.
        paths: Vec<PathBuf>,
        #[command(flatten)]
        cost: CostArgs,
    },
    /// Make rule files of the rules of another tool; tells what could not be taken over, and why. Exit code 1: not all were.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Run every rule's examples and count; with --on, try each rule on labelled records or texts: precision and near misses.
    #[command(
        after_help = "A record is a line of a .jsonl file (also .zst, .gz): {\"text\", \"label\", \"surface\"}; label 1 means that it \
        should be found,\n0 that it should not. A text without a label is only counted. Any other file is one text.\n\nEvery match of an \
        expression has one text of each of some sets of fixed texts. A near miss is a text in which\nnothing of the rule matches, though the \
        rarest of these sets stands there and, within the length of a match\naround it, all of the others but one. Near misses among the \
        positives show what to widen a rule for, those among\nthe negatives what it just spares. Expressions with one set, phrases, shapes and \
        detectors have none."
    )]
    Test {
        #[command(flatten)]
        rules: RuleArgs,
        /// Only rules whose id starts with this.
        #[arg(long, default_value = "")]
        only: String,
        /// Try the rules on these files.
        #[arg(long, value_name = "FILE", num_args = 1..)]
        on: Vec<PathBuf>,
        /// With --on: what texts are that do not say it.
        #[arg(long, value_enum, default_value = "tool-output", requires = "on")]
        kind: KindArg,
        /// With --on: how to report. Default: human on a terminal, json into a pipe.
        #[arg(long, value_enum, requires = "on")]
        output: Option<TestOutput>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(super) enum TestOutput {
    /// A table.
    Human,
    /// One object.
    Json,
}

pub(super) fn run(command: RulesCommand) -> anyhow::Result<Outcome> {
    match command {
        RulesCommand::List { rules, family, json } => list(&rules, family.as_deref(), json),
        RulesCommand::Show { id, rules, json } => show(&id, &rules, json),
        RulesCommand::Check { paths, cost } => check(&paths, &cost),
        RulesCommand::Import(command) => import::run(command),
        RulesCommand::Test { rules, only, on, .. } if on.is_empty() => test(&rules, &only),
        RulesCommand::Test { rules, only, on, kind, output } => try_on(&rules, &only, &on, kind, output),
    }
}

fn list(args: &RuleArgs, family: Option<&str>, json: bool) -> anyhow::Result<Outcome> {
    let rules = packs::rules(&args.rule_dirs, !args.no_builtin_rules)?;
    if let Some(name) = family
        && Family::parse(name).is_none()
    {
        let known = Family::ALL.map(Family::as_str).join(", ");
        anyhow::bail!("unknown family `{name}`; families are {known}");
    }
    let wanted = |rule: &&Rule| family.is_none_or(|name| rule.family.as_str() == name);
    let chosen: Vec<&Rule> = rules.rules().iter().filter(wanted).collect();
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{:#}", serde_json::to_value(&chosen)?)?;
        return Ok(Outcome::Clean);
    }
    let width = chosen.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    for rule in &chosen {
        let (severity, confidence) = (rule.severity.as_str(), rule.confidence.as_str());
        writeln!(out, "{:width$}  {severity:8} {confidence:6}  {}", rule.id, rule.title)?;
    }
    if io::stdout().is_terminal() {
        writeln!(out, "\n{} rules; `tamiz rules show ID` explains one", chosen.len())?;
    }
    Ok(Outcome::Clean)
}

fn show(id: &str, args: &RuleArgs, json: bool) -> anyhow::Result<Outcome> {
    let rules = packs::rules(&args.rule_dirs, !args.no_builtin_rules)?;
    let Some(rule) = rules.get(id) else {
        let near = rules.closest(id).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        anyhow::bail!("no rule `{id}`{near} (`tamiz rules list` shows them all)");
    };
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{:#}", serde_json::to_value(rule)?)?;
        return Ok(Outcome::Clean);
    }
    writeln!(out, "{}\n  {}\n", rule.id, rule.title)?;
    writeln!(out, "  severity    {}\n  confidence  {}", rule.severity.as_str(), rule.confidence.as_str())?;
    let kinds: Vec<&str> = rule.content_kinds.iter().map(|kind| kind.as_str()).collect();
    writeln!(out, "  applies to  {}", kinds.join(", "))?;
    for (list, ids) in rule.taxonomy.lists() {
        writeln!(out, "  {list:10}  {}", ids.join(", "))?;
    }
    for (title, text) in
        [("What it catches", &rule.description), ("Why it matters", &rule.why), ("What to do", &rule.remedy)]
    {
        writeln!(out, "\n{title}\n  {}", text.trim())?;
    }
    if !rule.phrases.is_empty() {
        let phrases = rule.expanded_phrases();
        let shown: Vec<&str> = phrases.iter().take(5).map(String::as_str).collect();
        writeln!(out, "\nLooks for {} phrases, such as\n  {}", phrases.len(), shown.join("\n  "))?;
    }
    if !rule.patterns.is_empty() {
        writeln!(out, "\nLooks for expressions\n  {}", rule.patterns.join("\n  "))?;
    }
    if let Some(detector) = &rule.detector {
        writeln!(out, "\nLooks with the detector `{detector}`")?;
    }
    for (title, examples) in [("Finds", &rule.examples), ("Leaves alone", &rule.negative_examples)] {
        writeln!(out, "\n{title}")?;
        for example in examples {
            writeln!(out, "  {}", example.escape_debug())?;
        }
    }
    writeln!(
        out,
        "\nTo turn it off, put into a policy file:\n  [[override]]\n  rules = [\"{}\"]\n  action = \"allow\"",
        rule.id
    )?;
    Ok(Outcome::Clean)
}

fn check(paths: &[PathBuf], cost: &CostArgs) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let mut files: Vec<(String, String)> = Vec::new();
    if paths.is_empty() {
        files.extend(RuleSet::builtin_files().map(|(name, text)| (name.to_owned(), text.to_owned())));
    }
    for path in paths {
        files.extend(packs::rule_files(path)?);
    }
    if files.is_empty() {
        anyhow::bail!("no *.toml rule files in the paths given");
    }
    let (rules, mut problems) = RuleSet::parse(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let count = rules.rules().len();
    let engine = Engine::builder().rules(rules).build()?;
    problems.extend(check_examples(&engine).into_iter().flat_map(|(_, outcome)| outcome.problems));
    let mut err = io::stderr().lock();
    for problem in &problems {
        writeln!(err, "{problem}")?;
    }
    let verdict = if problems.is_empty() { "all sound".to_owned() } else { format!("{} problems", problems.len()) };
    let elapsed = started.elapsed().as_millis();
    writeln!(io::stdout(), "{count} rules from {} files: {verdict} ({elapsed} ms)", files.len())?;
    let cheap = !cost.wanted() || cost::report(engine.rules().rules(), cost)?;
    Ok(if problems.is_empty() && cheap { Outcome::Clean } else { Outcome::Found })
}

fn try_on(
    args: &RuleArgs,
    only: &str,
    files: &[PathBuf],
    kind: KindArg,
    output: Option<TestOutput>,
) -> anyhow::Result<Outcome> {
    let engine = args.builder()?.build()?;
    if !engine.rules().rules().iter().any(|rule| rule.id.starts_with(only)) {
        anyhow::bail!("no rule starts with `{only}` (`tamiz rules list` shows them all)");
    }
    let result = on_texts::run(&engine, files, kind.into(), only)?;
    let human = output.map_or_else(|| io::stdout().is_terminal(), |output| output == TestOutput::Human);
    let mut out = io::stdout().lock();
    if human {
        write!(out, "{}", on_texts::table(&result))?;
    } else {
        writeln!(out, "{:#}", serde_json::to_value(&result)?)?;
    }
    for problem in &result.problems {
        writeln!(io::stderr(), "error: {}", super::printable(problem))?;
    }
    Ok(if result.problems.is_empty() { Outcome::Clean } else { Outcome::CouldNot })
}

fn test(args: &RuleArgs, only: &str) -> anyhow::Result<Outcome> {
    let engine = args.builder()?.build()?;
    let mut out = io::stdout().lock();
    let mut failed = 0;
    let width = engine.rules().rules().iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    writeln!(out, "{:width$}  found  left alone  blocks alone", "rule")?;
    for (rule, outcome) in check_examples(&engine).into_iter().filter(|(rule, _)| rule.id.starts_with(only)) {
        let ((found, of), (left, all)) = (outcome.found, outcome.left_alone);
        let alone = if rule.severity >= Severity::High && rule.confidence == Confidence::High { "yes" } else { "" };
        let mark = if outcome.problems.is_empty() { "" } else { "  FAILED" };
        failed += usize::from(!outcome.problems.is_empty());
        writeln!(out, "{:width$}  {found}/{of}    {left}/{all}         {alone}{mark}", rule.id)?;
    }
    if failed > 0 {
        writeln!(io::stderr(), "error: {failed} rules failed their examples; `tamiz rules check` says where")?;
        return Ok(Outcome::Found);
    }
    Ok(Outcome::Clean)
}
