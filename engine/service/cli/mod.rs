//! The command line: translates arguments into calls and answers into text, JSON and exit codes.
//!
//! Exit codes: 0 nothing at or above `--fail-on`; 1 something was; 2 something could not be done.

mod bench;
mod canary;
mod complete;
mod config;
mod cost;
mod eval;
mod import;
mod models;
mod prompt;
mod redact;
mod rules;
mod scan;
mod serve;
mod spotlight;
mod tools;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use tamiz_core::{Cascade, Classify, ContentKind, Engine, EngineBuilder, Format, Policy, RuleSet};

use crate::canary::Canaries;
use crate::config::ClassifierConfig;
use crate::matcher::{self, MatcherChoice};
use crate::{assemble, classifier, clock, packs};

/// Inspects what goes into and comes out of language models: prompt injection, tool poisoning, data leaks.
#[derive(Debug, Parser)]
#[command(
    name = "tamiz",
    version,
    propagate_version = true,
    max_term_width = 110,
    after_help = "Try:  tamiz scan examples/        what is in these files?\n      \
                  echo 'Ignore all previous instructions' | tamiz scan -\n      \
                  tamiz rules list                what is looked for\n      \
                  tamiz serve                     the same over gRPC\n\n\
                  Exit codes: 0 nothing found, 1 found at or above --fail-on, 2 something could not be done."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Inspect files, directories or standard input.
    Scan(Box<scan::ScanArgs>),
    /// Replace secrets and personal data, and neutralise what steers a model.
    Redact(Box<redact::RedactArgs>),
    /// Open what `tamiz redact --mode seal` sealed.
    Reveal(redact::RevealArgs),
    /// Make keys for `redact` and `reveal`.
    #[command(subcommand)]
    Key(redact::KeyCommand),
    /// Mark a text as data for the model that will read it.
    Spotlight(spotlight::SpotlightArgs),
    /// Take the marks of `tamiz spotlight` out again.
    Unspotlight(spotlight::UnspotlightArgs),
    /// Serve inspections over gRPC.
    Serve(serve::ServeArgs),
    /// List, show and check rules.
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// List, verify and show classifier models.
    #[command(subcommand)]
    Models(models::ModelsCommand),
    /// Make and list canaries: made-up secrets to plant, and to hear of when they turn up.
    #[command(subcommand)]
    Canary(canary::CanaryCommand),
    /// Register prompts whose passages must not come out again.
    #[command(subcommand)]
    Prompt(prompt::PromptCommand),
    /// Pin, check and approve what MCP servers say of their tools.
    #[command(subcommand)]
    Tools(tools::ToolsCommand),
    /// Measure recall, false alarms and latency on labelled records.
    Eval(eval::EvalArgs),
    /// Measure how fast this machine inspects, stage by stage.
    Bench(bench::BenchArgs),
    /// Check or print the configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff); `tamiz man | man -l -` shows it.
    Man,
    /// Print the JSON Schema of a report.
    Schema,
}

/// Rules and policy to use, shared by several commands.
#[derive(Debug, Args, Default, Clone)]
pub(crate) struct RuleArgs {
    /// Add the rules in this directory (`*.toml`, recursively); a rule with a known id replaces it. May be given again.
    #[arg(long = "rules", value_name = "DIR")]
    pub(crate) rule_dirs: Vec<PathBuf>,
    /// Leave the built-in rules out.
    #[arg(long)]
    pub(crate) no_builtin_rules: bool,
    /// Decide by this policy instead of the shipped one.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Search with this back end (default auto). All give the same findings.
    #[arg(long, value_name = "NAME")]
    pub(crate) matcher: Option<MatcherChoice>,
    /// Look for the canaries of this file (`tamiz canary new`); needs --fingerprint-key.
    #[arg(long, value_name = "FILE")]
    pub(crate) canaries: Option<PathBuf>,
    /// Look for passages of the prompts whose prints are in this file (`tamiz prompt register`).
    #[arg(long, value_name = "FILE")]
    pub(crate) prompts: Option<PathBuf>,
    /// The key file whose first key makes fingerprints, canaries and prompt prints; `tamiz key new` makes one.
    #[arg(long, value_name = "FILE")]
    pub(crate) fingerprint_key: Option<PathBuf>,
}

impl RuleArgs {
    /// An engine as these say, but for its limits.
    pub(crate) fn builder(&self) -> anyhow::Result<EngineBuilder> {
        let key = self.fingerprint_key.as_deref().map(assemble::key).transpose()?;
        let mut rules = packs::rules(&self.rule_dirs, !self.no_builtin_rules)?;
        if let Some(file) = &self.canaries {
            let key = key.context("--canaries needs --fingerprint-key: the key that they were made with")?;
            rules.merge(Canaries::read(file, &key)?.rules(&key)?);
        }
        let policy = self.policy(&rules)?;
        let backend = matcher::backend(self.matcher.unwrap_or_default(), None, false)?;
        let mut builder = Engine::builder().rules(rules).policy(policy).backend(backend);
        if let Some(key) = key {
            builder = builder.fingerprint_key(key);
        }
        if let Some(file) = &self.prompts {
            builder = builder.registered_prompts(packs::prompts(file, key)?);
        }
        Ok(builder)
    }
}

impl RuleArgs {
    /// The policy that these name, or the shipped one. What of it has ended is told.
    pub(crate) fn policy(&self, rules: &RuleSet) -> anyhow::Result<Policy> {
        let policy = packs::policy(self.policy.as_deref(), rules)?;
        for ended in policy.ended_suppressions(clock::today()) {
            writeln!(io::stderr(), "warning: {}", printable(&ended))?;
        }
        Ok(policy)
    }
}

/// The classifier to use, shared by several commands.
#[derive(Debug, Args, Default, Clone)]
pub(crate) struct ClassifyArgs {
    /// When to ask the classifier (default auto).
    #[arg(long, value_enum, value_name = "WHEN", env = "TAMIZ_CLASSIFIER_MODE", hide_env = true)]
    pub(crate) classify: Option<ClassifyArg>,
    /// Folder of the classifier's model. Default: models/ beside the program, then tamiz/models in the user's data directory;
    /// if there is none, the linear stage that is built in.
    #[arg(long, value_name = "DIR", env = "TAMIZ_CLASSIFIER_MODEL", hide_env = true)]
    pub(crate) model: Option<PathBuf>,
    /// The library ONNX Runtime. Default: where scripts/onnxruntime.sh puts it.
    #[arg(long, value_name = "FILE", env = "TAMIZ_CLASSIFIER_LIBRARY", hide_env = true)]
    pub(crate) onnxruntime: Option<PathBuf>,
    /// What the classifier runs on: cpu, cuda:N, tensorrt:N, openvino, coreml, directml; the first of several that works.
    #[arg(long, value_name = "NAMES", env = "TAMIZ_CLASSIFIER_PROVIDERS", hide_env = true)]
    pub(crate) provider: Option<String>,
}

impl ClassifyArgs {
    /// What was named has to be there.
    pub(crate) fn cascade(&self) -> anyhow::Result<Cascade> {
        let mut config = ClassifierConfig::default();
        if let Some(classify) = self.classify {
            config.mode = classify.into();
        }
        config.model.clone_from(&self.model);
        config.library.clone_from(&self.onnxruntime);
        if let Some(providers) = &self.provider {
            config.providers.clone_from(providers);
        }
        if config.mode == Classify::Off {
            return Ok(Cascade::default().with_mode(Classify::Off));
        }
        classifier::stated_cascade(&config)
    }
}

/// `--classify`
#[derive(Debug, Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum ClassifyArg {
    /// Never.
    Off,
    /// The linear stage; what it does not settle goes to the encoder, if there is one.
    Auto,
    /// The encoder gets everything; without one as auto.
    Always,
}

impl From<ClassifyArg> for Classify {
    fn from(arg: ClassifyArg) -> Self {
        match arg {
            ClassifyArg::Off => Self::Off,
            ClassifyArg::Auto => Self::Auto,
            ClassifyArg::Always => Self::Always,
        }
    }
}

/// `--kind`
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KindArg {
    /// Text from the user of the model.
    Prompt,
    /// Arguments that the model passes to a tool.
    ToolArguments,
    /// What a tool, web page or file gave back.
    ToolOutput,
    /// Names, descriptions and schemas of tools.
    ToolMetadata,
    /// What the model said.
    ModelOutput,
}

impl From<KindArg> for ContentKind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Prompt => Self::Prompt,
            KindArg::ToolArguments => Self::ToolArguments,
            KindArg::ToolOutput => Self::ToolOutput,
            KindArg::ToolMetadata => Self::ToolMetadata,
            KindArg::ModelOutput => Self::ModelOutput,
        }
    }
}

/// `--format`
#[derive(Debug, Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum FormatArg {
    /// Find out.
    Auto,
    /// Plain text.
    Text,
    /// One JSON value per file; chat transcripts and MCP messages are recognised.
    Json,
    /// One JSON value per line, one report each.
    Jsonl,
    /// MCP JSON-RPC.
    Mcp,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Auto => Self::Auto,
            FormatArg::Text => Self::Text,
            FormatArg::Json => Self::Json,
            FormatArg::Jsonl => Self::Jsonl,
            FormatArg::Mcp => Self::Mcp,
        }
    }
}

/// How a command that did its work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Clean,
    Found,
    CouldNot,
}

/// Runs the command line given to the process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not mistakes.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    // A gate whose report nobody read to the end has not passed.
    let cut_off =
        if matches!(cli.command, Command::Scan(_) | Command::Tools(_)) { ExitCode::from(2) } else { ExitCode::SUCCESS };
    match run(cli.command) {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Ok(Outcome::CouldNot) => ExitCode::from(2),
        Err(error) if is_broken_pipe(&error) => cut_off,
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "{}", printable(&describe(&error)));
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Scan(args) => scan::run(*args),
        Command::Redact(args) => redact::redact(*args),
        Command::Reveal(args) => redact::reveal_tokens(args),
        Command::Key(command) => redact::key(command),
        Command::Spotlight(args) => spotlight::spotlight(args),
        Command::Unspotlight(args) => spotlight::unspotlight(args),
        Command::Serve(args) => serve::run(args),
        Command::Rules(command) => rules::run(command),
        Command::Canary(command) => canary::run(command),
        Command::Prompt(command) => prompt::run(command),
        Command::Models(command) => models::run(command),
        Command::Tools(command) => tools::run(command),
        Command::Eval(args) => eval::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Config(command) => config::run(command),
        Command::Completions { shell } => complete::completions(shell, Cli::command()),
        Command::Man => complete::man(Cli::command()),
        Command::Schema => {
            writeln!(io::stdout(), "{:#}", tamiz_core::Report::json_schema())?;
            Ok(Outcome::Clean)
        }
    }
}

/// `error: …`, unless the message already says so itself, as diagnostics with a place do.
fn describe(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    if text.contains(": error[") { text.trim_end().to_owned() } else { format!("error: {text}") }
}

/// A message without control characters: the name of a file is as hostile as its content.
fn printable(message: &str) -> String {
    let shown = |character: char| if character.is_control() && character != '\n' { '\u{fffd}' } else { character };
    message.chars().map(shown).collect()
}

/// Whether the reader of our output went away, as `head` does.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
