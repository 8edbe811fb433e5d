//! `tamiz tools`: the catalogue of approved tools.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use tamiz_core::{Action, Engine, Label};

use super::{Outcome, RuleArgs};
use crate::catalogue::{By, CallOutcome, Catalogue, FirstSight, LabelledCall, Look, State, Status, ToolReport};
use crate::{catalogue, config, matcher, packs};

/// Largest listing or message read, in bytes.
const LARGEST: u64 = 64 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum ToolsCommand {
    /// Remember what a server lists; tools seen for the first time are approved, unless their text is reason to block them.
    Pin {
        #[command(flatten)]
        listing: ListingArgs,
        /// What becomes of tools that are seen for the first time.
        #[arg(long, value_enum, default_value = "pin")]
        first_sight: FirstSightArg,
    },
    /// Compare what a server lists with what was approved; what differs waits for approval.
    Check {
        #[command(flatten)]
        listing: ListingArgs,
        /// Remember nothing of it.
        #[arg(long)]
        no_record: bool,
    },
    /// Show what changed since a tool was approved; without a tool, of all that wait for approval.
    Diff {
        #[command(flatten)]
        common: CommonArgs,
        /// The tool.
        tool: Option<String>,
    },
    /// Approve what a server listed last of a tool.
    Approve {
        #[command(flatten)]
        choice: ChoiceArgs,
        /// Approve only what has this digest, or one that begins so (8 digits or more), as `diff` shows it.
        #[arg(long, value_name = "DIGEST")]
        digest: Option<String>,
    },
    /// Take a tool out of use until it is approved.
    Quarantine {
        #[command(flatten)]
        choice: ChoiceArgs,
    },
    /// Look at a call: is the tool approved, does its approved schema take the arguments, what do they hold?
    Call {
        #[command(flatten)]
        common: CommonArgs,
        /// Exit with 1 from this action on.
        #[arg(long, value_enum, default_value = "block")]
        fail_on: FailOn,
        /// A tools/call message, or its params: a JSON file, or `-` for standard input.
        #[arg(value_name = "FILE", default_value = "-")]
        input: PathBuf,
    },
    /// Look at the result of a call: is it what the approved schema says, what does it hold?
    Result {
        #[command(flatten)]
        common: CommonArgs,
        /// The tool that was called.
        #[arg(long, value_name = "TOOL")]
        tool: String,
        /// Exit with 1 from this action on.
        #[arg(long, value_enum, default_value = "block")]
        fail_on: FailOn,
        /// The message of the result, or the result: a JSON file, or `-` for standard input.
        #[arg(value_name = "FILE", default_value = "-")]
        input: PathBuf,
    },
    /// Show or say what a tool can do to a conversation: reads-untrusted, reads-private, writes-outside.
    Label {
        #[command(flatten)]
        common: CommonArgs,
        #[command(flatten)]
        by: ByArgs,
        /// The tool.
        tool: String,
        /// Say that it does these, and nothing else of the three; empty for none.
        #[arg(long, value_name = "LABELS", value_delimiter = ',', num_args = 0..)]
        set: Option<Vec<String>>,
        /// Leave it to the tool's description again.
        #[arg(long, conflicts_with = "set")]
        reset: bool,
    },
    /// Look at the calls of a session: can they, together, carry private data outside?
    Flow {
        #[command(flatten)]
        store: StoreArgs,
        #[command(flatten)]
        rules: RuleArgs,
        /// Exit with 1 from this action on.
        #[arg(long, value_enum, default_value = "flag")]
        fail_on: FailOn,
        /// An array of calls, each with `server` and `tool`, in order: a JSON file, or `-` for standard input.
        #[arg(value_name = "FILE", default_value = "-")]
        input: PathBuf,
    },
    /// List the tools that are known.
    List {
        #[command(flatten)]
        store: StoreArgs,
        /// Only those of this server.
        #[arg(long, value_name = "NAME")]
        server: Option<String>,
    },
    /// Show who approved what, and when.
    Log {
        #[command(flatten)]
        store: StoreArgs,
        /// Only entries after this number.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: u64,
    },
}

/// Where the catalogue is, and how to answer.
#[derive(Debug, Args)]
pub(super) struct StoreArgs {
    /// The catalogue's file. Default: tamiz/tools.redb in the user's data directory.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct CommonArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// What this catalogue calls the server: any name, always the same for one server.
    #[arg(long, value_name = "NAME")]
    server: String,
    #[command(flatten)]
    rules: RuleArgs,
}

#[derive(Debug, Args)]
pub(super) struct ByArgs {
    /// Who does this, for the log.
    #[arg(long, value_name = "WHO", env = "USER", hide_env_values = true)]
    by: Option<String>,
    /// Why, for the log.
    #[arg(long, value_name = "TEXT", visible_alias = "reason")]
    note: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ListingArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    by: ByArgs,
    /// Exit with 1 from this action on.
    #[arg(long, value_enum, default_value = "block")]
    fail_on: FailOn,
    /// A tools/list result, a message or batch that carries it, or an array of tools: a JSON file, or `-` for standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ChoiceArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    by: ByArgs,
    /// The tool.
    #[arg(required_unless_present = "instructions")]
    tool: Option<String>,
    /// The server's instructions instead of a tool.
    #[arg(long, conflicts_with = "tool")]
    instructions: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum FirstSightArg {
    /// Approved.
    Pin,
    /// Waiting for approval.
    Pending,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum FailOn {
    /// Flagged or blocked.
    Flag,
    /// Blocked.
    Block,
}

impl FailOn {
    fn outcome(self, action: Action) -> Outcome {
        let fail_at = match self {
            Self::Flag => Action::Flag,
            Self::Block => Action::Block,
        };
        if action >= fail_at { Outcome::Found } else { Outcome::Clean }
    }
}

impl ByArgs {
    fn by(self) -> anyhow::Result<By> {
        let who = self.by.context("the log needs to know who does this: give --by WHO")?;
        Ok(By { who, note: self.note })
    }
}

impl StoreArgs {
    fn path(&self) -> anyhow::Result<PathBuf> {
        let path = self.store.clone().or_else(config::user_store);
        path.context("there is no user's data directory to keep the catalogue in: give --store FILE")
    }

    /// The path of a store that is there: who only asks makes none, and hears of a wrong name.
    fn existing(&self) -> anyhow::Result<PathBuf> {
        let path = self.path()?;
        if !path.exists() {
            bail!("{}: there is no store; `tamiz tools pin` makes one", path.display());
        }
        Ok(path)
    }
}

impl CommonArgs {
    fn open(&self) -> anyhow::Result<Catalogue> {
        open(self.store.existing()?, &self.rules)
    }
}

fn open(path: PathBuf, rules: &RuleArgs) -> anyhow::Result<Catalogue> {
    let set = packs::rules(&rules.rule_dirs, !rules.no_builtin_rules)?;
    let policy = rules.policy(&set)?;
    let backend = matcher::backend(rules.matcher.unwrap_or_default(), None, false)?;
    let engine = Engine::builder().rules(set).policy(policy).backend(backend).build()?;
    Ok(Catalogue::open(&path, engine)?)
}

pub(super) fn run(command: ToolsCommand) -> anyhow::Result<Outcome> {
    match command {
        ToolsCommand::Pin { listing, first_sight } => {
            let first_sight = match first_sight {
                FirstSightArg::Pin => FirstSight::Pin,
                FirstSightArg::Pending => FirstSight::Pending,
            };
            look(listing, Look::Pin(first_sight))
        }
        ToolsCommand::Check { listing, no_record } => look(listing, if no_record { Look::Only } else { Look::Check }),
        ToolsCommand::Diff { common, tool } => diff(&common, tool),
        ToolsCommand::Approve { choice, digest } => change(choice, "approved", |catalogue, server, tool, by| {
            catalogue.approve(server, tool, digest.as_deref(), by)
        }),
        ToolsCommand::Quarantine { choice } => change(choice, "quarantined", Catalogue::quarantine),
        ToolsCommand::Call { common, fail_on, input } => {
            let outcome = common.open()?.call(&common.server, &read(&input)?)?;
            call(&outcome, &common, fail_on)
        }
        ToolsCommand::Result { common, tool, fail_on, input } => {
            let outcome = common.open()?.result(&common.server, &tool, &read(&input)?)?;
            call(&outcome, &common, fail_on)
        }
        ToolsCommand::Label { common, by, tool, set, reset } => label(&common, by, &tool, set, reset),
        ToolsCommand::Flow { store, rules, fail_on, input } => flow(&store, &rules, fail_on, &input),
        ToolsCommand::List { store, server } => list(&store, server.as_deref()),
        ToolsCommand::Log { store, after } => log(&store, after),
    }
}

fn look(args: ListingArgs, look: Look) -> anyhow::Result<Outcome> {
    let body = read(&args.input)?;
    let by = args.by.by()?;
    let catalogue = open(args.common.store.path()?, &args.common.rules)?;
    let outcome = catalogue.look(&args.common.server, &body, look, &by)?;
    if args.common.store.json {
        print_json(&outcome)?;
    } else {
        let mut out = io::stdout().lock();
        let told = |tool: &&ToolReport| tool.state != State::Pinned || !tool.findings.is_empty();
        for tool in outcome.tools.iter().filter(told) {
            tell(&mut out, tool)?;
        }
        let is_new = |tool: &&ToolReport| tool.status == Status::New && tool.state == State::Pinned;
        let new = outcome.tools.iter().filter(is_new).count();
        let new = if new > 0 { format!(", {new} approved now") } else { String::new() };
        let part = if outcome.partial { "; the list is a part only" } else { "" };
        let (server, listed, same) = (printable(&outcome.server), outcome.listed, outcome.unchanged);
        writeln!(out, "{server}: {listed} tools, {same} as approved{new}{part}")?;
    }
    Ok(args.fail_on.outcome(outcome.action))
}

fn tell(out: &mut impl Write, tool: &ToolReport) -> io::Result<()> {
    let (action, state) = (tool.verdict.action.as_str(), tool.state.as_str());
    writeln!(out, "{action:6} {}  {}, {state}", shown(&tool.tool), tool.status.as_str())?;
    for finding in &tool.findings {
        let pointer = if finding.pointer.is_empty() { "/" } else { &finding.pointer };
        writeln!(out, "         {} at {}: {}", finding.rule, printable(pointer), printable(&finding.words))?;
    }
    Ok(())
}

fn call(outcome: &CallOutcome, args: &CommonArgs, fail_on: FailOn) -> anyhow::Result<Outcome> {
    if args.store.json {
        print_json(outcome)?;
    } else {
        let mut out = io::stdout().lock();
        let state = outcome.state.map_or("unknown", catalogue::State::as_str);
        writeln!(out, "{:6} {}  {state}", outcome.action.as_str(), shown(&outcome.tool))?;
        for finding in &outcome.findings {
            writeln!(
                out,
                "         {} at {}: {}",
                finding.rule,
                printable(&finding.pointer),
                printable(&finding.words)
            )?;
        }
        for finding in &outcome.report.findings {
            writeln!(out, "         {} at {}: {}", finding.rule, printable(&finding.pointer), finding.title)?;
        }
        for skipped in &outcome.report.coverage.skipped {
            writeln!(out, "         not inspected: {}: {}", printable(&skipped.what), printable(&skipped.why))?;
        }
    }
    Ok(fail_on.outcome(outcome.action))
}

fn label(args: &CommonArgs, by: ByArgs, tool: &str, set: Option<Vec<String>>, reset: bool) -> anyhow::Result<Outcome> {
    let parse = |name: &String| {
        let known = Label::ALL.map(Label::as_str).join(", ");
        Label::parse(name).with_context(|| format!("no label `{}`; labels are {known}", printable(name)))
    };
    let given =
        |names: Vec<String>| names.iter().filter(|name| !name.is_empty()).map(parse).collect::<Result<Vec<_>, _>>();
    let set = set.map(given).transpose()?;
    let catalogue = args.open()?;
    let labels = match (set, reset) {
        (None, false) => catalogue.labels(&args.server, tool)?,
        (set, _) => catalogue.label(&args.server, tool, set, &by.by()?)?,
    };
    let names: Vec<&str> = labels.iter().map(|label| label.as_str()).collect();
    if args.store.json {
        print_json(&serde_json::json!({ "tool": tool, "labels": names }))?;
    } else {
        let names = if names.is_empty() { "none of the three".to_owned() } else { names.join(", ") };
        writeln!(io::stdout(), "{}: {names}", shown(tool))?;
    }
    Ok(Outcome::Clean)
}

fn flow(store: &StoreArgs, rules: &RuleArgs, fail_on: FailOn, input: &Path) -> anyhow::Result<Outcome> {
    let calls: Vec<LabelledCall> = serde_json::from_slice(&read(input)?)
        .map_err(|error| anyhow::anyhow!("line {}: not an array of calls with `server` and `tool`", error.line()))?;
    let outcome = open(store.existing()?, rules)?.flow(calls)?;
    if store.json {
        print_json(&outcome)?;
    } else {
        let mut out = io::stdout().lock();
        for finding in &outcome.findings {
            writeln!(out, "{} at {}: {}", finding.rule, finding.pointer, finding.words)?;
        }
        writeln!(out, "{}: {} calls", outcome.verdict.action.as_str(), outcome.calls.len())?;
    }
    Ok(fail_on.outcome(outcome.verdict.action))
}

fn diff(args: &CommonArgs, tool: Option<String>) -> anyhow::Result<Outcome> {
    #[derive(Serialize)]
    struct Difference {
        tool: String,
        state: catalogue::State,
        from: Option<String>,
        to: Option<String>,
        changes: Vec<tamiz_core::ToolChange>,
    }
    let catalogue = args.open()?;
    let waiting = |(name, record): (String, catalogue::Record)| record.candidate.map(|_| name);
    let tools = match tool {
        Some(tool) => vec![tool],
        None => catalogue.store().server(&args.server)?.into_iter().filter_map(waiting).collect(),
    };
    let mut differences = Vec::new();
    for tool in tools {
        let (record, changes) = catalogue.diff(&args.server, &tool)?;
        let digest = |version: Option<catalogue::Version>| version.map(|version| version.digest);
        let (from, to) = (digest(record.pinned), digest(record.candidate));
        differences.push(Difference { tool, state: record.state, from, to, changes });
    }
    let differ = differences.iter().any(|difference| difference.to.is_some());
    if args.store.json {
        print_json(&differences)?;
    } else {
        let mut out = io::stdout().lock();
        for difference in &differences {
            let digest = |digest: &Option<String>| digest.as_deref().map_or("none", |digest| &digest[..16]).to_owned();
            let (from, to) = (digest(&difference.from), digest(&difference.to));
            let state = difference.state.as_str();
            writeln!(out, "{}  {state}: approved {from}, waiting {to}", shown(&difference.tool))?;
            for change in &difference.changes {
                writeln!(out, "  {}: {}", printable(&change.pointer), printable(&change.words))?;
            }
        }
    }
    Ok(if differ { Outcome::Found } else { Outcome::Clean })
}

fn change(
    args: ChoiceArgs,
    done: &str,
    change: impl FnOnce(&Catalogue, &str, &str, &By) -> Result<catalogue::Record, catalogue::CatalogueError>,
) -> anyhow::Result<Outcome> {
    let by = args.by.by()?;
    let catalogue = args.common.open()?;
    let tool = args.tool.unwrap_or_default();
    if tool.is_empty() && !args.instructions {
        bail!("the name of a tool is not empty; --instructions is for the server's instructions");
    }
    let record = change(&catalogue, &args.common.server, &tool, &by)?;
    if args.common.store.json {
        let pinned = record.pinned.map(|pinned| pinned.digest);
        print_json(&serde_json::json!({ "tool": tool, "state": record.state, "pinned_digest": pinned }))?;
    } else {
        writeln!(io::stdout(), "{} {done}", shown(&tool))?;
    }
    Ok(Outcome::Clean)
}

fn list(args: &StoreArgs, server: Option<&str>) -> anyhow::Result<Outcome> {
    #[derive(Serialize)]
    struct Line {
        server: String,
        tool: String,
        state: catalogue::State,
        pinned_digest: Option<String>,
        waiting_digest: Option<String>,
    }
    let store = catalogue::Store::open(&args.existing()?)?;
    let mut lines = Vec::new();
    let mut servers: Vec<String> = store.names()?.into_iter().map(|(server, _)| server).collect();
    servers.dedup();
    for server in servers.into_iter().filter(|name| server.is_none_or(|server| server == name)) {
        for (tool, record) in store.server(&server)? {
            let digest = |version: Option<catalogue::Version>| version.map(|version| version.digest);
            lines.push(Line {
                server: server.clone(),
                tool,
                state: record.state,
                pinned_digest: digest(record.pinned),
                waiting_digest: digest(record.candidate),
            });
        }
    }
    if args.json {
        print_json(&lines)?;
    } else {
        let mut out = io::stdout().lock();
        for line in &lines {
            writeln!(out, "{:11}  {}  {}", line.state.as_str(), printable(&line.server), shown(&line.tool))?;
        }
    }
    Ok(Outcome::Clean)
}

fn log(args: &StoreArgs, after: u64) -> anyhow::Result<Outcome> {
    let store = catalogue::Store::open(&args.existing()?)?;
    let entries = store.log(after, usize::MAX)?;
    if args.json {
        print_json(&entries)?;
    } else {
        let mut out = io::stdout().lock();
        for entry in &entries {
            let (at, who, what) = (catalogue::utc(entry.at), printable(&entry.who), &entry.what);
            let to = entry.to.as_deref().map_or("-", |digest| &digest[..digest.len().min(16)]);
            let note = entry.note.as_deref().map_or(String::new(), |note| format!("  ({})", printable(note)));
            let (number, server, tool) = (entry.number, printable(&entry.server), shown(&entry.tool));
            writeln!(out, "{number:5}  {at}  {who}  {what}  {server}  {tool}  {to}{note}")?;
        }
    }
    Ok(Outcome::Clean)
}

fn read(input: &Path) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    if input.as_os_str() == "-" {
        io::stdin().lock().take(LARGEST + 1).read_to_end(&mut body).context("standard input cannot be read")?;
    } else {
        let file = std::fs::File::open(input).with_context(|| format!("{}: cannot be read", input.display()))?;
        file.take(LARGEST + 1)
            .read_to_end(&mut body)
            .with_context(|| format!("{}: cannot be read", input.display()))?;
    }
    if body.len() as u64 > LARGEST {
        bail!("{}: more than 64 MiB", input.display());
    }
    Ok(body)
}

fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout(), "{:#}", serde_json::to_value(value)?)?)
}

/// The name of a tool as a terminal may have it.
fn shown(tool: &str) -> String {
    if tool.is_empty() { "(instructions)".to_owned() } else { printable(tool) }
}

fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            if character.is_ascii_graphic() || character == ' ' || character.is_alphanumeric() {
                vec![character]
            } else {
                character.escape_unicode().collect()
            }
        })
        .collect()
}
