//! `tamiz bench`: how fast this machine inspects.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tamiz_core::{Classifier, closest};

use super::{ClassifyArgs, Outcome, RuleArgs};
use crate::bench::{self, Options, Stage};

#[derive(Debug, Args)]
#[command(
    after_help = "Texts: prose, code, json, chat, multilingual; hard (policy and security prose that talks about prompts);\n\
    adversarial (made to be dear: adversarial/all-hits, /near-misses, /one-gram, /digits, /aaaa, /base64, /deep-json).\n\n\
    To compare machines, run the same version with the same rules on both, idle, and compare `scan` of the texts and\n\
    sizes that are yours. docs/bench.md says what each stage is.\n\n\
    Examples:\n  \
    tamiz bench\n  \
    tamiz bench --quick --text prose --text json --size 2KB\n  \
    tamiz bench --stage scan --output json > this-machine.json"
)]
pub(super) struct BenchArgs {
    /// Measure only this stage. May be given again.
    #[arg(long = "stage", value_enum, value_name = "STAGE")]
    stages: Vec<StageArg>,
    /// Measure the classifier's encoder only.
    #[arg(long, conflicts_with = "stages")]
    encoder: bool,
    /// Measure only this text. May be given again.
    #[arg(long = "text", value_name = "TEXT", value_parser = text_name)]
    texts: Vec<String>,
    /// Measure only this size (2048, 2KB, 1MB; up to 16MB) instead of 256 B, 2 KB, 16 KB and 1 MB. May be given again.
    #[arg(long = "size", value_name = "SIZE", value_parser = size)]
    sizes: Vec<usize>,
    /// About how long all of it may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0, value_parser = seconds)]
    seconds: f64,
    /// Take 4 seconds: enough to tell twice as fast, not a tenth.
    #[arg(long, conflicts_with = "seconds")]
    quick: bool,
    /// How to report. Default: human on a terminal, json into a pipe.
    #[arg(long, value_enum)]
    output: Option<OutputArg>,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    classifier: ClassifyArgs,
    /// Measure the encoder of this model too, in turns with that of --model. May be given again.
    #[arg(long = "peer", value_name = "DIR")]
    peers: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum, PartialEq, Eq)]
enum OutputArg {
    /// A table.
    Human,
    /// One object.
    Json,
}

/// `--stage`
#[derive(Debug, Clone, Copy, ValueEnum)]
enum StageArg {
    /// Making case, white space, look-alikes equal.
    Fold,
    /// Seeing which sorts of bytes there are.
    Classes,
    /// Searching for phrases and for the literals that expressions need.
    Phrases,
    /// The rest of a scan: decoding, expressions, detectors.
    Confirm,
    /// All of it.
    Scan,
}

impl From<StageArg> for Stage {
    fn from(stage: StageArg) -> Self {
        match stage {
            StageArg::Fold => Self::Fold,
            StageArg::Classes => Self::Classes,
            StageArg::Phrases => Self::Phrases,
            StageArg::Confirm => Self::Confirm,
            StageArg::Scan => Self::Scan,
        }
    }
}

fn text_name(name: &str) -> Result<String, String> {
    let mut known: Vec<&str> = bench::text_names().collect();
    known.push("adversarial");
    if known.contains(&name) {
        return Ok(name.to_owned());
    }
    let near = closest(name, known.iter().copied()).map_or(".".into(), |near| format!("; did you mean `{near}`?"));
    Err(format!("no text of that name{near} There are {}", known.join(", ")))
}

fn size(text: &str) -> Result<usize, String> {
    let lower = text.trim().to_ascii_lowercase();
    let (digits, unit) = lower.split_at(lower.find(|c: char| !c.is_ascii_digit()).unwrap_or(lower.len()));
    let factor = match unit.trim() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        _ => 0,
    };
    let bytes = digits.parse::<usize>().ok().and_then(|count| count.checked_mul(factor));
    bytes
        .filter(|bytes| (64..=16 << 20).contains(bytes))
        .ok_or_else(|| "a size is from 64 B to 16 MB: 2048, 2KB, 1MB".into())
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.1..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "a number of seconds from 0.1 to 3600".into())
}

pub(super) fn run(args: BenchArgs) -> anyhow::Result<Outcome> {
    let engine = args.rules.builder()?.build()?;
    let encoders = encoders(&args)?;
    if args.encoder && encoders.is_empty() {
        anyhow::bail!("no encoder to measure: name a model with --model");
    }
    let seconds = if args.quick { 4.0 } else { args.seconds };
    let options = Options {
        stages: args.stages.into_iter().map(Into::into).collect(),
        texts: args.texts,
        sizes: args.sizes,
        time: Duration::from_secs_f64(seconds),
        encoders,
        encoders_only: args.encoder,
    };
    if io::stderr().is_terminal() {
        writeln!(io::stderr(), "measuring for about {seconds:.0} s; leave the machine alone meanwhile")?;
    }
    let report = bench::run(&engine, &options)?;
    let human = args.output.map_or_else(|| io::stdout().is_terminal(), |output| output == OutputArg::Human);
    let mut out = io::stdout().lock();
    if human {
        write!(out, "{}", bench::table(&report))?;
    } else {
        writeln!(out, "{:#}", serde_json::to_value(&report)?)?;
    }
    Ok(Outcome::Clean)
}

/// The encoder of the model in use, if there is one, and those it is compared with.
fn encoders(args: &BenchArgs) -> anyhow::Result<Vec<Arc<dyn Classifier>>> {
    let mut encoders: Vec<Arc<dyn Classifier>> = args.classifier.cascade()?.encoder().cloned().into_iter().collect();
    for peer in &args.peers {
        let cascade = ClassifyArgs { model: Some(peer.clone()), ..args.classifier.clone() }.cascade()?;
        match cascade.encoder() {
            Some(encoder) => encoders.push(Arc::clone(encoder)),
            None => anyhow::bail!("{}: {}", peer.display(), cascade.why().unwrap_or("it has no encoder")),
        }
    }
    Ok(encoders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [("256", 256), ("256B", 256), ("2KB", 2048), ("16 kb", 16 << 10), ("1MiB", 1 << 20)] {
            assert_eq!(size(text), Ok(bytes));
        }
        for wrong in ["", "KB", "2GB", "17MB", "12", "-1", "99999999999999999999MB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
