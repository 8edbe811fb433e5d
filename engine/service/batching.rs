//! One model for many workers: windows of whoever waits go to it together.
//!
//! A thread per session takes what waits, up to a budget of tokens, and runs it; while it runs, the next batch gathers. Nobody waits for a
//! batch to fill. What nobody waits for any more, because its deadline passed or its caller left, is dropped before it costs anything.
//! This pays on a GPU; a processor is as fast with a session per worker.

use std::io;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use tamiz_core::{
    Classifier, ClassifierInfo, ClassifierSession, ClassifyError, ContentKind, ScanControl, Score, Windows,
};

/// Requests that may wait for a session. More wait in their workers, which are bounded too.
const QUEUE: usize = 1_024;
/// Windows that one batch gathers, at most.
const MOST_WINDOWS: usize = 1_024;
/// Tokens that one batch gathers, at most.
const MOST_TOKENS: usize = 65_536;

/// A classifier whose sessions send their windows to shared ones.
#[derive(Debug)]
pub struct Batched {
    inner: Arc<dyn Classifier>,
    requests: Sender<Request>,
}

/// Windows of one worker, which waits for the answer.
struct Request {
    windows: Windows,
    control: ScanControl,
    answer: Sender<Answer>,
}

type Answer = Result<Vec<Score>, ClassifyError>;

impl Batched {
    /// Starts the threads, each with a session. They end when this and all its sessions are gone.
    ///
    /// # Errors
    /// When a session or a thread cannot be had.
    pub fn start(inner: Arc<dyn Classifier>, sessions: usize) -> anyhow::Result<Self> {
        let (requests, waiting) = bounded(QUEUE);
        for number in 0..sessions {
            let (session, waiting) = (inner.session()?, waiting.clone());
            spawn(number, session, waiting)?;
        }
        Ok(Self { inner, requests })
    }
}

fn spawn(number: usize, session: Box<dyn ClassifierSession>, waiting: Receiver<Request>) -> io::Result<()> {
    let name = format!("tamiz-infer-{number}");
    thread::Builder::new().name(name).spawn(move || serve(session, &waiting)).map(drop)
}

impl Classifier for Batched {
    fn info(&self) -> ClassifierInfo {
        self.inner.info()
    }

    fn plan(&self, text: &str, kind: ContentKind, windows: &mut Windows) -> Result<(), ClassifyError> {
        self.inner.plan(text, kind, windows)
    }

    fn session(&self) -> Result<Box<dyn ClassifierSession>, ClassifyError> {
        Ok(Box::new(Remote { requests: self.requests.clone() }))
    }
}

/// What a worker has: the way to the shared sessions.
#[derive(Debug)]
struct Remote {
    requests: Sender<Request>,
}

impl ClassifierSession for Remote {
    fn score(
        &mut self,
        windows: &Windows,
        which: &[usize],
        control: &ScanControl,
        scored: &mut dyn FnMut(usize, Score),
    ) -> Result<(), ClassifyError> {
        let mut asked = Windows::default();
        for window in which {
            let meta = &windows.list()[*window];
            asked.push(windows.tokens(*window), meta.text.clone(), meta.kind);
        }
        let (answer, answered) = bounded(1);
        let gone = |_| ClassifyError::Failed("the inference threads are gone; the log says why".into());
        self.requests.send(Request { windows: asked, control: control.clone(), answer }).map_err(|_| gone(()))?;
        let scores = answered.recv().map_err(|_| gone(()))??;
        which.iter().zip(scores).for_each(|(window, score)| scored(*window, score));
        Ok(())
    }
}

/// Runs batches until nobody can ask any more.
fn serve(mut session: Box<dyn ClassifierSession>, waiting: &Receiver<Request>) {
    while let Ok(first) = waiting.recv() {
        let mut batch = Vec::new();
        let (mut windows, mut tokens) = (0, 0);
        let mut next = Some(first);
        while let Some(request) = next {
            if let Some(why) = request.control.interruption() {
                // A worker that left does not hear it.
                let _ = request.answer.send(Err(ClassifyError::Interrupted(why)));
            } else {
                let list = request.windows.list().len();
                windows += list;
                tokens += (0..list).map(|window| request.windows.tokens(window).len()).sum::<usize>();
                batch.push(request);
            }
            // What waits by now, as much as fits; nothing is waited for.
            next = if windows < MOST_WINDOWS && tokens < MOST_TOKENS { waiting.try_recv().ok() } else { None };
        }
        run(&mut *session, batch);
    }
}

/// Scores the windows of several requests together. If that fails, each by itself: one window that the model cannot take must not cost the
/// others their answer.
fn run(session: &mut dyn ClassifierSession, batch: Vec<Request>) {
    if batch.len() > 1 {
        let mut all = Windows::default();
        for request in &batch {
            for (window, meta) in request.windows.list().iter().enumerate() {
                all.push(request.windows.tokens(window), meta.text.clone(), meta.kind);
            }
        }
        if let Ok(scores) = score(session, &all, &ScanControl::unlimited()) {
            let mut scores = scores.into_iter();
            for request in batch {
                let own = scores.by_ref().take(request.windows.list().len()).collect();
                let _ = request.answer.send(Ok(own));
            }
            return;
        }
    }
    for request in batch {
        let _ = request.answer.send(score(session, &request.windows, &request.control));
    }
}

fn score(session: &mut dyn ClassifierSession, windows: &Windows, control: &ScanControl) -> Answer {
    let mut scores = vec![None; windows.list().len()];
    let which: Vec<usize> = (0..scores.len()).collect();
    session.score(windows, &which, control, &mut |window, score| scores[window] = Some(score))?;
    let missing = || ClassifyError::Failed("the classifier gave no score for a window".into());
    scores.into_iter().collect::<Option<Vec<Score>>>().ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// Scores a window by its first token; 666 is one it cannot take. Notes the sizes of its batches; waits for the gate before each.
    #[derive(Debug)]
    struct Model {
        batches: Arc<Mutex<Vec<usize>>>,
        gate: Receiver<()>,
        /// Batches begun.
        begun: Arc<AtomicUsize>,
    }

    #[derive(Debug)]
    struct ModelSession(Arc<Mutex<Vec<usize>>>, Receiver<()>, Arc<AtomicUsize>);

    impl Classifier for Model {
        fn info(&self) -> ClassifierInfo {
            ClassifierInfo { id: "test".into(), provider: "test".into(), digest: String::new() }
        }

        fn plan(&self, _: &str, kind: ContentKind, windows: &mut Windows) -> Result<(), ClassifyError> {
            windows.push(&[1], 0..1, kind);
            Ok(())
        }

        fn session(&self) -> Result<Box<dyn ClassifierSession>, ClassifyError> {
            Ok(Box::new(ModelSession(Arc::clone(&self.batches), self.gate.clone(), Arc::clone(&self.begun))))
        }
    }

    impl ClassifierSession for ModelSession {
        fn score(
            &mut self,
            windows: &Windows,
            which: &[usize],
            _: &ScanControl,
            scored: &mut dyn FnMut(usize, Score),
        ) -> Result<(), ClassifyError> {
            self.2.fetch_add(1, Ordering::SeqCst);
            self.1.recv().unwrap();
            self.0.lock().unwrap().push(which.len());
            for window in which {
                match windows.tokens(*window)[0] {
                    666 => return Err(ClassifyError::Failed("no such token".into())),
                    token => scored(*window, Score { injection: token as f32 / 1_000.0, labels: u64::from(token) }),
                }
            }
            Ok(())
        }
    }

    type Scored = Result<Vec<u64>, ClassifyError>;

    fn ask(batched: &Batched, tokens: &[u32], control: ScanControl) -> thread::JoinHandle<Scored> {
        let mut session = batched.session().unwrap();
        let mut windows = Windows::default();
        tokens.iter().for_each(|token| windows.push(&[*token], 0..1, ContentKind::Prompt));
        thread::spawn(move || {
            let mut labels = vec![0; windows.list().len()];
            let which: Vec<usize> = (0..labels.len()).collect();
            session.score(&windows, &which, &control, &mut |window, score| labels[window] = score.labels)?;
            Ok(labels)
        })
    }

    fn until(condition: impl Fn() -> bool) {
        while !condition() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn who_waits_goes_together_and_a_bad_window_alone() {
        let batches = Arc::new(Mutex::new(Vec::new()));
        let (open, gate) = bounded(100);
        let begun = Arc::default();
        let model = Model { batches: Arc::clone(&batches), gate, begun: Arc::clone(&begun) };
        let batched = Batched::start(Arc::new(model), 1).unwrap();
        // The first is taken at once; the others gather while it runs.
        let first = ask(&batched, &[1, 2], ScanControl::unlimited());
        until(|| begun.load(Ordering::SeqCst) == 1);
        let late = ScanControl::unlimited().with_timeout(Duration::ZERO);
        let others = [&[3][..], &[4, 666], &[5, 6, 7]].map(|tokens| ask(&batched, tokens, ScanControl::unlimited()));
        let expired = ask(&batched, &[8], late);
        until(|| batched.requests.len() == 4);
        (0..5).for_each(|_| open.send(()).unwrap());
        assert_eq!(first.join().unwrap(), Ok(vec![1, 2]));
        let [third, bad, fourth] = others.map(|other| other.join().unwrap());
        assert_eq!((third, fourth), (Ok(vec![3]), Ok(vec![5, 6, 7])));
        assert!(matches!(bad, Err(ClassifyError::Failed(_))));
        assert!(matches!(expired.join().unwrap(), Err(ClassifyError::Interrupted(_))));
        let batches = batches.lock().unwrap().clone();
        assert_eq!(batches[..2], [2, 6], "then each of the three by itself: {batches:?}");
        assert_eq!(batches[2..].iter().sum::<usize>(), 6);
    }
}
