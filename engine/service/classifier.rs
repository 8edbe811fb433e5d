//! From settings to the classifier of an engine: which model, which library, and what to do without.
//!
//! Who states nothing and has nothing installed gets the linear model that is built in. A model that is found and has no library to run on
//! gives a note; anything that somebody stated and that is not there, and anything that is there and broken, leaves a gap in the coverage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use tamiz_core::{Cascade, Classifier, Classify, Linear, ModelCard};
use tamiz_onnx::{ModelFolder, OnnxClassifier, Options, Provider, Runtime};

use crate::batching::Batched;
use crate::config::{self, ClassifierConfig};

/// The version that `scripts/onnxruntime.sh` fetches.
const VERSION: &str = "1.32.0";
/// The folder of models, beside the program and in the user's data directory.
const MODELS: &str = "models";

/// The model that is there without any file: some microseconds per KiB, and no library.
static BUILT_IN: (&str, &[u8]) =
    (include_str!("../../models/tamiz-mini-1/model.toml"), include_bytes!("../../models/tamiz-mini-1/linear.bin"));

/// What contents are classified with.
///
/// # Errors
/// When the settings mean nothing (a provider that does not exist) or name a provider that does not work. What else is missing or broken is
/// in the cascade, and in the coverage of every content.
pub fn cascade(config: &ClassifierConfig) -> anyhow::Result<Cascade> {
    let providers = providers(&config.providers)?;
    if config.mode == Classify::Off && config.model.is_none() {
        return Ok(Cascade::default().with_mode(Classify::Off));
    }
    let stated = config.model.is_some();
    let folder = match find(config.model.as_deref()) {
        Ok(Some(folder)) => folder,
        Ok(None) if config.library.is_some() => {
            return Ok(Cascade::unavailable(
                "classifier.library is set and there is no model: set classifier.model",
                true,
            )
            .with_mode(config.mode));
        }
        Ok(None) => return Ok(built_in()?.with_mode(config.mode)),
        Err(why) => return Ok(Cascade::unavailable(format!("{why:#}"), true).with_mode(config.mode)),
    };
    let linear = match folder.linear() {
        Ok(linear) => linear,
        Err(why) => return Ok(Cascade::unavailable(why.to_string(), true).with_mode(config.mode)),
    };
    let cascade = Cascade::new(Arc::clone(folder.card()), linear).with_mode(config.mode);
    if folder.card().encoder.is_none() {
        return Ok(cascade);
    }
    let Some(library) = config.library.clone().or_else(library) else {
        let why = format!("the library ONNX Runtime {VERSION} is not there; scripts/onnxruntime.sh fetches it");
        return Ok(cascade.without_encoder(why, stated));
    };
    let options = Options { providers, threads: config.threads };
    let loaded = Runtime::load(&library).and_then(|runtime| OnnxClassifier::load(&folder, &runtime, &options));
    match loaded {
        Ok(encoder) => {
            let encoder: Arc<dyn Classifier> = Arc::new(encoder);
            Ok(cascade.with_encoder(match config.sessions {
                0 => encoder,
                sessions => Arc::new(Batched::start(encoder, sessions)?),
            }))
        }
        Err(error @ tamiz_onnx::Error::Provider(_)) => Err(anyhow!(error))
            .context("classifier.providers names no provider that works here (leave it out for the processor)"),
        Err(why) => Ok(cascade.without_encoder(why.to_string(), true)),
    }
}

/// The built-in model.
///
/// # Errors
/// None that the test suite lets through: its card and its weights are in the program.
pub fn built_in() -> anyhow::Result<Cascade> {
    Ok(Cascade::new(Arc::new(built_in_card()?), Some(Linear::new(BUILT_IN.1)?)))
}

/// What that model is.
pub(crate) fn built_in_card() -> anyhow::Result<ModelCard> {
    let mut card = ModelCard::parse("the built-in model", BUILT_IN.0).map_err(|problem| anyhow!("{problem}"))?;
    // The encoder's files are too large to be in every program; reports tell the two apart.
    card.encoder = None;
    card.id += "-linear";
    Ok(card)
}

/// As [`cascade`], and what was stated has to be there.
///
/// # Errors
/// As [`cascade`]; and when the model or library that was named cannot be had.
pub fn stated_cascade(config: &ClassifierConfig) -> anyhow::Result<Cascade> {
    let cascade = cascade(config)?;
    match cascade.why() {
        Some(why) if config.model.is_some() || config.library.is_some() => bail!("{why}"),
        _ => Ok(cascade),
    }
}

fn providers(text: &str) -> anyhow::Result<Vec<Provider>> {
    let parse = |name: &str| name.trim().parse().map_err(|why| anyhow!("classifier.providers: {why}"));
    text.split(',').map(parse).collect()
}

/// The model that is stated, or the one that is found.
///
/// # Errors
/// When it is wrong, or it is not clear which is meant.
pub fn find(stated: Option<&Path>) -> anyhow::Result<Option<ModelFolder>> {
    match stated {
        Some(path) => match models(path)?.as_slice() {
            [] => bail!("{}: no model (a folder with model.toml) in it", path.display()),
            [one] => Ok(Some(ModelFolder::open(one)?)),
            several => bail!("{}: several models; name one: {}", path.display(), names(several)),
        },
        None => {
            let Some((root, found)) = found()? else { return Ok(None) };
            match found.as_slice() {
                [one] => Ok(Some(ModelFolder::open(one)?)),
                several => {
                    bail!("{}: several models; name one with classifier.model: {}", root.display(), names(several))
                }
            }
        }
    }
}

/// The first of the usual places that has models, and these.
pub(crate) fn found() -> anyhow::Result<Option<(PathBuf, Vec<PathBuf>)>> {
    let places = [beside_program(MODELS), config::user_data("tamiz/models")];
    for root in places.into_iter().flatten().filter(|root| root.is_dir()) {
        let models = models(&root)?;
        if !models.is_empty() {
            return Ok(Some((root, models)));
        }
    }
    Ok(None)
}

/// The folders of models at `path`: itself, or those in it, by name.
pub(crate) fn models(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_model = |path: &Path| path.join("model.toml").is_file();
    if is_model(path) {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).with_context(|| format!("{}: cannot be read", path.display()))? {
        let folder = entry.with_context(|| format!("{}: cannot be read", path.display()))?.path();
        if is_model(&folder) {
            found.push(folder);
        }
    }
    found.sort();
    Ok(found)
}

fn names(folders: &[PathBuf]) -> String {
    let name =
        |folder: &PathBuf| folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    folders.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The library where it is looked for if nobody names one.
fn library() -> Option<PathBuf> {
    let name = if cfg!(target_os = "linux") {
        format!("libonnxruntime.so.{VERSION}")
    } else if cfg!(target_os = "macos") {
        format!("libonnxruntime.{VERSION}.dylib")
    } else {
        "onnxruntime.dll".to_owned()
    };
    let fetched = config::user_data(&format!("tamiz/onnxruntime/{VERSION}/{name}"));
    [beside_program(&name), fetched].into_iter().flatten().find(|path| path.is_file())
}

fn beside_program(name: &str) -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.join(name))
}
