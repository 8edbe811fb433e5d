//! `tamiz eval`: recall, false alarms and latency on labelled records.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tamiz_core::Engine;

use super::{ClassifyArgs, Outcome, RuleArgs};
use crate::eval::{self, Options};
use crate::{matcher, packs};

#[derive(Debug, Args)]
#[command(
    after_help = "A record is a JSON object on a line of its own: {\"id\", \"text\", \"label\", \"surface\", \"kind\", \"lang\", \
    \"source\"}.\nlabel 1 means that the text tries to steer the model that reads it. surface is user_prompt, tool_output,\n\
    tool_metadata or document. Files may be compressed (.zst, .gz)."
)]
pub(super) struct EvalArgs {
    /// Files of records.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// How to report. Default: human on a terminal, json into a pipe.
    #[arg(long, value_enum)]
    output: Option<OutputArg>,
    /// List this many of the worst misses and false alarms.
    #[arg(long, value_name = "N", default_value_t = 0)]
    errors: usize,
    /// Find and print the score threshold for this false-positive rate (0.01 is 1 %). May be given again.
    #[arg(long, value_name = "RATE")]
    threshold_fpr: Vec<f64>,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    classifier: ClassifyArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum, PartialEq, Eq)]
enum OutputArg {
    /// Tables.
    Human,
    /// One object.
    Json,
}

pub(super) fn run(args: EvalArgs) -> anyhow::Result<Outcome> {
    if let Some(rate) = args.threshold_fpr.iter().find(|rate| !(0.0..=1.0).contains(*rate)) {
        anyhow::bail!("--threshold-fpr {rate}: a rate is between 0 and 1; 1 % is 0.01");
    }
    let rules = packs::rules(&args.rules.rule_dirs, !args.rules.no_builtin_rules)?;
    let policy = packs::policy(args.rules.policy.as_deref(), &rules)?;
    let backend = matcher::backend(args.rules.matcher.unwrap_or_default(), None, false)?;
    let cascade = args.classifier.cascade()?;
    let engine = Engine::builder().rules(rules).policy(policy).backend(backend).classifier(cascade).build()?;
    let options = Options { errors: args.errors, threshold_fpr: args.threshold_fpr };
    let result = eval::run(&engine, &args.files, &options)?;
    let human = args.output.map_or_else(|| io::stdout().is_terminal(), |output| output == OutputArg::Human);
    let mut out = io::stdout().lock();
    if human {
        write!(out, "{}", eval::table(&result))?;
    } else {
        writeln!(out, "{:#}", serde_json::to_value(&result)?)?;
    }
    for problem in &result.problems {
        writeln!(io::stderr(), "error: {}", super::printable(problem))?;
    }
    Ok(if result.problems.is_empty() { Outcome::Clean } else { Outcome::CouldNot })
}
