//! `tamiz serve`: the service.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{ClassifyArgs, Outcome, RuleArgs};
use crate::config::{self, Overrides};
use crate::serve;

#[derive(Debug, Args)]
#[command(
    after_help = "Settings come from defaults, then the configuration file, then TAMIZ_* variables, then flags.\n\
    `tamiz config print` shows what they amount to. SIGTERM ends the service after the work it has accepted."
)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub(super) settings: Settings,
}

/// Where settings come from; also what `tamiz config` looks at.
#[derive(Debug, Args)]
pub(super) struct Settings {
    /// Configuration file. Default: tamiz/config.toml in the user's configuration directory, if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on (default 127.0.0.1:50051); port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Write the port to this file once the server listens.
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
    /// Serve gRPC reflection.
    #[arg(long)]
    reflection: bool,
    /// Threads that inspect. Default: one per core.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    classifier: ClassifyArgs,
}

impl Settings {
    pub(super) fn load(self) -> Result<config::Config, config::ConfigError> {
        let overrides = Overrides {
            listen: self.listen,
            port_file: self.port_file,
            reflection: self.reflection.then_some(true),
            workers: self.workers,
            rule_dirs: self.rules.rule_dirs,
            builtin_rules: self.rules.no_builtin_rules.then_some(false),
            policy: self.rules.policy,
            matcher: self.rules.matcher,
            canaries: self.rules.canaries,
            prompts: self.rules.prompts,
            key_file: self.rules.fingerprint_key,
            classify: self.classifier.classify.map(Into::into),
            model: self.classifier.model,
            library: self.classifier.onnxruntime,
            providers: self.classifier.provider,
        };
        config::load(self.config.as_deref(), &overrides)
    }
}

pub(super) fn run(args: ServeArgs) -> anyhow::Result<Outcome> {
    serve::run(args.settings.load()?)?;
    Ok(Outcome::Clean)
}
