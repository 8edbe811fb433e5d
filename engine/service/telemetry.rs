//! Logs: to standard error, and never any inspected content.
//!
//! Two things could break that promise behind our back, and are stopped here: libraries that log what they receive, and
//! panics, whose messages may quote the text that was being handled.

use std::io::{self, IsTerminal as _};
use std::panic;
use std::thread;

use anyhow::Context as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogConfig, LogFormat};

/// Threads with this prefix handle content.
pub(crate) const SCAN_THREAD: &str = "tamiz-scan-";

/// Sets logging up for the process. A second call changes nothing.
///
/// # Errors
/// When the filter cannot be parsed.
pub fn init(config: &LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(&config.filter).with_context(|| {
        format!("log.filter = {:?} is no log filter; try `info` or `info,tamiz=debug`", config.filter)
    })?;
    // Below `info`, libraries log what passes through them, whatever the filter asks for.
    let ours = filter_fn(|event| {
        let ours = event.target() == "tamiz" || event.target().starts_with("tamiz::");
        ours || *event.level() <= LevelFilter::INFO
    });
    let layer = tracing_subscriber::fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr);
    let layer = match config.format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    if registry().with(layer.with_filter(filter.and(ours))).try_init().is_ok() {
        quiet_panics();
    }
    Ok(())
}

/// Tells of a panic in a scan only where it was: its message may hold content.
fn quiet_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().name().is_some_and(|name| name.starts_with(SCAN_THREAD)) {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "an inspection failed: please report this as a bug");
        } else {
            usual(info);
        }
    }));
}
