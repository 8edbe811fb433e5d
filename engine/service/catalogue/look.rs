//! Looking at a listing: what is new, what changed, what is gone, and what to say of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use tamiz_core::{
    Action, ChangeKind, Content, ContentKind, Coverage, Finding, Format, KnownTool, Listing, Notice, Report,
    ScanControl, Scanner, Tool, ToolChange, compare, diff,
};

use super::outcome::weigh;
use super::{
    By, Catalogue, CatalogueError, CatalogueFinding, Outcome, Record, State, Status, ToolReport, Version, store,
};
use crate::clock::today;

/// Fewest tools that are worth a thread.
const TOOLS_PER_THREAD: usize = 64;

/// What becomes of a tool that is seen for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FirstSight {
    /// It is approved, unless its own description is reason to block it.
    #[default]
    Pin,
    /// It waits for somebody to approve it.
    Pending,
}

/// How to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Remember everything, and treat tools that are new so.
    Pin(FirstSight),
    /// Remember what differs, so that it can be approved; nothing new is approved.
    Check,
    /// Remember nothing.
    Only,
}

/// A tool of the listing, or what takes its place, on its way to a report.
struct Seen<'l> {
    name: &'l str,
    version: Version,
    tool: Option<&'l Tool>,
    record: Option<Record>,
    status: Status,
}

/// A record that is to be remembered.
struct Memo {
    tool: String,
    /// What the log calls it.
    what: &'static str,
    /// The record that it was made from.
    before: Option<Record>,
    record: Record,
}

impl Catalogue {
    /// Looks at what a server says of its tools.
    ///
    /// # Errors
    /// When `body` is no listing, or the store fails.
    pub fn look(&self, server: &str, body: &[u8], look: Look, by: &By) -> Result<Outcome, CatalogueError> {
        let by = super::checked(server, by)?;
        let listing = Listing::read(body)?;
        let mut records = self.store.server(server)?;
        let seen = self.see(server, &listing, &mut records);
        let fresh: Vec<usize> = (0..listing.tools.len()).filter(|at| seen[*at].status != Status::Unchanged).collect();
        let gone = if listing.partial { Vec::new() } else { gone(&records)? };
        let mut notices = if fresh.is_empty() && gone.is_empty() && !repeats(&listing) {
            HashMap::new()
        } else {
            let names = self.store.names()?.into_iter().filter(|(_, name)| !name.is_empty());
            let known: Vec<KnownTool> = names.map(|(server, name)| KnownTool { server, name }).collect();
            by_tool(compare(server, &listing, &fresh, &gone, &known))
        };
        let mut scanner = self.engine().scanner();
        let mut outcome = Outcome {
            server: server.to_owned(),
            action: Action::Allow,
            listed: listing.tools.len(),
            unchanged: 0,
            partial: listing.partial,
            tools: Vec::new(),
        };
        let mut puts = Vec::new();
        let scans = self.scans(server, &seen);
        for (seen, scanned) in seen.into_iter().zip(scans) {
            let notices = notices.remove(seen.name).unwrap_or_default();
            let (report, put) = self.judge(server, seen, scanned, notices, look, &mut scanner)?;
            puts.extend(put);
            outcome.unchanged += usize::from(report.status == Status::Unchanged && report.state == State::Pinned);
            if report.status != Status::Unchanged || !report.findings.is_empty() {
                outcome.tools.push(report);
            }
        }
        for tool in &gone {
            let record = records.get(&tool.name);
            let mut findings = self.noticed(&notices.remove(tool.name.as_str()).unwrap_or_default());
            findings.iter_mut().for_each(|finding| finding.suppress(self.engine(), server, &tool.name));
            outcome.tools.push(ToolReport {
                tool: tool.name.clone(),
                status: Status::Removed,
                state: record.map_or(State::Pinned, |record| record.state),
                digest: None,
                pinned_digest: record.and_then(|record| Some(record.pinned.as_ref()?.digest.clone())),
                changes: Vec::new(),
                verdict: weigh(self.engine(), &findings, &Coverage::new(0)),
                findings,
            });
        }
        outcome.action = outcome.tools.iter().map(|tool| tool.verdict.action).max().unwrap_or(Action::Allow);
        self.remember(server, puts, look, by)?;
        Ok(outcome)
    }

    /// The tools of a listing, then its instructions, each beside what is known of it. What is left of `records` is gone.
    fn see<'l>(&self, server: &str, listing: &'l Listing, records: &mut BTreeMap<String, Record>) -> Vec<Seen<'l>> {
        let digester = self.store.digester();
        let mut taken: HashMap<&str, Option<Record>> = HashMap::new();
        let mut one = |name: &'l str, version: Version, tool| {
            // Of two tools of one name both are compared with the record.
            let record = taken.entry(name).or_insert_with(|| records.remove(name)).clone();
            let status = match &record {
                None => Status::New,
                Some(record) => match (&record.pinned, &record.candidate) {
                    (Some(pinned), _) if pinned.digest == version.digest => Status::Unchanged,
                    (None, Some(waiting)) if waiting.digest == version.digest => Status::Unchanged,
                    _ => Status::Changed,
                },
            };
            Seen { name, version, tool, record, status }
        };
        let mut seen: Vec<Seen<'l>> = Vec::with_capacity(listing.tools.len() + 1);
        for tool in &listing.tools {
            let version = Version { digest: digester.tool(server, tool), text: tool.canonical.clone() };
            seen.push(one(&tool.name, version, Some(tool)));
        }
        if let Some(text) = &listing.instructions {
            let version = Version { digest: digester.instructions(server, text), text: text.clone() };
            seen.push(one("", version, None));
        }
        records.remove("");
        seen
    }

    /// Inspects what is new or changed, on all cores.
    fn scans(&self, server: &str, seen: &[Seen<'_>]) -> Vec<Option<Report>> {
        let one = |scanner: &mut Scanner, seen: &Seen<'_>| {
            let fresh = seen.status != Status::Unchanged;
            fresh.then(|| scan(scanner, seen.tool.is_some(), (server, seen.name), &seen.version.text))
        };
        seen.par_iter().with_min_len(TOOLS_PER_THREAD).map_init(|| self.engine().scanner(), one).collect()
    }

    /// What to say of a tool, and what to remember.
    fn judge(
        &self,
        server: &str,
        seen: Seen<'_>,
        scanned: Option<Report>,
        notices: Vec<Notice>,
        look: Look,
        scanner: &mut Scanner,
    ) -> Result<(ToolReport, Option<Memo>), CatalogueError> {
        let mut findings = self.noticed(&notices);
        let mut coverage = Coverage::new(0);
        let mut changes = Vec::new();
        for skipped in scanned.iter().flat_map(|report| &report.coverage.skipped) {
            coverage.skip(&skipped.what, &skipped.why);
        }
        let scanned = scanned.map_or_else(Vec::new, |report| report.findings);
        for finding in &scanned {
            let same = |known: &CatalogueFinding| known.rule == finding.rule && known.pointer == finding.pointer;
            if !findings.iter().any(same) {
                let (pointer, words) = (finding.pointer.clone(), finding.title.clone());
                findings.extend(CatalogueFinding::new(self.engine(), &finding.rule, pointer, words));
            }
        }
        let pinned = seen.record.as_ref().and_then(|record| record.pinned.as_ref());
        if seen.status == Status::Changed
            && let Some(pinned) = pinned
        {
            let rule;
            (changes, rule) = match seen.tool {
                Some(tool) => {
                    let old = Tool::from_canonical(seen.name, pinned.text.clone())?;
                    let mut changes = diff(&old.value, &tool.value);
                    let before = scan(scanner, true, (server, seen.name), &old.canonical).findings;
                    mark_orders(&mut changes, &before, &scanned);
                    (changes, "tool-poisoning.tool-changed")
                }
                None => {
                    let (old, new) = (pinned.text.clone().into(), seen.version.text.clone().into());
                    (diff(&old, &new), "tool-poisoning.instructions-changed")
                }
            };
            for change in &changes {
                findings.extend(CatalogueFinding::new(
                    self.engine(),
                    rule,
                    change.pointer.clone(),
                    change.words.clone(),
                ));
            }
        }
        let was = seen.record.as_ref().map(|record| record.state);
        let standing = match (was, seen.status) {
            (Some(State::Quarantined), _) => Some(("tool-poisoning.tool-quarantined", "it is in quarantine")),
            (Some(State::Pending), _) => Some(("tool-poisoning.tool-unapproved", "it waits for approval")),
            (None, _) if look != Look::Pin(FirstSight::Pin) => {
                Some(("tool-poisoning.tool-unapproved", "it is not in the catalogue"))
            }
            _ => None,
        };
        findings.extend(standing.and_then(|(rule, words)| CatalogueFinding::new(self.engine(), rule, "", words)));
        findings.iter_mut().for_each(|finding| finding.suppress(self.engine(), server, seen.name));
        let verdict = weigh(self.engine(), &findings, &coverage);
        let blocked = verdict.action == Action::Block;
        let (state, what) = match (was, seen.status) {
            (Some(State::Quarantined), _) => (State::Quarantined, None),
            // What is seen first and is reason to block, is not approved by being seen.
            (None, _) if scanned_blocks(self, &scanned, &coverage) => (State::Quarantined, Some("quarantined")),
            (None, _) if look == Look::Pin(FirstSight::Pin) && !blocked => (State::Pinned, Some("pinned")),
            (None, _) => (State::Pending, Some("pending")),
            (Some(State::Changed), Status::Unchanged) => (State::Pinned, Some("returned")),
            (Some(state), Status::Unchanged) => (state, None),
            (Some(_), _) if scanned_blocks(self, &scanned, &coverage) => (State::Quarantined, Some("quarantined")),
            (Some(State::Pending), _) => (State::Pending, Some("pending")),
            (Some(_), _) => (State::Changed, Some("changed")),
        };
        let pinned = pinned.cloned();
        let digest = seen.version.digest.clone();
        let again = seen
            .record
            .as_ref()
            .and_then(|record| record.candidate.as_ref())
            .is_some_and(|candidate| candidate.digest == digest);
        let put = what.filter(|_| was != Some(state) || !again).map(|what| {
            let (pinned, candidate) = match state {
                State::Pinned => (Some(seen.version.clone()), None),
                _ => (pinned.clone(), Some(seen.version.clone())),
            };
            let reason = (state == State::Quarantined).then(|| "found in its own description".to_owned());
            let labels = seen.record.as_ref().and_then(|record| record.labels.clone());
            let record = Record { state, pinned, candidate, reason, labels };
            Memo { tool: seen.name.to_owned(), what, before: seen.record.clone(), record }
        });
        let report = ToolReport {
            tool: seen.name.to_owned(),
            status: seen.status,
            state,
            digest: Some(digest),
            pinned_digest: pinned.map(|pinned| pinned.digest),
            changes,
            findings,
            verdict,
        };
        Ok((report, put))
    }

    /// Writes what is to be remembered, but for what somebody has changed meanwhile: an approval or a quarantine stands.
    fn remember(&self, server: &str, puts: Vec<Memo>, look: Look, by: &By) -> Result<(), CatalogueError> {
        let mut named = HashSet::new();
        // Of two tools of one name neither is remembered: nobody could say which one was approved.
        let twice: HashSet<String> =
            puts.iter().filter(|put| !named.insert(&put.tool)).map(|put| put.tool.clone()).collect();
        if look == Look::Only || puts.iter().all(|put| twice.contains(&put.tool)) {
            return Ok(());
        }
        let change = self.store.change()?;
        change.put(puts.into_iter().filter(|put| !twice.contains(&put.tool)).map(|put| {
            let pinned = put.before.as_ref().and_then(|record| record.pinned.as_ref());
            let now = put.record.candidate.as_ref().or(put.record.pinned.as_ref());
            let entry = by.entry(put.what, server, &put.tool, pinned, now);
            store::Put { before: put.before, record: put.record, entry }
        }))?;
        Ok(change.commit()?)
    }

    fn noticed(&self, notices: &[Notice]) -> Vec<CatalogueFinding> {
        notices.iter().filter_map(|notice| CatalogueFinding::noticed(self.engine(), notice)).collect()
    }

    /// The changes from one description to another, those that now give orders marked.
    pub(super) fn with_orders(&self, old: &Tool, new: &Tool) -> Vec<ToolChange> {
        let mut scanner = self.engine().scanner();
        let mut changes = diff(&old.value, &new.value);
        // What it says, whatever of it is suppressed.
        let before = scan(&mut scanner, true, ("", &old.name), &old.canonical).findings;
        let now = scan(&mut scanner, true, ("", &new.name), &new.canonical).findings;
        mark_orders(&mut changes, &before, &now);
        changes
    }
}

/// Whether the description alone is reason to block.
fn scanned_blocks(catalogue: &Catalogue, scanned: &[Finding], coverage: &Coverage) -> bool {
    let counting = scanned.iter().filter(|finding| finding.suppressed.is_none());
    let rules = counting.map(|finding| finding.rule.as_str());
    catalogue.engine().weigh(rules, coverage).action == Action::Block
}

fn scan(scanner: &mut Scanner, is_tool: bool, of: (&str, &str), text: &str) -> Report {
    let format = if is_tool { Format::Json } else { Format::Text };
    let content = Content::new(ContentKind::ToolMetadata, text.as_bytes()).with_format(format).with_tool_of(of.0, of.1);
    scanner.inspect(&content, &ScanControl::unlimited().with_today(today()))
}

/// A text that a rule finds now, and did not find before, gives orders.
fn mark_orders(changes: &mut [ToolChange], before: &[Finding], now: &[Finding]) {
    for change in changes {
        let inside = |finding: &&Finding| {
            let rest = finding.pointer.strip_prefix(change.pointer.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let known: HashSet<&str> = before.iter().filter(inside).map(|finding| finding.rule.as_str()).collect();
        let mut new: Vec<&str> = now
            .iter()
            .filter(inside)
            .filter(|finding| !known.contains(finding.rule.as_str()))
            .map(|f| f.title.as_str())
            .collect();
        new.dedup();
        if let Some(first) = new.first() {
            change.kind = ChangeKind::GivesOrders;
            change.words = format!("{}, and it now gives orders: {first}", change.words);
        }
    }
}

/// The approved tools that are left, as they were described.
fn gone(records: &BTreeMap<String, Record>) -> Result<Vec<Tool>, CatalogueError> {
    let approved = records.iter().filter_map(|(name, record)| Some((name, record.pinned.as_ref()?)));
    approved.map(|(name, pinned)| Ok(Tool::from_canonical(name, pinned.text.clone())?)).collect()
}

fn repeats(listing: &Listing) -> bool {
    let mut names = HashSet::new();
    listing.tools.iter().any(|tool| !names.insert(tool.name.as_str()))
}

fn by_tool(notices: Vec<Notice>) -> HashMap<String, Vec<Notice>> {
    let mut tools: HashMap<String, Vec<Notice>> = HashMap::new();
    for notice in notices {
        tools.entry(notice.tool.clone()).or_default().push(notice);
    }
    tools
}
