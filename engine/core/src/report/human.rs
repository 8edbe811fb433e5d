//! Reports for people: as a good compiler would say it.

use std::cmp::Reverse;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::{Finding, Report, SuppressedBy, classifier};
use crate::rule::{RuleSet, Severity};
use crate::tokens::TokenEstimate;
use crate::verdict::{Action, CLASSIFIER};
use crate::view::ViewKind;

/// Escape sequences put around parts of the text; all empty for a pipe.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Palette {
    /// For what blocks.
    pub bad: &'static str,
    /// For what is flagged.
    pub warn: &'static str,
    /// For what is fine.
    pub good: &'static str,
    /// For what matters.
    pub bold: &'static str,
    /// For what frames.
    pub dim: &'static str,
    /// Back to normal.
    pub reset: &'static str,
}

impl Palette {
    /// The colours of a terminal.
    #[must_use]
    pub fn ansi() -> Self {
        Self {
            bad: "\x1b[1;31m",
            warn: "\x1b[1;33m",
            good: "\x1b[32m",
            bold: "\x1b[1m",
            dim: "\x1b[36m",
            reset: "\x1b[0m",
        }
    }

    fn of_action(&self, action: Action) -> &'static str {
        match action {
            Action::Block => self.bad,
            Action::Flag | Action::Transform => self.warn,
            Action::Allow => self.good,
        }
    }

    fn of_severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Critical | Severity::High => self.bad,
            Severity::Medium => self.warn,
            Severity::Low | Severity::Info => self.bold,
        }
    }
}

/// Characters of context shown on either side of a finding.
const CONTEXT: usize = 36;
/// Characters of a finding shown before it is cut.
const LONGEST: usize = 72;
/// Groups of findings shown per report.
const MOST: usize = 12;

/// A report as text: verdict, then each finding with an excerpt of `body` and a caret line under the span, then what was not inspected.
///
/// `base` is where `body` starts in the file that the report's spans count in (a record of a JSON Lines file starts later).
/// Control and invisible characters of the excerpt are shown as symbols, so hostile text cannot drive the terminal.
#[must_use]
pub fn render(report: &Report, body: &[u8], base: usize, rules: &RuleSet, palette: &Palette) -> String {
    let mut out = String::new();
    let Palette { bold, dim, reset, .. } = *palette;
    let verdict = &report.verdict;
    let path = printable(report.path.as_deref().unwrap_or("<input>"));
    let _ = writeln!(
        out,
        "{}{}{reset} {bold}{path}{reset}  {dim}score {:.2}, {}{reset}",
        palette.of_action(verdict.action),
        verdict.action.as_str(),
        verdict.score,
        findings(report),
    );
    let groups = group(&report.findings);
    for group in groups.iter().take(MOST) {
        show(&mut out, group, report, body, base, rules, palette);
    }
    let shown: usize = groups.iter().take(MOST).map(Vec::len).sum();
    let more = report.findings.len() + report.findings_omitted - shown;
    if more > 0 {
        let _ = writeln!(out, "  {dim}… and {}; `--output json` has them{reset}", count(more, "more finding"));
    }
    if let Some(TokenEstimate { family, tokens, limit }) = report.tokens {
        let _ = writeln!(out, "  {dim}tokens{reset}: about {tokens} for {}, of {limit} allowed", family.as_str());
    }
    for skipped in &report.coverage.skipped {
        let what = printable(&skipped.what);
        let _ = writeln!(out, "  {}not inspected{reset}: {what}: {}", palette.warn, printable(&skipped.why));
    }
    for note in &report.coverage.notes {
        let _ = writeln!(out, "  {dim}note{reset}: {}", printable(note));
    }
    out
}

/// "3 findings, 1 of them suppressed"
fn findings(report: &Report) -> String {
    let all = count(report.findings.len() + report.findings_omitted, "finding");
    match report.findings.iter().filter(|finding| finding.suppressed.is_some()).count() {
        0 => all,
        suppressed => format!("{all}, {suppressed} of them suppressed"),
    }
}

/// Findings that overlap, together; in each group and among them the strongest first, so that a reader who stops early has
/// seen what matters.
fn group(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut order: Vec<&Finding> = findings.iter().collect();
    // What is suppressed comes last, and in no group with what counts.
    let rank = |finding: &Finding| {
        (finding.suppressed.is_some(), Reverse((finding.severity, finding.confidence)), finding.span)
    };
    order.sort_by_key(|finding| rank(finding));
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in order {
        let overlaps = |group: &&mut Vec<&Finding>| {
            let first = group[0].span;
            finding.span.start < first.end
                && first.start < finding.span.end
                && finding.suppressed.is_some() == group[0].suppressed.is_some()
        };
        match groups.iter_mut().find(overlaps) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn show(
    out: &mut String,
    group: &[&Finding],
    report: &Report,
    body: &[u8],
    base: usize,
    rules: &RuleSet,
    palette: &Palette,
) {
    let Palette { bold, dim, reset, .. } = *palette;
    let finding = group[0];
    let colour = palette.of_severity(finding.severity);
    let (start, end) = (finding.span.start.saturating_sub(base), finding.span.end.saturating_sub(base));
    let (line, column) = position(body, start);
    let _ = writeln!(
        out,
        "\n  {colour}{}{reset}[{}]{bold}: {}{reset}",
        finding.severity.as_str(),
        finding.rule,
        finding.title
    );
    let place = if finding.pointer.is_empty() { String::new() } else { format!(" at {}", printable(&finding.pointer)) };
    let path = report.path.as_deref().unwrap_or("<input>");
    let file = printable(if base > 0 { path.rsplit_once(':').map_or(path, |(file, _)| file) } else { path });
    let whole = if base > 0 { String::new() } else { format!(":{line}:{column}") };
    let _ = writeln!(
        out,
        "  {dim}-->{reset} {file}{whole}{place} {dim}(bytes {}..{}){reset}",
        finding.span.start, finding.span.end
    );
    let excerpt = Picture::of(body, start, end.min(body.len()));
    let _ = writeln!(out, "   {dim}|{reset}");
    let _ = writeln!(out, "   {dim}|{reset} {}{colour}{}{reset}{}", excerpt.before, excerpt.inside, excerpt.after);
    // Carets count columns: a Chinese character takes two.
    let under = "^".repeat(excerpt.inside.width().max(1));
    let _ = writeln!(
        out,
        "   {dim}|{reset} {}{colour}{under}{reset}{}",
        " ".repeat(excerpt.before.width()),
        seen_in(&finding.views)
    );
    if let Some(seen) = &finding.seen {
        let text = middle_cut(&printable(seen.reveal()), 2 * LONGEST);
        let _ = writeln!(out, "   {dim}={reset} {bold}reads{reset}: {text}");
    }
    if finding.quoted {
        let _ = writeln!(out, "   {dim}={reset} {bold}note{reset}: it is quoted or reported, so it counts less");
    }
    if let Some(SuppressedBy { reason, until }) = &finding.suppressed {
        let reason = printable(reason);
        let _ = writeln!(
            out,
            "   {dim}={reset} {bold}suppressed{reset}: it does not count until {until} has passed: {reason}"
        );
    }
    if let Some(SuppressedBy { reason, until }) = &finding.suppression_ended {
        let reason = printable(reason);
        let _ = writeln!(
            out,
            "   {dim}={reset} {bold}note{reset}: its suppression ended on {until}, so it counts: {reason}"
        );
    }
    if let Some(rule) = rules.get(&finding.rule) {
        let _ = writeln!(out, "   {dim}={reset} {bold}why{reset}: {}", rule.why);
        let _ = writeln!(out, "   {dim}={reset} {bold}do{reset}: {}", rule.remedy);
    } else if finding.rule == CLASSIFIER {
        let _ = writeln!(out, "   {dim}={reset} {bold}why{reset}: {}", classifier::WHY);
        let _ = writeln!(out, "   {dim}={reset} {bold}do{reset}: {}", classifier::REMEDY);
    }
    let mut others: Vec<&str> =
        group[1..].iter().map(|other| other.rule.as_str()).filter(|rule| *rule != finding.rule).collect();
    others.dedup();
    if !others.is_empty() {
        let _ = writeln!(out, "   {dim}={reset} {bold}also{reset}: {}", others.join(", "));
    }
}

/// " seen after: base64, folding", where it was not in plain sight.
fn seen_in(views: &[ViewKind]) -> String {
    let names: Vec<&str> = views.iter().filter(|view| **view != ViewKind::Raw).map(|view| view.as_str()).collect();
    match names[..] {
        [] | ["folded"] => String::new(),
        _ => format!(" seen through: {}", names.join(" → ")),
    }
}

/// Line and column (in characters) of a byte, from 1.
fn position(body: &[u8], at: usize) -> (usize, usize) {
    let before = &body[..at.min(body.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    (line, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
}

struct Picture {
    before: String,
    inside: String,
    after: String,
}

impl Picture {
    fn of(body: &[u8], start: usize, end: usize) -> Self {
        let start = start.min(end);
        let line_start = body[..start].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let line_end = body[end..].iter().position(|byte| *byte == b'\n').map_or(body.len(), |newline| end + newline);
        let before =
            printable(&String::from_utf8_lossy(&body[line_start.max(start.saturating_sub(4 * CONTEXT))..start]));
        let after = printable(&String::from_utf8_lossy(&body[end..line_end.min(end + 4 * CONTEXT)]));
        let inside = printable(&String::from_utf8_lossy(&body[start..end.min(start + 8 * LONGEST)]));
        Self {
            before: last_chars(&before, CONTEXT),
            inside: middle_cut(&inside, LONGEST),
            after: first_chars(&after, CONTEXT),
        }
    }
}

fn first_chars(text: &str, most: usize) -> String {
    let cut: String = text.chars().take(most).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

fn last_chars(text: &str, most: usize) -> String {
    let skip = text.chars().count().saturating_sub(most);
    let cut: String = text.chars().skip(skip).collect();
    if skip > 0 { format!("…{cut}") } else { cut }
}

fn middle_cut(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let (head, tail) = (most * 2 / 3, most / 3 - 1);
    let front: String = text.chars().take(head).collect();
    let back: String = text.chars().skip(length - tail).collect();
    format!("{front}…{back}")
}

/// Text that can be shown: control and invisible characters as symbols.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' => '⏎',
            '\t' => ' ',
            '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('�'),
            '\u{7f}'..='\u{9f}' => '␡',
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => '·',
            '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}' => '·',
            other => other,
        })
        .collect()
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
