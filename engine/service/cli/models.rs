//! `tamiz models`: which classifier models there are, and whether they are what they say.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use tamiz_core::ModelCard;
use tamiz_onnx::ModelFolder;

use super::Outcome;
use crate::classifier;

/// What stands for the folder of the model that is part of the program.
const BUILT_IN: &str = "(built in)";

#[derive(Debug, Subcommand)]
pub(super) enum ModelsCommand {
    /// List the models in a folder, one a line; without a folder the built-in one too.
    List {
        /// The folder. Default: where the classifier looks.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Check the card and the SHA-256 of every file of models.
    Verify {
        /// Folders of models. Default: where the classifier looks.
        #[arg(value_name = "DIR")]
        folders: Vec<PathBuf>,
    },
    /// Show a model's card: source, licence, labels, thresholds, metrics.
    Show {
        /// The model's folder. Default: the one that the classifier uses; without one, the built-in one.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

pub(super) fn run(command: ModelsCommand) -> anyhow::Result<Outcome> {
    let mut out = io::stdout().lock();
    match command {
        ModelsCommand::List { folder } => {
            let found = match &folder {
                Some(path) => folders(Some(path))?,
                None => classifier::found()?.map(|(_, models)| models).unwrap_or_default(),
            };
            for path in found {
                match ModelFolder::open(&path) {
                    Ok(model) => writeln!(out, "{}  {}  {}", model.card().id, path.display(), model.card().title)?,
                    Err(why) => writeln!(out, "{}: {why}", path.display())?,
                }
            }
            if folder.is_none() {
                let card = classifier::built_in_card()?;
                writeln!(out, "{}  {BUILT_IN}  {}", card.id, card.title)?;
            }
        }
        ModelsCommand::Verify { folders: named } => {
            let mut all = Vec::new();
            for path in &named {
                all.extend(folders(Some(path))?);
            }
            if named.is_empty() {
                all = folders(None)?;
            }
            for path in all {
                let model = ModelFolder::open(&path)?;
                let checked = model.verify()?;
                writeln!(out, "{}: sound", model.card().id)?;
                for file in checked {
                    writeln!(out, "  {} ({} bytes)", file.name, file.bytes)?;
                }
            }
        }
        ModelsCommand::Show { folder } => match classifier::find(folder.as_deref())? {
            Some(model) => show(&mut out, &model.path().display().to_string(), model.card())?,
            None => show(&mut out, BUILT_IN, &classifier::built_in_card()?)?,
        },
    }
    Ok(Outcome::Clean)
}

/// The folders of models that are meant; there is at least one.
fn folders(stated: Option<&Path>) -> anyhow::Result<Vec<PathBuf>> {
    let found = match stated {
        Some(path) => classifier::models(path)?,
        None => classifier::found()?.map(|(_, models)| models).unwrap_or_default(),
    };
    if found.is_empty() {
        match stated {
            Some(path) => anyhow::bail!("{}: no model (a folder with model.toml)", path.display()),
            None => anyhow::bail!(
                "no model (a folder with model.toml) where the classifier looks; the linear stage that is built in works without one"
            ),
        }
    }
    Ok(found)
}

fn show(out: &mut impl Write, place: &str, card: &ModelCard) -> io::Result<()> {
    for (name, value) in [
        ("id", card.id.as_str()),
        ("title", &card.title),
        ("folder", place),
        ("base", &card.base),
        ("licence", &card.licence),
        ("training data", &card.training_data),
        ("created", &card.created),
        ("digest", &card.digest),
    ] {
        writeln!(out, "{name:14} {value}")?;
    }
    if let Some(encoder) = &card.encoder {
        writeln!(out, "{:14} {} tokens, a new one every {}", "windows", encoder.max_tokens, encoder.stride)?;
        writeln!(out, "{:14} {}", "labels", encoder.kinds.join(", "))?;
        for graph in &encoder.graphs {
            let providers = graph.providers.join(", ");
            writeln!(out, "{:14} {} in {} for {providers}", "graph", graph.precision, graph.file.name)?;
        }
    }
    if let Some(linear) = &card.linear {
        let (benign, attack) = (linear.settle_benign, linear.settle_attack);
        writeln!(out, "{:14} {}; settles up to {benign} and from {attack}", "linear stage", linear.file.name)?;
    }
    if !card.description.is_empty() {
        writeln!(out, "\n{}", card.description)?;
    }
    if !card.metrics.is_empty() {
        writeln!(out, "\nmetrics\n{}", toml::to_string(&card.metrics).unwrap_or_default())?;
    }
    Ok(())
}
