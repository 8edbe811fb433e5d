//! What an engine has to classify with: a model's card, its linear stage, its encoder, as far as they are there.

use std::sync::Arc;

use super::{Classifier, Linear, ModelCard};
use crate::limits::Classify;

/// A model made ready, or why there is none.
///
/// The default is no model: contents are inspected by rules alone.
#[derive(Debug, Clone, Default)]
pub struct Cascade {
    pub(super) mode: Classify,
    pub(super) model: Option<Model>,
    /// Why the encoder, or the whole model, is not there.
    pub(super) why: Option<String>,
    /// Somebody asked for a model, so doing without leaves something out.
    pub(super) stated: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) card: Arc<ModelCard>,
    /// Its id, and what its encoder runs on: as every report tells them.
    pub(super) id: Arc<str>,
    pub(super) provider: Option<Arc<str>>,
    pub(super) linear: Option<Arc<Linear>>,
    pub(super) encoder: Option<Arc<dyn Classifier>>,
}

impl Cascade {
    /// A model with the stages that are there.
    #[must_use]
    pub fn new(card: Arc<ModelCard>, linear: Option<Linear>) -> Self {
        let id = Arc::from(card.id.as_str());
        let model = Model { card, id, provider: None, linear: linear.map(Arc::new), encoder: None };
        Self { mode: Classify::default(), model: Some(model), why: None, stated: true }
    }

    /// A model that cannot be had. `stated`: somebody asked for it, so what it does not classify is missing from the coverage;
    /// else there is a note.
    #[must_use]
    pub fn unavailable(why: impl Into<String>, stated: bool) -> Self {
        Self { mode: Classify::default(), model: None, why: Some(why.into()), stated }
    }

    /// With this encoder.
    #[must_use]
    pub fn with_encoder(mut self, encoder: Arc<dyn Classifier>) -> Self {
        if let Some(model) = &mut self.model {
            model.provider = Some(Arc::from(encoder.info().provider));
            model.encoder = Some(encoder);
        }
        self
    }

    /// Without an encoder, and why. What the linear stage does not settle is then not classified; `stated` as for
    /// [`Cascade::unavailable`].
    #[must_use]
    pub fn without_encoder(mut self, why: impl Into<String>, stated: bool) -> Self {
        (self.why, self.stated) = (Some(why.into()), stated);
        self
    }

    /// When it is asked, unless a call says otherwise.
    #[must_use]
    pub fn with_mode(mut self, mode: Classify) -> Self {
        self.mode = mode;
        self
    }

    /// When it is asked.
    #[must_use]
    pub fn mode(&self) -> Classify {
        self.mode
    }

    /// The model's card, if there is a model.
    #[must_use]
    pub fn card(&self) -> Option<&ModelCard> {
        self.model.as_ref().map(|model| &*model.card)
    }

    /// The encoder, if there is one.
    #[must_use]
    pub fn encoder(&self) -> Option<&Arc<dyn Classifier>> {
        self.model.as_ref()?.encoder.as_ref()
    }

    /// Why the encoder or the model is not there, if it should be.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }
}
