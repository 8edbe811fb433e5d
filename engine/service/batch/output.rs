//! Reports on their way out: text for people, JSON, JSON Lines or SARIF for programs.

use std::io::{self, Write};

use serde::Serialize;
use tamiz_core::{Action, Engine, Palette, Report, render, sarif};

use super::Outcome;

/// How reports are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// Text with excerpts, for a terminal.
    Human,
    /// One object: reports and a summary.
    Json,
    /// One report a line.
    Jsonl,
    /// SARIF 2.1.0.
    Sarif,
}

/// Counts over all contents.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Contents inspected.
    pub inspected: usize,
    /// Of these, by action.
    pub allowed: usize,
    /// Flagged.
    pub flagged: usize,
    /// Blocked.
    pub blocked: usize,
    /// Findings in all of them.
    pub findings: usize,
    /// Contents of which something was not inspected.
    pub incomplete: usize,
    /// Bytes inspected.
    pub inspected_bytes: usize,
    /// Bytes of all contents.
    pub total_bytes: usize,
    /// Files in directories that are no text: not inspected.
    pub binary_skipped: usize,
    /// What could not be read, with place and reason.
    pub problems: Vec<String>,
    /// Wall time, in seconds.
    pub seconds: f64,
}

/// Writes outcomes as they come, and the end.
pub struct Writer<W: Write> {
    out: W,
    format: OutputFormat,
    palette: Palette,
    excerpts: bool,
    engine: Engine,
    summary: Summary,
    worst: Action,
    kept: Vec<Report>,
}

impl<W: Write> Writer<W> {
    /// A writer to `out`. `palette` is for [`OutputFormat::Human`]; `excerpts` adds matched text to the other formats.
    pub fn new(out: W, format: OutputFormat, palette: Palette, excerpts: bool, engine: Engine) -> Self {
        let summary = Summary::default();
        Self { out, format, palette, excerpts, engine, summary, worst: Action::Allow, kept: Vec::new() }
    }

    /// The strongest action so far.
    #[must_use]
    pub fn worst(&self) -> Action {
        self.worst
    }

    /// Takes one outcome.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn take(&mut self, outcome: Outcome) -> io::Result<()> {
        match outcome {
            Outcome::Binary => {
                self.summary.binary_skipped += 1;
                Ok(())
            }
            Outcome::Problem { message } => {
                self.summary.problems.push(message);
                Ok(())
            }
            Outcome::Inspected { report, body, base } => {
                self.count(&report);
                self.report(*report, &body, base)
            }
        }
    }

    fn count(&mut self, report: &Report) {
        let summary = &mut self.summary;
        summary.inspected += 1;
        match report.verdict.action {
            Action::Allow => summary.allowed += 1,
            Action::Flag | Action::Transform => summary.flagged += 1,
            Action::Block => summary.blocked += 1,
        }
        summary.findings += report.findings.len() + report.findings_omitted;
        summary.incomplete += usize::from(!report.coverage.complete);
        summary.inspected_bytes += report.coverage.inspected_bytes;
        summary.total_bytes += report.coverage.total_bytes;
        self.worst = self.worst.max(report.verdict.action);
    }

    fn report(&mut self, report: Report, body: &[u8], base: usize) -> io::Result<()> {
        if self.format == OutputFormat::Human {
            let suppressed = report.findings.iter().any(|finding| finding.suppressed.is_some());
            let quiet = report.verdict.action == Action::Allow && report.coverage.complete && !suppressed;
            if !quiet {
                let text = render(&report, body, base, self.engine.rules().rule_set(), &self.palette);
                writeln!(self.out, "{text}")?;
            }
            return Ok(());
        }
        let report = if self.excerpts { report.with_excerpts(body, base) } else { report };
        match self.format {
            OutputFormat::Json => {
                let lead = if self.summary.inspected == 1 { "{\"reports\":[\n" } else { ",\n" };
                self.out.write_all(lead.as_bytes())?;
                serde_json::to_writer(&mut self.out, &report)?;
            }
            OutputFormat::Jsonl => {
                serde_json::to_writer(&mut self.out, &report)?;
                self.out.write_all(b"\n")?;
            }
            OutputFormat::Sarif => {
                if !report.findings.is_empty() || !report.coverage.complete {
                    self.kept.push(report);
                }
            }
            OutputFormat::Human => {}
        }
        Ok(())
    }

    /// Writes the end and returns the counts. Problems go to the summary; telling a person of them is the caller's.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn finish(mut self, seconds: f64) -> io::Result<Summary> {
        self.summary.seconds = seconds;
        match self.format {
            OutputFormat::Human => writeln!(self.out, "{}", self.summary.in_words())?,
            OutputFormat::Json => {
                let lead = if self.summary.inspected == 0 { "{\"reports\":[" } else { "\n" };
                write!(self.out, "{lead}],\"summary\":")?;
                serde_json::to_writer(&mut self.out, &self.summary)?;
                self.out.write_all(b"}\n")?;
            }
            OutputFormat::Jsonl => {}
            OutputFormat::Sarif => {
                serde_json::to_writer_pretty(&mut self.out, &sarif(&self.kept, self.engine.rules().rule_set()))?;
                self.out.write_all(b"\n")?;
            }
        }
        self.out.flush()?;
        Ok(self.summary)
    }
}

impl Summary {
    /// "93 inspected (1.2 MB in 0.1 s): 90 clean, 1 flagged, 2 blocked; …"
    #[must_use]
    pub fn in_words(&self) -> String {
        let megabytes = self.inspected_bytes as f64 / 1e6;
        let mut words = format!(
            "{} inspected ({megabytes:.1} MB in {:.2} s): {} clean, {} flagged, {} blocked",
            self.inspected, self.seconds, self.allowed, self.flagged, self.blocked
        );
        for (count, what) in [
            (self.incomplete, "not fully inspected"),
            (self.binary_skipped, "binary files left out"),
            (self.problems.len(), "could not be read"),
        ] {
            if count > 0 {
                words.push_str(&format!("; {count} {what}"));
            }
        }
        words
    }
}
