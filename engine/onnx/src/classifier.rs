//! A model ready to be asked, on the first execution provider that works.

use std::sync::{Arc, Mutex, PoisonError};

use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use tamiz_core::{
    Classifier, ClassifierInfo, ClassifierSession, ClassifyError, ContentKind, EncoderCard, Graph, Windows,
};

use crate::runtime::one_line;
use crate::session::OnnxSession;
use crate::tokens::Tokens;
use crate::{Error, ModelFolder, Provider, Runtime};

/// How a model is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The execution providers to try, in order.
    pub providers: Vec<Provider>,
    /// Threads of one session. Workers have a session each, so one is right where there are as many workers as cores.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { providers: vec![Provider::Cpu], threads: 1 }
    }
}

/// A model's encoder. Immutable and shared; sessions are made of it.
pub struct OnnxClassifier {
    id: String,
    card: Arc<EncoderCard>,
    tokens: Arc<Tokens>,
    graph: Graph,
    bytes: Vec<u8>,
    runtime: Runtime,
    provider: Provider,
    threads: usize,
    /// The session that was tried when this was loaded, until somebody takes it.
    warm: Mutex<Option<OnnxSession>>,
}

impl std::fmt::Debug for OnnxClassifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxClassifier").field("info", &self.info()).finish_non_exhaustive()
    }
}

impl OnnxClassifier {
    /// Checks tokenizer and graph, and runs the graph once on each provider until one works.
    ///
    /// # Errors
    /// When a file is not right, or no provider works; the message has each provider's reason.
    pub fn load(folder: &ModelFolder, runtime: &Runtime, options: &Options) -> Result<Self, Error> {
        let id = folder.card().id.clone();
        let none = || Error::Model {
            path: folder.path().to_owned(),
            why: "it is a linear stage alone, without an encoder".into(),
        };
        let card = Arc::new(folder.card().encoder.clone().ok_or_else(none)?);
        let path = folder.path().join(&card.tokenizer.name);
        let tokens = Arc::new(Tokens::new(&folder.tokenizer(&card)?, &path, &card)?);
        let mut why = Vec::new();
        for provider in &options.providers {
            let Some(graph) = provider.graph(&card.graphs).cloned() else {
                why.push(format!("{provider}: {id} has no graph for it"));
                continue;
            };
            let bytes = folder.graph(&graph.file)?;
            let (id, card, tokens, runtime) = (id.clone(), Arc::clone(&card), Arc::clone(&tokens), runtime.clone());
            let (provider, threads, warm) = (*provider, options.threads, Mutex::new(None));
            let made = Self { id, card, tokens, graph, bytes, runtime, provider, threads, warm };
            match made.make().and_then(|mut session| session.warm_up().map(|()| session)) {
                Ok(session) => return Ok(Self { warm: Mutex::new(Some(session)), ..made }),
                Err(problem) => why.push(format!("{provider}: {problem}")),
            }
        }
        if options.providers.is_empty() {
            why.push("none is named".into());
        }
        Err(Error::Provider(why.join("; ")))
    }

    fn make(&self) -> Result<OnnxSession, String> {
        let session = self.build().map_err(|error| one_line(&error.to_string()))?;
        let (card, tokens) = (Arc::clone(&self.card), Arc::clone(&self.tokens));
        Ok(OnnxSession::new(session, card, tokens, self.graph.batch_invariant, self.provider.is_device()))
    }

    fn build(&self) -> Result<Session, ort::Error> {
        let builder = Session::builder(&self.runtime.environment)?;
        builder
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(self.threads.max(1))?
            .with_inter_threads(1)?
            // A thread that waits for work must not burn a core that inspects.
            .with_intra_op_spinning(false)?
            // Patterns help where every run has the same shape; windows differ in length.
            .with_memory_pattern(false)?
            .with_flush_to_zero()?
            .with_execution_providers([self.provider.dispatch()])?
            .commit_from_memory(&self.bytes)
    }
}

impl Classifier for OnnxClassifier {
    fn info(&self) -> ClassifierInfo {
        ClassifierInfo {
            id: self.id.clone(),
            provider: format!("{} {}", self.provider, self.graph.precision),
            digest: self.graph.file.sha256.clone(),
        }
    }

    fn plan(&self, text: &str, kind: ContentKind, windows: &mut Windows) -> Result<(), ClassifyError> {
        self.tokens.plan(text, kind, windows);
        Ok(())
    }

    fn session(&self) -> Result<Box<dyn ClassifierSession>, ClassifyError> {
        let warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(session) = warm {
            return Ok(Box::new(session));
        }
        match self.make() {
            Ok(session) => Ok(Box::new(session)),
            Err(why) => Err(ClassifyError::Failed(format!("ONNX Runtime: {why}"))),
        }
    }
}
