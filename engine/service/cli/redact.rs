//! `tamiz redact`, `tamiz reveal` and `tamiz key`: content without what was found in it, and the way back.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use tamiz_core::{
    Checksum, Content, Conversation, Encoded, Engine, Limits, Numbers, Plan, ScanControl, TransformContext, Treatment,
    reveal,
};

use super::{FormatArg, KindArg, Outcome, RuleArgs};
use crate::keys::{self, KeySource};
use crate::{audit, matcher, packs};

/// Where keys come from.
#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    /// Read keys from this file: one a line, the first seals, all open. `tamiz key new` makes one.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Read keys from the environment variable of this name.
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
    /// Whose keys: what was sealed for one tenant cannot be opened for another.
    #[arg(long, value_name = "NAME", default_value = "")]
    tenant: String,
}

impl KeyArgs {
    fn load(&self) -> anyhow::Result<Vec<tamiz_core::TransformKey>> {
        keys::load(&KeySource { file: self.key_file.clone(), variable: self.key_env.clone() }, &self.tenant)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tamiz redact mail.json > mail.redacted.json\n  \
    tamiz redact page.html --mode keep --neutralise stub\n  \
    tamiz key new ~/tamiz.key; tamiz redact notes.txt --mode seal --key-file ~/tamiz.key > sealed.txt\n  \
    tamiz reveal sealed.txt --key-file ~/tamiz.key\n\n\
    Nothing is written if something that was to go is left, or could not be looked at: exit code 2.")]
pub(super) struct RedactArgs {
    /// A file, or `-` for standard input.
    #[arg(value_name = "PATH", default_value = "-")]
    path: PathBuf,
    /// What becomes of secrets and personal data. `hash`, `pseudonym` and `seal` need a key.
    #[arg(long, value_enum, default_value = "placeholder")]
    mode: Mode,
    /// What becomes of what steers the model: orders, hidden text, channels out.
    #[arg(long, value_enum, default_value = "keep")]
    neutralise: Neutralise,
    /// Follow this plan file instead of --mode and --neutralise.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["mode", "neutralise", "encoded", "numbers", "checksum"])]
    plan: Option<PathBuf>,
    /// What becomes of base64 with a finding in it: the whole blob goes, or it is decoded, redacted and encoded again.
    #[arg(long, value_enum, default_value = "blob")]
    encoded: EncodedArg,
    /// What a JSON number becomes.
    #[arg(long, value_enum, default_value = "string")]
    numbers: NumbersArg,
    /// Check digits of pseudonyms.
    #[arg(long, value_enum, default_value = "invalid")]
    checksum: ChecksumArg,
    /// Seal the same value as the same token in every run.
    #[arg(long)]
    deterministic: bool,
    #[command(flatten)]
    key: KeyArgs,
    /// What the content is. Default: what its structure says (roles, MCP members), else tool output.
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// How the content is written.
    #[arg(long, value_enum, default_value = "auto")]
    format: FormatArg,
    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write what was changed, and what was found before and after, to this file as JSON (`-`: standard error). It holds no content.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write the result even if not all of it could be inspected, or something is left.
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    rules: RuleArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// `[card:1]`, the same for the same value.
    Placeholder,
    /// Nothing in its place.
    Remove,
    /// Asterisks but for the last four.
    Mask,
    /// A keyed hash.
    Hash,
    /// Other letters and digits of the same form.
    Pseudonym,
    /// A token that `tamiz reveal` opens.
    Seal,
    /// It stays.
    Keep,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Neutralise {
    /// It stays.
    Keep,
    /// Nothing in its place.
    Remove,
    /// Links, images, markup, terminal sequences and invisible text stop working; orders become stubs.
    Defang,
    /// It is said to be a quotation.
    Quote,
    /// A note of what was removed.
    Stub,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EncodedArg {
    /// The whole blob is replaced.
    Blob,
    /// Decoded, changed, encoded again.
    Reencode,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum NumbersArg {
    /// A string.
    String,
    /// The number 0.
    Zero,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ChecksumArg {
    /// Wrong.
    Invalid,
    /// Right; then the pseudonym is found like the number.
    Valid,
}

impl RedactArgs {
    fn plan(&self, engine: &Engine) -> anyhow::Result<Plan> {
        if let Some(path) = &self.plan {
            return packs::plan(path, engine.rules().rule_set());
        }
        let leaks = match self.mode {
            Mode::Placeholder => Treatment::Placeholder,
            Mode::Remove => Treatment::Remove,
            Mode::Mask => Treatment::Mask,
            Mode::Hash => Treatment::Hash,
            Mode::Pseudonym => Treatment::Pseudonym,
            Mode::Seal => Treatment::Seal,
            Mode::Keep => Treatment::Keep,
        };
        let steering = match self.neutralise {
            Neutralise::Keep => Treatment::Keep,
            Neutralise::Remove => Treatment::Remove,
            Neutralise::Defang => Treatment::Defang,
            Neutralise::Quote => Treatment::Quote,
            Neutralise::Stub => Treatment::Stub,
        };
        let mut plan = Plan::new(leaks, steering);
        plan.encoded = match self.encoded {
            EncodedArg::Blob => Encoded::Blob,
            EncodedArg::Reencode => Encoded::Reencode,
        };
        plan.numbers = match self.numbers {
            NumbersArg::String => Numbers::String,
            NumbersArg::Zero => Numbers::Zero,
        };
        plan.checksum = match self.checksum {
            ChecksumArg::Invalid => Checksum::Invalid,
            ChecksumArg::Valid => Checksum::Valid,
        };
        Ok(plan)
    }
}

pub(super) fn redact(args: RedactArgs) -> anyhow::Result<Outcome> {
    let rules = packs::rules(&args.rules.rule_dirs, !args.rules.no_builtin_rules)?;
    let policy = args.rules.policy(&rules)?;
    let backend = matcher::backend(args.rules.matcher.unwrap_or_default(), None, false)?;
    let engine = Engine::builder().rules(rules).policy(policy).backend(backend).build()?;
    let plan = args.plan(&engine)?;
    let keys = args.key.load()?;
    let body = read(&args.path, engine.limits().content_bytes())?;
    let content = match args.kind {
        Some(kind) => Content::new(kind.into(), &body),
        None => Content::unplaced(&body),
    };
    let nonce = if args.deterministic { [0; 12] } else { keys::random()? };
    let mut conversation = Conversation::default();
    let mut context = TransformContext { key: keys.first(), nonce, conversation: &mut conversation };
    let content = content.with_format(args.format.into());
    let done = plan
        .apply(&mut engine.scanner(), &content, &mut context, &ScanControl::unlimited())
        .context("give a key with --key-file or --key-env; `tamiz key new` makes one")?;
    if let Some(path) = &args.report {
        let report = json!({ "changes": done.changes, "before": done.before, "after": done.after });
        let text = format!("{report:#}\n");
        if path.as_os_str() == "-" { io::stderr().write_all(text.as_bytes())? } else { fs::write(path, text)? }
    }
    let coverage = &done.after.coverage;
    if !coverage.complete {
        let mut err = io::stderr().lock();
        for skipped in &coverage.skipped {
            writeln!(err, "not done: {}", super::printable(&format!("{}: {}", skipped.what, skipped.why)))?;
        }
        if !args.partial {
            writeln!(err, "error: nothing was written; --partial writes what there is")?;
            return Ok(Outcome::CouldNot);
        }
    }
    write(args.output.as_deref(), &done.content)?;
    Ok(if coverage.complete { Outcome::Clean } else { Outcome::CouldNot })
}

#[derive(Debug, Args)]
#[command(
    after_help = "Tokens of other keys and tenants, and tokens that were changed on the way, stay as they are: exit code 2.\n\
    Each call leaves an audit line: who, when, which keys, how many tokens; never what was in them."
)]
pub(super) struct RevealArgs {
    /// A file, or `-` for standard input.
    #[arg(value_name = "PATH", default_value = "-")]
    path: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    /// How the content is written.
    #[arg(long, value_enum, default_value = "auto")]
    format: FormatArg,
    /// Who does this, for the audit line.
    #[arg(long = "by", value_name = "WHO", env = "USER", hide_env_values = true, visible_alias = "actor")]
    actor: Option<String>,
    /// Add the audit line to this file instead of standard error.
    #[arg(long, value_name = "FILE")]
    audit_file: Option<PathBuf>,
    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn reveal_tokens(args: RevealArgs) -> anyhow::Result<Outcome> {
    let keys = args.key.load()?;
    if keys.is_empty() {
        bail!("give a key with --key-file or --key-env");
    }
    let limits = Limits::default();
    let body = read(&args.path, limits.content_bytes())?;
    let content = Content::unplaced(&body).with_format(args.format.into());
    let revealed = reveal(&content, &limits, &keys);
    let actor = args.actor.context("the audit line needs to know who does this: give --by WHO")?;
    audit::reveal(
        args.audit_file.as_deref(),
        &audit::Reveal {
            actor: &actor,
            source: "cli",
            tenant: &args.key.tenant,
            keys: keys.iter().map(tamiz_core::TransformKey::id).collect(),
            opened: revealed.opened,
            refused: revealed.refused,
        },
    )?;
    write(args.output.as_deref(), &revealed.content)?;
    if revealed.refused > 0 {
        let message = "tokens were not opened: another key or tenant made them, or they were changed";
        writeln!(io::stderr(), "error: {} {message}", revealed.refused)?;
        return Ok(Outcome::CouldNot);
    }
    Ok(Outcome::Clean)
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key from random bytes of the system.
    New {
        /// Write it to this new file, which only its owner can read. Default: standard output.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// Its name, which stands in every token: 1 to 32 lower-case letters, digits and hyphens. Default: a random one.
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
}

pub(super) fn key(command: KeyCommand) -> anyhow::Result<Outcome> {
    let KeyCommand::New { file, id } = command;
    let line = keys::generate(id.as_deref())?;
    match file {
        Some(file) => keys::write_new(&file, &line)?,
        None => io::stdout().write_all(line.as_bytes())?,
    }
    Ok(Outcome::Clean)
}

/// A file or standard input. What is too long to be looked at whole is refused: it could not be passed on.
pub(super) fn read(path: &Path, limit: usize) -> anyhow::Result<Vec<u8>> {
    let name = path.display();
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).with_context(|| format!("{name}: cannot be read"))?)
    };
    let mut body = Vec::new();
    source.take(limit as u64 + 1).read_to_end(&mut body).with_context(|| format!("{name}: cannot be read"))?;
    if body.len() > limit {
        bail!("{name}: it is longer than {limit} bytes; split it");
    }
    Ok(body)
}

pub(super) fn write(path: Option<&Path>, content: &[u8]) -> anyhow::Result<()> {
    match path {
        Some(path) => fs::write(path, content).with_context(|| format!("{}: cannot be written", path.display())),
        None => {
            let mut out = io::stdout().lock();
            out.write_all(content)?;
            Ok(out.flush()?)
        }
    }
}
