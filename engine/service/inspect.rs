//! The worker pool: the one path by which a service inspects.
//!
//! A fixed number of threads, each with its own [`Scanner`], takes tasks from a bounded queue. Who hands in a task needs a place
//! in the queue first: a single request is refused when there is none, a stream waits for one, and neither can take the other's.
//! Asynchronous callers are never blocked by a scan.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use prost::bytes::Bytes;
use tamiz_core::{
    Action, Classify, Content, ContentKind, Engine, Format, Marker, McpHeaders, Report, ScanControl, Scanner,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::clock::today;
use crate::config::PoolConfig;
use crate::conversations::Conversations;
use crate::telemetry::SCAN_THREAD;
use crate::transforming::Transforming;

/// A scanner keeps the memory of its largest content; after a larger one than this, in bytes, it is replaced.
const KEEP_SCRATCH_BELOW: usize = 4 << 20;

/// One content to inspect. It has no `Debug`: it holds content.
pub struct Task {
    /// The bytes.
    pub content: Bytes,
    /// What they are; `None` for what the structure says.
    pub kind: Option<ContentKind>,
    /// How they are written.
    pub format: Format,
    /// What HTTP said of an MCP message, if it said anything.
    pub headers: Option<Headers>,
    /// Label for the report.
    pub path: Option<String>,
    /// The server that it goes to.
    pub server: Option<String>,
    /// The tool that it is of.
    pub tool: Option<String>,
    /// The conversation that it belongs to.
    pub conversation: Option<String>,
    /// Whether findings carry the matched text.
    pub excerpts: bool,
    /// When the classifier is asked; `None` for what the engine does by default.
    pub classify: Option<Classify>,
    /// A spotlighting marker to look for.
    pub marker: Option<Marker>,
    /// How the content is changed if the verdict says so.
    pub transforming: Arc<Transforming>,
    /// When the inspection must stop.
    pub deadline: Option<Instant>,
    /// Set when nobody waits for the answer any more.
    pub cancel: Cancel,
}

/// Headers of an MCP message; see [`McpHeaders`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// `MCP-Protocol-Version`.
    pub version: Option<String>,
    /// `Mcp-Method`.
    pub method: Option<String>,
    /// `Mcp-Name`.
    pub name: Option<String>,
}

impl Headers {
    /// These, if there are any.
    #[must_use]
    pub fn any(version: Option<String>, method: Option<String>, name: Option<String>) -> Option<Self> {
        let headers = Self { version, method, name };
        (headers != Self::default()).then_some(headers)
    }

    /// As the engine takes them.
    #[must_use]
    pub fn as_core(&self) -> McpHeaders<'_> {
        McpHeaders::new(self.version.as_deref(), self.method.as_deref(), self.name.as_deref())
    }
}

impl Task {
    fn run(self, scanner: &mut Scanner, conversations: &Conversations, budget: u64) -> Inspected {
        let content = match self.kind {
            Some(kind) => Content::new(kind, &self.content),
            None => Content::unplaced(&self.content),
        };
        let conversation = self.conversation.map(|id| (id, self.kind));
        let carried = conversation.as_ref().map(|key| conversations.carried(key)).unwrap_or_default();
        let content = content.with_server(self.server.as_deref()).with_tool(self.tool.as_deref());
        let content = content.with_carried(&carried).with_format(self.format);
        let content = match &self.headers {
            Some(headers) => content.with_mcp_headers(headers.as_core()),
            None => content,
        };
        let day = today();
        let mut control = ScanControl::unlimited().with_cancel(self.cancel.0).with_today(day);
        if let Some(deadline) = self.deadline {
            control = control.with_deadline(deadline);
        }
        if let Some(classify) = self.classify {
            control = control.with_classify(classify);
        }
        let mut scanned = scanner.scan(&content, &control);
        scanned.classify(&control);
        let mut report = scanned.conclude();
        if let Some(key) = conversation {
            let tokens = if budget > 0 { scanned.opaque_tokens() } else { Vec::new() };
            let carry = scanned.carry();
            let (fresh, spent) = conversations.spend(&key.0, &tokens);
            if budget > 0 && spent > budget {
                report =
                    scanner.engine().with_spent_budget(report, &fresh, (spent, budget), content.scope(), Some(day));
            }
            conversations.carry(key, carry);
        }
        if let Some(marker) = &self.marker {
            report = scanner.engine().with_marker_echoes(report, marker, &content, &control);
        }
        let mut transformed = None;
        if report.verdict.action == Action::Transform {
            match self.transforming.apply(scanner, &content, &control) {
                Ok(done) if done.after.coverage.complete => transformed = Some(done.content),
                // It was to go on changed or not at all.
                Ok(done) => {
                    for left in done.after.coverage.skipped {
                        report.coverage.skip(left.what, left.why);
                    }
                    report = report.decided_again(scanner.engine().policy());
                    report.verdict.action = Action::Block;
                }
                Err(why) => {
                    report.coverage.skip("the transformation", why.to_string());
                    report = report.decided_again(scanner.engine().policy());
                    report.verdict.action = Action::Block;
                }
            }
        }
        if self.excerpts {
            report = report.with_excerpts(&self.content, 0);
        }
        if let Some(path) = self.path {
            report = report.with_path(path);
        }
        Inspected { report, transformed }
    }
}

/// What an inspection came to. It has no `Debug`: it holds content.
pub struct Inspected {
    /// The report.
    pub report: Report,
    /// The content, changed; only if the verdict is to change it.
    pub transformed: Option<Vec<u8>>,
}

/// Tells tasks that nobody waits for them any more. Clones are the same flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Sets it when the guard is dropped: for futures, which are dropped when their caller leaves.
    #[must_use]
    pub fn on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }

    /// The flag itself, for a scan to look at.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Sets a [`Cancel`] when dropped.
#[derive(Debug)]
pub struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Why a content was not inspected. Content cannot cause any of these but `Failed`, and that is a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// Too many requests wait already.
    #[error("{0} requests wait already")]
    QueueFull(usize),
    /// The inspection panicked.
    #[error("the inspection failed")]
    Failed,
    /// Nobody waited for the answer any more.
    #[error("the caller left")]
    Cancelled,
}

type Answer = Result<Inspected, InspectError>;

struct Job {
    work: Work,
    place: Place,
}

enum Work {
    Inspect(Box<Task>, Box<dyn FnOnce(Answer) + Send>),
    /// Anything else that needs a scanner. When it is dropped, whoever waits hears of it.
    Call(Cancel, usize, Box<dyn FnOnce(&mut Scanner) + Send>),
}

/// A place in the queue; free again when a worker takes the task, or when dropped.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// The threads and their queue. Dropping it lets the threads finish what waits, and end.
#[derive(Debug)]
pub struct Pool {
    jobs: Sender<Job>,
    single: Arc<Semaphore>,
    streamed: Arc<Semaphore>,
    queue: usize,
    workers: usize,
    conversations: Arc<Conversations>,
    config: PoolConfig,
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start(engine: &Engine, config: &PoolConfig) -> io::Result<Self> {
        let workers = match config.workers {
            0 => thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        };
        let (queue, stream_queue) = (config.queue.get(), config.stream_queue.get());
        let (jobs, waiting) = bounded(queue + stream_queue);
        let conversations = Arc::new(Conversations::new(config.conversations));
        let budget = config.entropy_budget as u64;
        for number in 0..workers {
            let (engine, waiting, conversations) = (engine.clone(), waiting.clone(), Arc::clone(&conversations));
            thread::Builder::new()
                .name(format!("{SCAN_THREAD}{number}"))
                .spawn(move || work(&engine, &waiting, &conversations, budget))?;
        }
        let (single, streamed) = (Arc::new(Semaphore::new(queue)), Arc::new(Semaphore::new(stream_queue)));
        let config = config.clone();
        Ok(Self { jobs, single, streamed, queue, workers, conversations, config })
    }

    /// The settings it was started with.
    #[must_use]
    pub fn config(&self) -> &PoolConfig {
        &self.config
    }

    /// What messages of conversations ended in.
    #[must_use]
    pub fn conversations(&self) -> &Arc<Conversations> {
        &self.conversations
    }

    /// The number of threads.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Inspects one content. Dropping the future cancels the inspection if the task's [`Cancel`] is set with it.
    ///
    /// # Errors
    /// [`InspectError::QueueFull`] at once when there is no place; the others as they happen.
    pub async fn inspect(&self, task: Task) -> Answer {
        let place = Arc::clone(&self.single).try_acquire_owned().map_err(|_| InspectError::QueueFull(self.queue))?;
        let (sender, answer) = oneshot::channel();
        // A caller that left does not hear the answer.
        self.submit(Place(place), task, move |report| drop(sender.send(report)));
        answer.await.unwrap_or(Err(InspectError::Failed))
    }

    /// Does something else with a scanner and `bytes` of content, in the same queue.
    ///
    /// # Errors
    /// As [`Pool::inspect`].
    pub async fn call<T: Send + 'static>(
        &self,
        cancel: Cancel,
        bytes: usize,
        call: impl FnOnce(&mut Scanner) -> T + Send + 'static,
    ) -> Result<T, InspectError> {
        let place = Arc::clone(&self.single).try_acquire_owned().map_err(|_| InspectError::QueueFull(self.queue))?;
        self.call_at(Place(place), cancel, bytes, call).await
    }

    /// The same at a place in the queue of streams.
    ///
    /// # Errors
    /// [`InspectError::Failed`].
    pub async fn call_at<T: Send + 'static>(
        &self,
        place: Place,
        cancel: Cancel,
        bytes: usize,
        call: impl FnOnce(&mut Scanner) -> T + Send + 'static,
    ) -> Result<T, InspectError> {
        let (sender, answer) = oneshot::channel();
        let work = Work::Call(cancel, bytes, Box::new(move |scanner| drop(sender.send(call(scanner)))));
        // Never full: there are no more places than the channel holds.
        drop(self.jobs.try_send(Job { work, place }));
        answer.await.map_err(|_| InspectError::Failed)
    }

    /// Waits for a place in the queue of streams.
    pub async fn stream_place(&self) -> Place {
        match Arc::clone(&self.streamed).acquire_owned().await {
            Ok(permit) => Place(permit),
            // The semaphore is never closed.
            Err(_) => std::future::pending().await,
        }
    }

    /// Hands in a task. `done` is called on a worker thread, once, whatever happens; it must not block.
    pub fn submit(&self, place: Place, task: Task, done: impl FnOnce(Answer) + Send + 'static) {
        // Never full: there are no more places than the channel holds.
        if let Err(refused) = self.jobs.try_send(Job { work: Work::Inspect(Box::new(task), Box::new(done)), place })
            && let Work::Inspect(_, done) = refused.into_inner().work
        {
            done(Err(InspectError::Failed));
        }
    }
}

fn work(engine: &Engine, jobs: &Receiver<Job>, conversations: &Conversations, budget: u64) {
    let mut scanner = engine.scanner();
    for Job { work, place } in jobs {
        drop(place);
        let (task, done) = match work {
            Work::Inspect(task, done) => (task, done),
            Work::Call(cancel, bytes, call) => {
                // A panic drops the sender, and the caller is told.
                let failed = !cancel.is_set() && catch_unwind(AssertUnwindSafe(|| call(&mut scanner))).is_err();
                if failed || bytes > KEEP_SCRATCH_BELOW {
                    scanner = engine.scanner();
                }
                continue;
            }
        };
        if task.cancel.is_set() {
            done(Err(InspectError::Cancelled));
            continue;
        }
        let large = task.content.len() > KEEP_SCRATCH_BELOW;
        let answer = catch_unwind(AssertUnwindSafe(|| task.run(&mut scanner, conversations, budget)))
            .map_err(|_| InspectError::Failed);
        if answer.is_err() {
            scanner = engine.scanner();
        } else if large {
            scanner = scanner.shrunk();
        }
        done(answer);
    }
}
