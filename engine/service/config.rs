//! The configuration: defaults, then a TOML file, then `TAMIZ_…` variables, then flags; the later wins.
//!
//! A variable is `TAMIZ_`, the section and the key: `server.listen` is `TAMIZ_SERVER_LISTEN`; a list of directories is separated
//! as in `PATH`. `TAMIZ_LOG` is short for `TAMIZ_LOG_FILTER`. Names that mean nothing are refused wherever they stand: a
//! setting that is silently ignored is worse than a server that does not start. Paths in a file are relative to that file.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tamiz_core::{Classify, Diagnostic, Limits, Treatment, closest};

use crate::matcher::MatcherChoice;

/// All settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The gRPC server.
    pub server: ServerConfig,
    /// The threads that inspect, and how much may wait for them.
    pub pool: PoolConfig,
    /// What is looked for.
    pub rules: RulesConfig,
    /// What searches for it.
    pub matcher: MatcherConfig,
    /// The model that is asked besides the rules.
    pub classifier: ClassifierConfig,
    /// What findings lead to.
    pub policy: PolicyConfig,
    /// The tools that were approved.
    pub catalogue: CatalogueConfig,
    /// What reports hold.
    pub report: ReportConfig,
    /// How content is changed.
    pub transform: TransformConfig,
    /// What one inspection may cost.
    pub limits: Limits,
    /// What is logged.
    pub log: LogConfig,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port to listen on; port 0 takes any free one. There is no TLS and no authentication: anything but a
    /// loopback address needs something in front that does both.
    pub listen: SocketAddr,
    /// A file that gets the port once the server listens, followed by a line end; removed at the end.
    pub port_file: Option<PathBuf>,
    /// Largest request message, in bytes, from 1 KiB to 2 GiB. Content and its labels together.
    pub max_message_bytes: usize,
    /// Longest time for one inspection, in milliseconds, from the receipt of the request; 0 for none. What it cuts off is in
    /// the report's coverage.
    pub default_timeout_ms: u64,
    /// Requests of one stream that may be without answer before reading stops. At most 65,536.
    pub stream_in_flight: NonZeroUsize,
    /// Time between HTTP/2 pings on an idle connection, in milliseconds; 0 for none.
    pub keepalive_interval_ms: u64,
    /// Time after which an unanswered ping closes the connection, in milliseconds.
    pub keepalive_timeout_ms: u64,
    /// Longest time to finish work after SIGTERM or SIGINT, in milliseconds.
    pub shutdown_grace_ms: u64,
    /// Whether gRPC reflection is served. It tells anybody who connects what the service looks like.
    pub reflection: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 50_051)),
            port_file: None,
            max_message_bytes: Limits::default().max_content_bytes + (1 << 20),
            default_timeout_ms: 0,
            stream_in_flight: nonzero(64),
            keepalive_interval_ms: 60_000,
            keepalive_timeout_ms: 20_000,
            shutdown_grace_ms: 10_000,
            reflection: false,
        }
    }
}

/// `[pool]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolConfig {
    /// Threads that inspect; 0 for one per core. At most 1,024.
    pub workers: usize,
    /// Single requests that may wait for a thread. One more is refused with RESOURCE_EXHAUSTED. At most 1,048,576.
    pub queue: NonZeroUsize,
    /// Requests from streams that may wait for a thread. Streams are not read while these are taken. At most 1,048,576.
    pub stream_queue: NonZeroUsize,
    /// Conversations of which is kept what their last message ended in, 512 bytes each at most. At most 1,048,576.
    pub conversations: NonZeroUsize,
    /// Bytes of opaque tokens (random, of 20 characters and more, known to no rule) that one conversation may send in tool arguments and model
    /// output before `secret.entropy-budget` is found; 0 for no budget. At most 1,073,741,824.
    pub entropy_budget: usize,
    /// Memory for reports of turns of conversations that may come again, in bytes; 0 for none. At most 17,179,869,184.
    pub verdict_cache_bytes: usize,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            workers: 0,
            queue: nonzero(1_024),
            stream_queue: nonzero(256),
            conversations: nonzero(16_384),
            entropy_budget: 0,
            verdict_cache_bytes: 64 << 20,
        }
    }
}

/// `[rules]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesConfig {
    /// Whether the built-in rules are used.
    pub builtin: bool,
    /// Directories of further rules; a rule with a known id replaces it.
    pub directories: Vec<PathBuf>,
    /// A file of canaries (`tamiz canary new`), made with the key of `report.fingerprint_key_file`.
    pub canaries: Option<PathBuf>,
    /// A file of prints of prompts (`tamiz prompt register`), made with the same key, or without one if there is none.
    pub prompts: Option<PathBuf>,
}

impl Default for RulesConfig {
    fn default() -> Self {
        Self { builtin: true, directories: Vec::new(), canaries: None, prompts: None }
    }
}

/// `[matcher]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MatcherConfig {
    /// The back end: `auto`, `rust` or `hyperscan`.
    pub backend: MatcherChoice,
    /// Where compiled databases of Hyperscan are kept; the user's cache directory if not stated. Whoever can write there can run code.
    pub cache_dir: Option<PathBuf>,
}

/// `[classifier]`; docs/classifier.md has more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifierConfig {
    /// When it is asked: `off`, `auto` (its linear stage settles the obvious) or `always`.
    pub mode: Classify,
    /// The model's folder, or one with a single model in it. If not stated: `models` beside the program, then
    /// `tamiz/models` in the user's data directory; none there: the linear stage that is built in.
    pub model: Option<PathBuf>,
    /// The library ONNX Runtime. If not stated: beside the program, then in the user's data directory, where
    /// `scripts/onnxruntime.sh` puts it. Whoever can write there can run code.
    pub library: Option<PathBuf>,
    /// What it runs on: `cpu`, `cuda:N`, `tensorrt:N`, `openvino`, `coreml`, `directml`; the first of several, separated by commas, that
    /// works. If none does, the service does not start.
    pub providers: String,
    /// Threads of one session, 1 to 64.
    pub threads: usize,
    /// Sessions that all workers share, their windows batched together; 0 for a session per worker. At most 64. One is right for a
    /// GPU.
    pub sessions: usize,
}

impl Default for ClassifierConfig {
    fn default() -> Self {
        Self { mode: Classify::Auto, model: None, library: None, providers: "cpu".into(), threads: 1, sessions: 0 }
    }
}

/// `[policy]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// The policy file; the shipped policy if there is none.
    pub file: Option<PathBuf>,
}

/// `[catalogue]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CatalogueConfig {
    /// The file of the catalogue of tools. Without one CatalogService is not served. While it is, no other process can use it.
    pub store: Option<PathBuf>,
}

/// `[report]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportConfig {
    /// A key file (`tamiz key new`), whose first key makes fingerprints. Without one anybody can guess short secrets from them.
    pub fingerprint_key_file: Option<PathBuf>,
}

/// `[transform]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransformConfig {
    /// What becomes of secrets and personal data: `placeholder`, `remove`, `mask`, `hash`, `pseudonym`, `seal` or `keep`.
    pub leaks: Treatment,
    /// What becomes of what steers the model: `stub`, `remove`, `defang`, `quote` or `keep`.
    pub steering: Treatment,
    /// A plan file, instead of the two above.
    pub plan_file: Option<PathBuf>,
    /// A file with keys, as `tamiz key new` makes them.
    pub key_file: Option<PathBuf>,
    /// The name of an environment variable with keys. It must not begin with `TAMIZ_`.
    pub key_env: Option<String>,
    /// Whose keys: what was sealed for one tenant cannot be opened for another.
    pub tenant: String,
    /// Whether clients may have tokens opened. The server knows no users: leave it off unless something in front does.
    pub reveal: bool,
    /// The file that gets a line for each opening of tokens; standard error if there is none.
    pub audit_file: Option<PathBuf>,
    /// Conversations whose placeholders are remembered; the one not used for longest goes first. At most 65,536.
    pub conversations: usize,
}

impl Default for TransformConfig {
    fn default() -> Self {
        Self {
            leaks: Treatment::Placeholder,
            steering: Treatment::Stub,
            plan_file: None,
            key_file: None,
            key_env: None,
            tenant: String::new(),
            reveal: false,
            audit_file: None,
            conversations: 1_024,
        }
    }
}

/// `[log]`; logs go to standard error and never hold inspected content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// What is logged: a level (`info`) or directives (`info,tamiz::grpc=debug`).
    pub filter: String,
    /// How.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".into(), format: LogFormat::Text }
    }
}

/// How logs are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// A file or folder below the user's data directory: `$XDG_DATA_HOME` or `~/.local/share`.
pub(crate) fn user_data(path: &str) -> Option<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    Some(folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local/share")))?.join(path))
}

const fn nonzero(value: usize) -> NonZeroUsize {
    match NonZeroUsize::new(value) {
        Some(value) => value,
        None => NonZeroUsize::MIN,
    }
}

/// What flags say; `None` and empty say nothing.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `server.listen`
    pub listen: Option<SocketAddr>,
    /// `server.port_file`
    pub port_file: Option<PathBuf>,
    /// `server.reflection`
    pub reflection: Option<bool>,
    /// `pool.workers`
    pub workers: Option<usize>,
    /// Added to `rules.directories`.
    pub rule_dirs: Vec<PathBuf>,
    /// `rules.builtin`
    pub builtin_rules: Option<bool>,
    /// `policy.file`
    pub policy: Option<PathBuf>,
    /// `matcher.backend`
    pub matcher: Option<MatcherChoice>,
    /// `rules.canaries`
    pub canaries: Option<PathBuf>,
    /// `rules.prompts`
    pub prompts: Option<PathBuf>,
    /// `report.fingerprint_key_file`
    pub key_file: Option<PathBuf>,
    /// `classifier.mode`
    pub classify: Option<Classify>,
    /// `classifier.model`
    pub model: Option<PathBuf>,
    /// `classifier.library`
    pub library: Option<PathBuf>,
    /// `classifier.providers`
    pub providers: Option<String>,
}

/// Why a configuration is refused. Each message names the place and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: the configuration cannot be read: {source}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has a mistake.
    #[error("{}", .0.to_string().trim_end())]
    File(Box<Diagnostic>),
    /// A variable of the environment means nothing or has a wrong value.
    #[error("environment variable {name}: {why}")]
    Variable {
        /// Its name.
        name: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A value is out of range, wherever it came from.
    #[error("{key} = {value}: {why}")]
    Range {
        /// The setting.
        key: &'static str,
        /// What it is.
        value: usize,
        /// What it may be.
        why: &'static str,
    },
}

/// Reads all layers.
///
/// # Errors
/// On the first mistake. An `explicit` file must exist; the one in the user's configuration directory need not.
pub fn load(explicit: Option<&Path>, overrides: &Overrides) -> Result<Config, ConfigError> {
    load_from(explicit.map(Path::to_owned).or_else(user_file).as_deref(), env::vars_os(), overrides)
}

/// The user's configuration file, if there is one: `$XDG_CONFIG_HOME/tamiz/config.toml` or `~/.config/tamiz/config.toml`.
#[must_use]
pub fn user_file() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(base.join("tamiz/config.toml")).filter(|file| file.exists())
}

/// Where the catalogue of tools is if nobody says: `$XDG_DATA_HOME/tamiz/tools.redb` or `~/.local/share/tamiz/tools.redb`.
#[must_use]
pub fn user_store() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local/share")))?;
    Some(base.join("tamiz/tools.redb"))
}

/// The configuration as a file would hold it.
#[must_use]
pub fn to_toml(config: &Config) -> String {
    // Cannot fail but for a path that is not UTF-8, and then the message is the most useful text there is.
    toml::to_string(config).unwrap_or_else(|error| format!("# cannot be shown as TOML: {error}\n"))
}

fn load_from(
    file: Option<&Path>,
    variables: impl Iterator<Item = (OsString, OsString)>,
    overrides: &Overrides,
) -> Result<Config, ConfigError> {
    let mut config = file.map(read_file).transpose()?.unwrap_or_default();
    apply_variables(&mut config, variables)?;
    overrides.apply(&mut config);
    config.check()?;
    Ok(config)
}

fn read_file(path: &Path) -> Result<Config, ConfigError> {
    let source = fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let mut config: Config = toml::from_str(&source)
        .map_err(|error| ConfigError::File(Box::new(problem(&path.display().to_string(), &source, &error))))?;
    config.rebase(path.parent().unwrap_or(Path::new("")));
    Ok(config)
}

/// A TOML error with its place; an unknown key gets the known one that was meant.
fn problem(name: &str, source: &str, error: &toml::de::Error) -> Diagnostic {
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    let mut names = message.split('`').skip(1).step_by(2);
    let hint = match message.strip_prefix("unknown field").and_then(|_| names.next()) {
        Some(unknown) => closest(unknown, names).map(|known| format!("did you mean `{known}`?")).or_else(|| {
            let suffix = format!(".{unknown}");
            let key = keys().into_iter().find(|key| key.ends_with(&suffix))?;
            Some(format!("`{unknown}` belongs under [{}]", key.strip_suffix(&suffix)?))
        }),
        None if message.contains("socket address") => Some("write ADDRESS:PORT, such as \"127.0.0.1:50051\"".into()),
        None => None,
    };
    let hint = hint.unwrap_or_else(|| "`tamiz config print` shows all settings".into());
    Diagnostic::new(name, source, error.span().unwrap_or(0..0), "E060", message).hint(hint)
}

/// The dotted names of all settings.
fn keys() -> Vec<String> {
    let Ok(Value::Object(sections)) = serde_json::to_value(Config::default()) else { return Vec::new() };
    let key = |(section, keys): (&String, &Value)| -> Vec<String> {
        keys.as_object().into_iter().flat_map(|keys| keys.keys().map(|key| format!("{section}.{key}"))).collect()
    };
    sections.iter().flat_map(key).collect()
}

fn apply_variables(
    config: &mut Config,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<(), ConfigError> {
    // The command line has these for itself.
    const OTHERS: [&str; 1] = ["TAMIZ_CONFIG"];
    let keys = keys();
    let variable = |key: &str| format!("TAMIZ_{}", key.replace('.', "_").to_uppercase());
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with("TAMIZ_") && !OTHERS.contains(name)) else {
            continue;
        };
        let wrong = |why: String| ConfigError::Variable { name: name.to_owned(), why };
        let meant = if name == "TAMIZ_LOG" { "TAMIZ_LOG_FILTER" } else { name };
        let Some(key) = keys.iter().find(|key| variable(key) == meant) else {
            let known: Vec<String> = keys.iter().map(|key| variable(key)).collect();
            let hint = match closest(name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None => "`tamiz config print` shows all settings".into(),
            };
            return Err(wrong(format!("there is no such setting; {hint}")));
        };
        let value = value.into_string().map_err(|_| wrong("the value is not UTF-8".into()))?;
        *config = with_value(config, key, &value).map_err(wrong)?;
    }
    Ok(())
}

/// The configuration with one setting changed to what `text` says.
fn with_value(config: &Config, key: &str, text: &str) -> Result<Config, String> {
    let mut all = serde_json::to_value(config).map_err(|error| error.to_string())?;
    let slot = all.pointer_mut(&format!("/{}", key.replace('.', "/"))).ok_or("there is no such setting")?;
    *slot = match slot {
        Value::Bool(_) => Value::Bool(text.parse().map_err(|_| format!("`{text}` is neither true nor false"))?),
        Value::Number(_) => {
            Value::from(text.replace('_', "").parse::<u64>().map_err(|_| format!("`{text}` is not a whole number"))?)
        }
        Value::Array(_) => env::split_paths(text).map(|path| Value::from(path.to_string_lossy())).collect(),
        _ => Value::from(text),
    };
    serde_json::from_value(all).map_err(|error| error.to_string())
}

impl Overrides {
    fn apply(&self, config: &mut Config) {
        fn set<T: Clone>(to: &mut T, from: &Option<T>) {
            if let Some(value) = from {
                to.clone_from(value);
            }
        }
        set(&mut config.server.listen, &self.listen);
        set(&mut config.server.reflection, &self.reflection);
        set(&mut config.pool.workers, &self.workers);
        set(&mut config.rules.builtin, &self.builtin_rules);
        set(&mut config.matcher.backend, &self.matcher);
        set(&mut config.classifier.mode, &self.classify);
        set(&mut config.classifier.providers, &self.providers);
        config.rules.directories.extend(self.rule_dirs.iter().cloned());
        let files = [
            (&mut config.server.port_file, &self.port_file),
            (&mut config.policy.file, &self.policy),
            (&mut config.rules.canaries, &self.canaries),
            (&mut config.rules.prompts, &self.prompts),
            (&mut config.report.fingerprint_key_file, &self.key_file),
        ];
        for (to, from) in files.into_iter().filter(|(_, from)| from.is_some()) {
            to.clone_from(from);
        }
        if self.model.is_some() {
            config.classifier.model.clone_from(&self.model);
        }
        if self.library.is_some() {
            config.classifier.library.clone_from(&self.library);
        }
    }
}

impl Config {
    /// Makes paths that a file in `folder` names relative to where the process is.
    fn rebase(&mut self, folder: &Path) {
        let single = [
            &mut self.server.port_file,
            &mut self.policy.file,
            &mut self.report.fingerprint_key_file,
            &mut self.rules.canaries,
            &mut self.rules.prompts,
            &mut self.transform.plan_file,
            &mut self.transform.key_file,
            &mut self.transform.audit_file,
            &mut self.matcher.cache_dir,
            &mut self.classifier.model,
            &mut self.classifier.library,
            &mut self.catalogue.store,
        ];
        for path in single.into_iter().flatten().chain(&mut self.rules.directories) {
            *path = folder.join(&*path);
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let ranges = [
            (
                "server.max_message_bytes",
                self.server.max_message_bytes,
                1 << 10,
                1 << 31,
                "it may be 1024 to 2147483648",
            ),
            ("server.stream_in_flight", self.server.stream_in_flight.get(), 1, 1 << 16, "it may be 1 to 65536"),
            ("pool.workers", self.pool.workers, 0, 1_024, "it may be 0 (one per core) to 1024"),
            ("transform.conversations", self.transform.conversations, 0, 1 << 16, "it may be 0 to 65536"),
            ("pool.queue", self.pool.queue.get(), 1, 1 << 20, "it may be 1 to 1048576"),
            ("classifier.threads", self.classifier.threads, 1, 64, "it may be 1 to 64"),
            ("classifier.sessions", self.classifier.sessions, 0, 64, "it may be 0 (one per worker) to 64"),
            ("pool.stream_queue", self.pool.stream_queue.get(), 1, 1 << 20, "it may be 1 to 1048576"),
            ("pool.entropy_budget", self.pool.entropy_budget, 0, 1 << 30, "it may be 0 (none) to 1073741824"),
            ("pool.verdict_cache_bytes", self.pool.verdict_cache_bytes, 0, 1 << 34, "it may be 0 to 17179869184"),
            ("pool.conversations", self.pool.conversations.get(), 1, 1 << 20, "it may be 1 to 1048576"),
        ];
        match ranges.into_iter().find(|(_, value, least, most, _)| !(least..=most).contains(&value)) {
            Some((key, value, _, _, why)) => Err(ConfigError::Range { key, value, why }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn load(text: &str, variables: &[(&str, &str)], overrides: &Overrides) -> Result<Config, ConfigError> {
        let (_folder, path) = file(text);
        load_from(Some(&path), variables.iter().map(|(name, value)| (name.into(), value.into())), overrides)
    }

    fn wrong(text: &str) -> Diagnostic {
        match load(text, &[], &Overrides::default()) {
            Err(ConfigError::File(diagnostic)) => *diagnostic,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn wrong_variable(name: &str, value: &str) -> String {
        load("", &[(name, value)], &Overrides::default()).expect_err(name).to_string()
    }

    #[test]
    fn later_layers_win() {
        let text = "[server]\nlisten = \"127.0.0.1:1\"\nreflection = true\n[pool]\nworkers = 3\nqueue = 7\n";
        let variables = [("TAMIZ_SERVER_LISTEN", "127.0.0.1:2"), ("TAMIZ_POOL_WORKERS", "4"), ("HOME", "/x")];
        let overrides = Overrides { workers: Some(5), ..Overrides::default() };
        let config = load(text, &variables, &overrides).unwrap();
        assert_eq!(config.server.listen.port(), 2);
        assert_eq!((config.pool.workers, config.pool.queue.get(), config.server.reflection), (5, 7, true));
        assert_eq!(config.limits, Limits::default());
    }

    #[test]
    fn mistakes_in_the_file_are_pointed_at() {
        let unknown = wrong("[server]\nlisen = \"127.0.0.1:1\"\n");
        assert_eq!((unknown.line, unknown.column), (2, 1));
        assert_eq!(unknown.hint.as_deref(), Some("did you mean `listen`?"));
        let section = wrong("[serve]\n");
        assert_eq!((section.line, section.hint.as_deref()), (1, Some("did you mean `server`?")));
        assert_eq!(
            wrong("shutdown_grace_ms = 1\n").hint.as_deref(),
            Some("`shutdown_grace_ms` belongs under [server]")
        );
        let limit = wrong("[limits]\n\nmax_finding = 1\n");
        assert_eq!((limit.line, limit.hint.as_deref()), (3, Some("did you mean `max_findings`?")));
        assert_eq!(wrong("[server]\nlisten = \"localhost\"\n").line, 2);
        assert_eq!(wrong("[pool]\nqueue = 0\n").line, 2);
        assert_eq!(wrong("[pool\n").line, 1);
    }

    #[test]
    fn mistakes_in_the_environment_are_named() {
        assert!(wrong_variable("TAMIZ_SERVER_LISTE", "x").ends_with("did you mean TAMIZ_SERVER_LISTEN?"));
        assert!(wrong_variable("TAMIZ_POOL_QUEUE", "many").contains("not a whole number"));
        assert!(wrong_variable("TAMIZ_SERVER_REFLECTION", "yes").contains("neither true nor false"));
        assert!(wrong_variable("TAMIZ_SERVER_LISTEN", "nowhere").contains("socket address"));
        assert!(wrong_variable("TAMIZ_POOL_WORKERS", "5000").contains("one per core"));
    }

    #[test]
    fn every_setting_has_a_variable() {
        for key in keys() {
            let value = serde_json::to_value(Config::default()).unwrap();
            let text = match &value[key.split_once('.').unwrap().0][key.split_once('.').unwrap().1] {
                Value::String(text) => text.clone(),
                Value::Null => "some/path".into(),
                Value::Array(_) => "a:b".into(),
                other => other.to_string(),
            };
            let name = format!("TAMIZ_{}", key.replace('.', "_").to_uppercase());
            load("", &[(&name, &text)], &Overrides::default()).unwrap();
        }
        assert_eq!(load("", &[("TAMIZ_LOG", "debug")], &Overrides::default()).unwrap().log.filter, "debug");
        load("", &[("TAMIZ_CONFIG", "x")], &Overrides::default()).unwrap();
    }

    #[test]
    fn what_is_printed_can_be_read() {
        let (folder, path) = file("");
        let mut config = Config::default();
        config.policy.file = Some("/etc/policy.toml".into());
        fs::write(&path, to_toml(&config)).unwrap();
        assert_eq!(read_file(&path).unwrap(), config);
        fs::write(&path, "[rules]\ndirectories = [\"more\"]\n").unwrap();
        assert_eq!(read_file(&path).unwrap().rules.directories, [folder.path().join("more")]);
        assert!(matches!(read_file(Path::new("/no/such/file")), Err(ConfigError::Read { .. })));
    }
}
