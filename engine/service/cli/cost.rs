//! `tamiz rules check --cost`: what each rule costs on ordinary text, and which cost too much.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use tamiz_core::{Rule, RuleCost, cost};

use crate::texts;

/// Bytes of a message that costs are stated for.
const MESSAGE: usize = 2 << 10;

#[derive(Debug, clap::Args)]
pub(super) struct CostArgs {
    /// Measure what each rule costs alone on ordinary text, and refuse those above the budget.
    #[arg(long)]
    cost: bool,
    /// Nanoseconds per 2 KB message that a rule may cost, estimated from what it makes matching do.
    #[arg(long, value_name = "NS", default_value_t = 60.0, requires = "cost")]
    budget: f64,
    /// Text to measure on, instead of the bundled prose, code, JSON, chat and multilingual text.
    #[arg(long, value_name = "FILE", requires = "cost")]
    text: Vec<PathBuf>,
    /// Show this many of the dearest rules.
    #[arg(long, value_name = "N", default_value_t = 20, requires = "cost")]
    top: usize,
}

impl CostArgs {
    pub(super) fn wanted(&self) -> bool {
        self.cost
    }
}

/// Prints the dearest rules; says whether all are within the budget.
pub(super) fn report(rules: &[Rule], args: &CostArgs) -> anyhow::Result<bool> {
    let mut texts: Vec<Vec<u8>> = Vec::new();
    for path in &args.text {
        texts.push(fs::read(path).with_context(|| format!("could not read {}", path.display()))?);
    }
    if texts.is_empty() {
        texts.extend(texts::SORTS.iter().map(texts::whole));
    }
    let messages: Vec<&[u8]> = texts.iter().flat_map(|text| text.chunks(MESSAGE)).collect();
    let mut costs = Vec::with_capacity(rules.len());
    for rule in rules {
        costs.push((rule, cost(rule, &messages)?));
    }
    costs.sort_by(|a, b| b.1.estimated_ns.total_cmp(&a.1.estimated_ns));
    let mut out = io::stdout().lock();
    let per = |count: u64| count as f64 / messages.len() as f64;
    writeln!(
        out,
        "\nns per 2 KB message, each rule alone, on {} messages: estimated from counts, and measured\n{:>9} {:>8} {:>8} {:>10} {:>8} {:>9}  rule",
        messages.len(),
        "estimated",
        "measured",
        "anchors",
        "tails",
        "windows",
        "B/window"
    )?;
    for (rule, RuleCost { work, estimated_ns, measured_ns, .. }) in costs.iter().take(args.top) {
        writeln!(
            out,
            "{estimated_ns:9.1} {measured_ns:8.0} {:8.3} {:10.3} {:8.3} {:9.0}  {}",
            per(work.anchors),
            per(work.tails),
            per(work.windows),
            work.window_bytes as f64 / work.windows.max(1) as f64,
            rule.id
        )?;
    }
    let total: f64 = costs.iter().map(|(_, cost)| cost.estimated_ns).sum();
    writeln!(out, "{total:9.1} ns estimated for all {} rules", rules.len())?;
    let shared = costs.iter().map(|(_, cost)| cost.shared_ns).fold(0.0, f64::max);
    if shared > 0.0 {
        writeln!(out, "{shared:9.1} ns, once for all rules about numbers, to walk along them")?;
    }
    let mut err = io::stderr().lock();
    let dear: Vec<_> = costs.iter().filter(|(_, cost)| cost.estimated_ns > args.budget).collect();
    for (rule, cost) in &dear {
        let anchors = cost.anchors.iter().take(6).map(|(text, count)| format!("`{text}` {count}×"));
        writeln!(
            err,
            "error[E050]: {}: costs {:.0} ns per 2 KB message; the budget is {:.0}\n  why: {:.2} windows of {:.0} bytes a message, after {}\n  \
             remedy: put a rarer fixed text into every alternative, and fixed words close to each other; shorten gaps",
            rule.id,
            cost.estimated_ns,
            args.budget,
            per(cost.work.windows),
            cost.work.window_bytes as f64 / cost.work.windows.max(1) as f64,
            anchors.collect::<Vec<_>>().join(", "),
        )?;
    }
    Ok(dear.is_empty())
}
