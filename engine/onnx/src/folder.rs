//! A model's folder: `model.toml` and the files it names, read only as far as their digests are right.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tamiz_core::{EncoderCard, Linear, ModelCard, ModelFile};

use crate::Error;

/// The name of the card.
const CARD: &str = "model.toml";
const LARGEST_CARD: u64 = 1 << 20;
const LARGEST_TOKENIZER: u64 = 32 << 20;
const LARGEST_LINEAR: u64 = 17 << 20;
const LARGEST_GRAPH: u64 = 1 << 30;

/// A folder whose card was read and is right. Its files are checked when they are used.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    path: PathBuf,
    card: Arc<ModelCard>,
}

/// A file whose digest is as the card says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its name.
    pub name: String,
    /// Its size, in bytes.
    pub bytes: u64,
}

impl ModelFolder {
    /// Reads the card.
    ///
    /// # Errors
    /// When there is none, it has a mistake, or it is of another version.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = path.join(CARD);
        let bytes = read(&file, LARGEST_CARD)?;
        let source = String::from_utf8(bytes).map_err(|_| wrong(&file, "it is not UTF-8 text"))?;
        let card = ModelCard::parse(&file.display().to_string(), &source)
            .map_err(|problem| Error::Card(problem.to_string().trim_end().to_owned()))?;
        Ok(Self { path: path.to_owned(), card: Arc::new(card) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the model is.
    #[must_use]
    pub fn card(&self) -> &Arc<ModelCard> {
        &self.card
    }

    /// The linear stage, if the model has one.
    ///
    /// # Errors
    /// When its file is missing, changed or wrong.
    pub fn linear(&self) -> Result<Option<Linear>, Error> {
        let Some(card) = &self.card.linear else { return Ok(None) };
        let file = self.read(&card.file, LARGEST_LINEAR)?;
        Linear::new(&file).map(Some).map_err(|error| wrong(&self.path.join(&card.file.name), &error.to_string()))
    }

    /// Checks every file that the card names.
    ///
    /// # Errors
    /// The first that is missing, changed or wrong.
    pub fn verify(&self) -> Result<Vec<Checked>, Error> {
        let mut checked = Vec::new();
        let mut check = |file: &ModelFile, bytes: Vec<u8>| {
            checked.push(Checked { name: file.name.clone(), bytes: bytes.len() as u64 });
        };
        if let Some(encoder) = &self.card.encoder {
            check(&encoder.tokenizer, self.tokenizer(encoder)?);
            for graph in &encoder.graphs {
                check(&graph.file, self.graph(&graph.file)?);
            }
        }
        if let Some(linear) = &self.card.linear {
            self.linear()?;
            check(&linear.file, self.read(&linear.file, LARGEST_LINEAR)?);
        }
        Ok(checked)
    }

    pub(crate) fn tokenizer(&self, encoder: &EncoderCard) -> Result<Vec<u8>, Error> {
        self.read(&encoder.tokenizer, LARGEST_TOKENIZER)
    }

    pub(crate) fn graph(&self, file: &ModelFile) -> Result<Vec<u8>, Error> {
        self.read(file, LARGEST_GRAPH)
    }

    /// The bytes of a file, which are those that were checked: it is not read twice.
    fn read(&self, file: &ModelFile, largest: u64) -> Result<Vec<u8>, Error> {
        let path = self.path.join(&file.name);
        let bytes = read(&path, largest)?;
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if digest != file.sha256 {
            let why = format!(
                "its SHA-256 is {digest}, and {CARD} says {}: the file was changed; get the model anew",
                file.sha256
            );
            return Err(wrong(&path, &why));
        }
        Ok(bytes)
    }
}

fn wrong(path: &Path, why: &str) -> Error {
    Error::Model { path: path.to_owned(), why: why.to_owned() }
}

fn read(path: &Path, largest: u64) -> Result<Vec<u8>, Error> {
    let unreadable = |error: std::io::Error| wrong(path, &format!("cannot be read: {error}"));
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(largest + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > largest {
        return Err(wrong(path, &format!("it is larger than {largest} bytes, which no such file of a model is")));
    }
    Ok(bytes)
}
