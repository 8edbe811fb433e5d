//! A report for people.

use std::fmt::Write as _;

use super::{EngineFigure, ProviderFigure, Report, Stage, StageFigure, features};

/// The report as text.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut out = String::new();
    let EngineFigure { version, rules, rules_digest, matcher, cpu, simd, threads } = &report.engine;
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "tamiz {version}, {rules} rules ({}), matcher {matcher}\n{cpu}, {threads} threads, byte kernels {simd} (there are: {})",
        rules_digest.get(..12).unwrap_or(rules_digest),
        features().join(" "),
    );
    of_providers(&mut out, report);
    if report.stages.is_empty() {
        return out;
    }
    let _ = writeln!(
        out,
        "\nPer message on one thread: µs (median), MB/s, and speed as a part of that of memcpy.\n`confirm` is scan less fold, classes and phrases."
    );
    let mut names: Vec<&str> = report.stages.iter().map(|figure| figure.text.as_str()).collect();
    names.dedup();
    for name in names {
        of_text(&mut out, name, &report.stages);
    }
    if !report.scaling.is_empty() {
        let _ = writeln!(out, "\nscans on threads, pieces of 64 KB to 1 MB");
        let one = report.scaling[0].mb_per_s;
        for figure in &report.scaling {
            let (threads, speed) = (figure.threads, figure.mb_per_s);
            let each = speed / one / threads as f64 * 100.0;
            let _ = writeln!(out, "{threads:10} {speed:10.0} MB/s  {each:4.0} % of one thread's speed each");
        }
    }
    out
}

fn of_providers(out: &mut String, report: &Report) {
    let Some(first) = report.providers.first() else { return };
    let _ = writeln!(
        out,
        "\nclassifier, one session: windows × tokens, ms for all (median), windows/s, time as a multiple of {}",
        first.model
    );
    for figure in &report.providers {
        let ProviderFigure { model, provider, windows, tokens, ms, windows_per_s, .. } = figure;
        let same = |of: &&ProviderFigure| (&of.model, of.windows, of.tokens) == (&first.model, *windows, *tokens);
        let times = report.providers.iter().find(same).map_or_else(String::new, |of| format!("{:.1}", ms / of.ms));
        let shape = format!("{windows}×{tokens}");
        let _ = writeln!(out, "{model:28} {provider:14} {shape:>7} {ms:>10.2} {windows_per_s:>10.1} {times:>7}");
    }
    let mut models: Vec<(&str, f64)> =
        report.providers.iter().map(|figure| (figure.model.as_str(), figure.tokenise_us_per_kib)).collect();
    models.dedup();
    for (model, cost) in models {
        let _ = writeln!(out, "{model:28} tokenise {cost:.0} µs a KiB");
    }
}

fn of_text(out: &mut String, name: &str, figures: &[StageFigure]) {
    let mut sizes: Vec<usize> = figures.iter().filter(|of| of.text == name).map(|of| of.size_bytes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let heads = sizes.iter().map(|size| format!("{:>25}", in_words(*size)));
    let _ = writeln!(out, "\n{name:26}{}", heads.collect::<String>().get(16..).unwrap_or_default());
    let _ = writeln!(out, "{:10}{}", "", format!("{:>10}{:>8}{:>7}", "µs", "MB/s", "copy").repeat(sizes.len()));
    for stage in Stage::ALL {
        let find =
            |size: &usize| figures.iter().find(|of| of.stage == stage && of.text == name && of.size_bytes == *size);
        let row: Vec<Option<&StageFigure>> = sizes.iter().map(find).collect();
        if row.iter().all(Option::is_none) {
            continue;
        }
        let cell = |figure: &Option<&StageFigure>| match figure {
            Some(StageFigure { ns_per_message, mb_per_s, ratio_to_memcpy, .. }) => {
                format!("{:>10}{mb_per_s:>8.0}{:>6}%", micros(*ns_per_message), short(ratio_to_memcpy * 100.0))
            }
            None => format!("{:>10}{:15}", "–", ""),
        };
        let _ = writeln!(out, "{:10}{}", stage.as_str(), row.iter().map(cell).collect::<String>().trim_end());
        if stage == Stage::Scan {
            let fastest = |figure: &Option<&StageFigure>| {
                format!("{:>10}{:15}", figure.map_or_else(String::new, |figure| micros(figure.fastest_ns)), "")
            };
            let row: String = row.iter().map(fastest).collect();
            let _ = writeln!(out, "{:10}{}", " fastest", row.trim_end());
        }
    }
}

fn micros(ns: f64) -> String {
    let micros = ns / 1e3;
    if micros < 10.0 {
        format!("{micros:.3}")
    } else if micros < 1e3 {
        format!("{micros:.1}")
    } else {
        format!("{micros:.0}")
    }
}

fn short(percent: f64) -> String {
    if percent < 1.0 {
        format!("{percent:.2}")
    } else if percent < 10.0 {
        format!("{percent:.1}")
    } else {
        format!("{percent:.0}")
    }
}

/// A size as people write it.
fn in_words(bytes: usize) -> String {
    match bytes {
        bytes if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{} MB", bytes >> 20),
        bytes if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => format!("{} KB", bytes >> 10),
        bytes => format!("{bytes} B"),
    }
}
