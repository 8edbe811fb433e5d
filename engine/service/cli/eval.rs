//! `tamiz eval`: recall, false alarms and latency on labelled records.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{ClassifyArgs, Outcome, RuleArgs};
use crate::eval::leaks::{self, TypeMap};
use crate::eval::{self, Options, mutate};
use crate::packs;

#[derive(Debug, Args)]
#[command(
    after_help = "A record is a JSON object on a line of its own: {\"id\", \"text\", \"label\", \"surface\", \"kind\", \"lang\", \
    \"source\"}.\nlabel 1 means that the text tries to steer the model that reads it. surface is user_prompt, tool_output,\n\
    tool_metadata or document. Files may be compressed (.zst, .gz).\n\nFor --task leaks: {\"id\", \"text\", \"label\", \"types\": \
    [\"CREDIT_CARD\"], \"spans\": [[start, end]] or\n[{\"start\", \"end\", \"type\"}]} in characters. label 1 means that something \
    leaks; label 0 with types, that nothing\nof these types does. --types maps foreign type names to rules:\n  [types]\n  \
    CREDIT_CARD = [\"pii.payment-card\", \"pii.payment-card-labelled\"]\n  slack = [\"secret.slack-*\"]\n  PERSON = []   \
    # known, and looked for by no rule"
)]
pub(super) struct EvalArgs {
    /// Files of records.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What the labels are about.
    #[arg(long, value_enum, default_value_t = TaskArg::Injection)]
    task: TaskArg,
    /// For --task leaks: a TOML file that says which rules find which type. The names of Gitleaks and Presidio are known.
    #[arg(long, value_name = "FILE")]
    types: Option<PathBuf>,
    /// How to report. Default: human on a terminal, json into a pipe.
    #[arg(long, value_enum)]
    output: Option<OutputArg>,
    /// List this many of the worst misses and false alarms.
    #[arg(long, value_name = "N", default_value_t = 0)]
    errors: usize,
    /// Find and print the score threshold for this false-positive rate (0.01 is 1 %). May be given again.
    #[arg(long, value_name = "RATE")]
    threshold_fpr: Vec<f64>,
    /// Disguise each record in many ways (ciphers, encodings, look-alike letters, layout) and measure what of the attacks that are
    /// caught plain is still caught, and what of the rest is stopped.
    #[arg(long, conflicts_with = "threshold_fpr")]
    mutate: bool,
    /// With --mutate: only this technique, or this group of them. May be given again.
    #[arg(long, value_name = "NAME", requires = "mutate")]
    technique: Vec<String>,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    classifier: ClassifyArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum, PartialEq, Eq)]
enum TaskArg {
    /// Whether the text tries to steer the model that reads it.
    Injection,
    /// Which secrets and personal data are in it, and where.
    Leaks,
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
    let engine = args.rules.builder()?.classifier(args.classifier.cascade()?).build()?;
    let human = args.output.map_or_else(|| io::stdout().is_terminal(), |output| output == OutputArg::Human);
    match args.task {
        TaskArg::Injection => {
            if args.types.is_some() {
                anyhow::bail!("--types is for --task leaks");
            }
            if args.mutate {
                let result = mutate::run(&engine, &args.files, &args.technique, args.errors)?;
                return tell(human, &result, mutate::table, &result.problems);
            }
            let options = Options { errors: args.errors, threshold_fpr: args.threshold_fpr };
            let result = eval::run(&engine, &args.files, &options)?;
            tell(human, &result, eval::table, &result.problems)
        }
        TaskArg::Leaks => {
            if args.mutate {
                anyhow::bail!("--mutate is for --task injection");
            }
            if !args.threshold_fpr.is_empty() {
                anyhow::bail!("--threshold-fpr is for --task injection");
            }
            let text = args.types.as_deref().map(packs::read).transpose()?;
            let name = args.types.as_deref().map(|path| path.display().to_string());
            let types = TypeMap::new(engine.rules(), name.as_deref().zip(text.as_deref()))?;
            let result = leaks::run(&engine, &args.files, &types, args.errors)?;
            tell(human, &result, leaks::table, &result.problems)
        }
    }
}

fn tell<T: Serialize>(
    human: bool,
    result: &T,
    table: impl Fn(&T) -> String,
    problems: &[String],
) -> anyhow::Result<Outcome> {
    let mut out = io::stdout().lock();
    if human {
        write!(out, "{}", table(result))?;
    } else {
        writeln!(out, "{:#}", serde_json::to_value(result)?)?;
    }
    for problem in problems {
        writeln!(io::stderr(), "error: {}", super::printable(problem))?;
    }
    Ok(if problems.is_empty() { Outcome::Clean } else { Outcome::CouldNot })
}
