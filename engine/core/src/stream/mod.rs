//! A text that comes in pieces: chunks in, *safe bytes* out.
//!
//! [`TextStream`] lets a byte go when nothing that may follow can change what is thought of it. How much has to wait is computed from the
//! rules in use: as much as one of them looks at together, in every way the end of the text can be read, and more where something is
//! still open (a blob of base64, a private key, a finding at the edge). The whole text is kept, up to the limit for contents, and is
//! inspected once more when it is over: the report at the end is that of the whole text, however it was cut. If that finds something in
//! bytes that went before it could be seen, its coverage says so.
//!
//! Cost: every byte is scanned about a dozen times on the way (with what stands around it), and once at the end. Memory: the text.

mod follow;
mod hold;

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use crate::content::{Content, ContentKind, Format};
use crate::date::Date;
use crate::engine::{Engine, Place, Scanner};
use crate::limits::{Classify, ScanControl};
use crate::report::{Finding, Report, Standing};
use crate::transform::{Change, Conversation, Plan, TransformContext, TransformError, TransformKey, Treatment};
use crate::verdict::{Action, Coverage, OnIncomplete, Scope, UseClassifier, decide};
pub use follow::Tail;
pub(crate) use hold::hold_from;
use hold::{covered, outside, unfinished};

/// Findings of one look that are taken up; of a text with more, nothing goes before its end.
const FINDINGS: usize = 20_000;
/// Findings of a stream that are remembered; after more, nothing goes before its end.
const MOST_CERTAIN: usize = 100_000;

/// How what is found is changed on its way.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StreamTransform {
    /// What becomes of what.
    pub plan: Plan,
    /// For treatments that need one.
    pub key: Option<TransformKey>,
    /// As in [`TransformContext`]; one for the whole stream.
    pub nonce: [u8; 12],
    /// Numbers of placeholders.
    pub conversation: Conversation,
}

impl StreamTransform {
    /// Of these parts.
    #[must_use]
    pub fn new(plan: Plan, key: Option<TransformKey>, nonce: [u8; 12], conversation: Conversation) -> Self {
        Self { plan, key, nonce, conversation }
    }
}

/// What there is to let go after a chunk. Its `Debug` does not show it.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct StreamStep {
    /// Bytes that may go on.
    pub bytes: Vec<u8>,
    /// Findings that have become certain; spans are in the whole text, before any change.
    pub findings: Vec<Finding>,
    /// What was changed in `bytes`; spans are in the whole text, before and after.
    pub changes: Vec<Change>,
}

impl fmt::Debug for StreamStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, findings, changes } = self;
        let mut shown = f.debug_struct("StreamStep");
        shown.field("bytes", &bytes.len()).field("findings", findings).field("changes", changes).finish()
    }
}

/// What a stream came to. Its `Debug` does not show the text.
#[derive(Clone)]
#[non_exhaustive]
pub struct StreamEnd {
    /// The last bytes that may go on; none if the stream was stopped.
    pub last: StreamStep,
    /// Whether something was kept back for good.
    pub stopped: bool,
    /// What was found in the whole text as it came.
    pub report: Report,
    /// What is found in it as it goes on; only where it is changed.
    pub after: Option<Report>,
    /// What the text ended in: see [`crate::Scanned::carry`].
    pub carry: Vec<u8>,
    /// The numbers of placeholders; only where the text is changed.
    pub conversation: Option<Conversation>,
    /// The text as it came, as far as it was inspected.
    pub text: Vec<u8>,
}

impl fmt::Debug for StreamEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { last, stopped, report, .. } = self;
        let mut shown = f.debug_struct("StreamEnd");
        shown.field("last", last).field("stopped", stopped).field("verdict", &report.verdict).finish_non_exhaustive()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Bytes go as they become certain.
    Open,
    /// What comes is kept until the end.
    Waiting,
    /// Nothing more goes.
    Stopped,
}

/// Inspects a text that comes in pieces, and lets go what is certain to be harmless.
///
/// The text is read as plain text whatever it looks like: where JSON begins and ends is known only at its end. Without a
/// [`StreamTransform`] it stops before the first finding that the policy blocks for (or asks to be changed); with one, what the plan
/// names is changed and only the rest counts. Chunks may be cut anywhere, in a character too. A scanner of the same engine is lent for
/// each call, so a worker can serve many streams.
///
/// Suppressions of the policy hold on the day that the controls say ([`ScanControl::with_today`]); say the same day in all of them.
///
/// Where a classifier is to be asked nothing goes before the end, for it judges the text as a whole; neither of UTF-16.
///
/// ```
/// use tamiz_core::{ContentKind, Engine, ScanControl, TextStream};
/// let engine = Engine::builder().build()?;
/// let (mut scanner, control) = (engine.scanner(), ScanControl::unlimited());
/// let mut stream = TextStream::new(&engine, ContentKind::ModelOutput);
/// let mut out = Vec::new();
/// for chunk in ["The weather is ", "fine."] {
///     out.extend(stream.push(&mut scanner, chunk.as_bytes(), &control).bytes);
/// }
/// let end = stream.finish(&mut scanner, &control);
/// out.extend(&end.last.bytes);
/// assert_eq!((out.as_slice(), end.stopped), (&b"The weather is fine."[..], false));
/// # Ok::<(), tamiz_core::BuildMatcherError>(())
/// ```
pub struct TextStream {
    engine: Engine,
    kind: ContentKind,
    server: Option<String>,
    tool: Option<String>,
    carried: Vec<u8>,
    transform: Option<StreamTransform>,
    /// The conversation as it was before the stream.
    before: Conversation,
    reach: usize,
    limit: usize,
    text: Vec<u8>,
    /// What came beyond the limit and has not gone on yet.
    over: Vec<u8>,
    /// Bytes that came, kept or not.
    total: usize,
    /// Bytes of the text that went.
    released: usize,
    /// Bytes that went, and their digest.
    emitted: usize,
    digest: blake3::Hasher,
    /// Length of the text when it was looked at last, and how much of it was looked at.
    looked: (usize, usize),
    certain: HashSet<FindingId>,
    /// What certain findings cover, where the next look may have to begin.
    spans: Vec<Range<usize>>,
    /// Rules with certain findings that count, and whether all of these are quotations.
    matched: Vec<(usize, bool)>,
    /// Whether the classifier is asked, at the end.
    asks: bool,
    state: State,
    /// The end, where the text was too long: what follows goes on as it comes.
    passing: Option<Box<StreamEnd>>,
}

impl fmt::Debug for TextStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, total, released, state, .. } = self;
        let mut shown = f.debug_struct("TextStream");
        shown.field("kind", kind).field("total", total).field("released", released).field("state", state);
        shown.finish_non_exhaustive()
    }
}

impl TextStream {
    /// A stream of text of one kind.
    #[must_use]
    pub fn new(engine: &Engine, kind: ContentKind) -> Self {
        let (cascade, uses) = (engine.cascade(), engine.policy().classifier);
        // A linear stage alone is not worth waiting for the end of the text, unless somebody says so.
        let encodes = cascade.card().is_some_and(|card| card.encoder.is_some());
        let asks = encodes && cascade.mode() != Classify::Off && uses != UseClassifier::Off;
        let asks = asks || uses == UseClassifier::Required;
        Self {
            engine: engine.clone(),
            kind,
            server: None,
            tool: None,
            carried: Vec::new(),
            transform: None,
            before: Conversation::default(),
            reach: engine.rules().reach(kind),
            limit: engine.limits().content_bytes(),
            text: Vec::new(),
            over: Vec::new(),
            total: 0,
            released: 0,
            emitted: 0,
            digest: blake3::Hasher::new(),
            looked: (0, 0),
            certain: HashSet::new(),
            spans: Vec::new(),
            matched: Vec::new(),
            asks,
            state: if asks { State::Waiting } else { State::Open },
            passing: None,
        }
    }

    /// The same stream, on its way to a server: see [`Content::with_server`].
    #[must_use]
    pub fn with_server(mut self, server: Option<String>) -> Self {
        self.server = server;
        self
    }

    /// The same stream, known to be of this tool: see [`Content::with_tool`].
    #[must_use]
    pub fn with_tool(mut self, tool: Option<String>) -> Self {
        self.tool = tool;
        self
    }

    /// The same stream, after a text that ended in `carried`: see [`Content::with_carried`].
    #[must_use]
    pub fn with_carried(mut self, carried: Vec<u8>) -> Self {
        self.carried = carried;
        self
    }

    /// The same stream where the classifier is asked as `classify` says: if it is, all bytes wait for the end. The default is to ask one that
    /// has an encoder. The control of [`TextStream::finish`] should say the same.
    #[must_use]
    pub fn with_classify(mut self, classify: Option<Classify>) -> Self {
        let uses = self.engine.policy().classifier;
        if let Some(classify) = classify.filter(|_| uses == UseClassifier::Auto) {
            self.asks = classify != Classify::Off && self.engine.cascade().card().is_some();
            self.state = if self.asks { State::Waiting } else { State::Open };
        }
        self
    }

    /// The same stream, of which at most so many bytes are kept and inspected; never more than the engine's limit for contents.
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> Self {
        self.limit = self.limit.min(bytes);
        self
    }

    /// The same stream, changed on its way.
    ///
    /// # Errors
    /// When the plan needs a key and there is none.
    pub fn with_transform(mut self, transform: StreamTransform) -> Result<Self, TransformError> {
        if transform.plan.needs_key() && transform.key.is_none() {
            return Err(TransformError::NoKey);
        }
        self.before = transform.conversation.clone();
        self.transform = Some(transform);
        Ok(self)
    }

    /// Bytes that wait at least: as much as a rule for this kind of text looks at together.
    #[must_use]
    pub fn least_hold_back(&self) -> usize {
        self.reach
    }

    /// Whether it was stopped: nothing more goes.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.state == State::Stopped
    }

    /// Bytes that it keeps: the text, as far as it is inspected.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Bytes of it that have not gone on.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.text.len() - self.released
    }

    /// Whether nothing has come yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// What to do with the text by what is certain so far; more text never makes it less.
    #[must_use]
    pub fn action(&self) -> Action {
        let rules = self.engine.rules();
        let matched = self.matched.iter().map(|(rule, quoted)| (rules.rule(*rule), *quoted));
        let action = decide(self.engine.policy(), matched, None, &Coverage::new(0)).action;
        if self.state == State::Stopped { action.max(Action::Block) } else { action }
    }

    /// Takes the next chunk; returns what may go on.
    #[must_use]
    pub fn push(&mut self, scanner: &mut Scanner, chunk: &[u8], control: &ScanControl) -> StreamStep {
        if self.take(chunk) { self.advance(scanner, control) } else { StreamStep::default() }
    }

    /// The first half of [`TextStream::push`], which costs nothing: takes the next chunk, and says whether there is enough for the second
    /// half, [`TextStream::advance`].
    #[must_use]
    pub fn take(&mut self, chunk: &[u8]) -> bool {
        self.total += chunk.len();
        let room = if self.passing.is_some() { 0 } else { self.limit.saturating_sub(self.text.len()) };
        let (kept, over) = chunk.split_at(room.min(chunk.len()));
        self.text.extend_from_slice(kept);
        if self.state != State::Stopped {
            self.over.extend_from_slice(over);
        }
        !self.over.is_empty() || self.state == State::Open && self.is_worth_a_look()
    }

    /// The second half of [`TextStream::push`], which needs a scanner: returns what may go on of all that was taken.
    #[must_use]
    pub fn advance(&mut self, scanner: &mut Scanner, control: &ScanControl) -> StreamStep {
        match (std::mem::take(&mut self.over), self.passing.is_some()) {
            (over, true) => StreamStep { bytes: over, ..StreamStep::default() },
            (over, false) if !over.is_empty() => self.pass_on(scanner, over, control),
            _ if self.state == State::Open => self.look(scanner, control),
            _ => StreamStep::default(),
        }
    }

    /// The text is longer than what is inspected: by the policy it ends here, or the rest goes on as it comes.
    fn pass_on(&mut self, scanner: &mut Scanner, over: Vec<u8>, control: &ScanControl) -> StreamStep {
        if self.engine.policy().on_incomplete == OnIncomplete::Block {
            self.state = State::Stopped;
        }
        if self.state == State::Stopped {
            return StreamStep::default();
        }
        let mut end = self.conclude(scanner, control);
        let mut step = std::mem::take(&mut end.last);
        if end.stopped {
            self.state = State::Stopped;
        } else {
            step.bytes.extend(over);
        }
        self.passing = Some(Box::new(end));
        step
    }

    /// Ends the text: inspects it as a whole, and returns what is left to let go.
    #[must_use]
    pub fn finish(mut self, scanner: &mut Scanner, control: &ScanControl) -> StreamEnd {
        let mut end = match self.passing.take() {
            Some(end) => *end,
            None => self.conclude(scanner, control),
        };
        if !end.stopped {
            end.last.bytes.append(&mut self.over);
        }
        for report in [Some(&mut end.report), end.after.as_mut()].into_iter().flatten() {
            report.coverage.total_bytes += self.total - end.text.len();
        }
        end
    }

    /// Looks again when a quarter of what waits, or an eighth of what was looked at last, has come: however long something stays open, the
    /// work is in proportion to the text.
    fn is_worth_a_look(&self) -> bool {
        let Self { text, released, looked: (len, window), reach, .. } = self;
        text.len() > released + reach && text.len() - len >= (reach / 4).max(window / 8)
    }

    /// Where the next look begins: enough before what waits that findings there come out as in the whole text, in none of them.
    fn start(&mut self) -> usize {
        let mut at = self.released.saturating_sub(2 * self.reach);
        loop {
            // The survey of the text goes by blocks of 64 bytes: the same blocks as in the whole text.
            at -= at % 64;
            while at > 0 && self.text[at] & 0xc0 == 0x80 {
                at = at.saturating_sub(64);
            }
            let free = outside(&self.spans, at);
            if free == at {
                self.spans.retain(|span| span.end > at);
                return at;
            }
            at = free;
        }
    }

    fn look(&mut self, scanner: &mut Scanner, control: &ScanControl) -> StreamStep {
        if self.text.starts_with(b"\xff\xfe") || self.text.starts_with(b"\xfe\xff") {
            self.state = State::Waiting;
            return StreamStep::default();
        }
        let from = self.start();
        let to = self.text.len() - unfinished(&self.text);
        self.looked = (self.text.len(), to - from);
        let text = std::mem::take(&mut self.text);
        let listed = scanner.finding_limit;
        scanner.finding_limit = listed.max(FINDINGS);
        let step = self.look_at(scanner, &text, from..to, control).unwrap_or_default();
        scanner.finding_limit = listed;
        self.text = text;
        step
    }

    /// Scans a part of the text and lets go what has become certain in it. `None`: nothing has.
    fn look_at(
        &mut self,
        scanner: &mut Scanner,
        text: &[u8],
        window: Range<usize>,
        control: &ScanControl,
    ) -> Option<StreamStep> {
        let (from, body) = (window.start, &text[window]);
        let (server, tool) = (self.server.clone(), self.tool.clone());
        let carried = if from == 0 { self.carried.clone() } else { Vec::new() };
        let content = content(self.kind, body, server.as_deref(), tool.as_deref(), &carried);
        let scanned = scanner.scan(&content, control);
        if !scanned.coverage().complete || scanned.omitted() > 0 {
            return None;
        }
        let mut places = scanned.places();
        // What a text is like as a whole is told at its end, and holds no part of it back.
        places.retain(|place| !self.engine.rules().rule(place.rule).is_about_whole_texts());
        let report = (!places.is_empty()).then(|| scanned.conclude());
        let mut ranges: Vec<Range<usize>> = places.iter().map(covered).collect();
        let mut edge = outside(&ranges, scanned.hold_from(self.reach));
        if from + edge <= self.released {
            return None;
        }
        let treats = |place: &Place| place.span.start < edge && self.treatment(place.rule) != Treatment::Keep;
        let mut settled = None;
        if let Some(transform) = &self.transform
            && places.iter().any(treats)
        {
            let mut draft = transform.conversation.clone();
            let (key, nonce) = (transform.key.as_ref(), transform.nonce);
            let context = TransformContext { key, nonce, conversation: &mut draft };
            let done = transform.plan.settle(scanner, &content, context, control)?;
            ranges.extend(done.ranges());
            edge = outside(&ranges, edge.min(done.hold_from(self.reach)));
            settled = Some(done);
        }
        let (certain, stop) = self.weigh(&places, from, edge, control.today());
        if let Some(stop) = stop {
            edge = outside(&ranges, edge.min(stop));
        }
        let start = self.released - from;
        let edge = edge.max(start);
        let mut step = StreamStep::default();
        if let Some(report) = report {
            step.findings = report.with_offset(from).findings;
            step.findings.retain(|finding| certain.contains(&id(finding)));
        }
        self.certain.extend(certain);
        match (&mut self.transform, settled) {
            (Some(transform), Some(settled)) => {
                let StreamTransform { plan, key, nonce, conversation } = transform;
                let context = TransformContext { key: key.as_ref(), nonce: *nonce, conversation };
                let part = Content { body: &body[..edge], ..content };
                let (bytes, mut changes) = plan.render(scanner, &part, &settled, start, context, control);
                for Change { source, output, .. } in &mut changes {
                    (source.start, source.end) = (source.start + from, source.end + from);
                    (output.start, output.end) = (output.start + self.emitted, output.end + self.emitted);
                }
                (step.bytes, step.changes) = (bytes, changes);
            }
            _ => step.bytes = body[start..edge].to_vec(),
        }
        self.released = from + edge;
        self.emitted += step.bytes.len();
        self.digest.update(&step.bytes);
        Some(step)
    }

    fn treatment(&self, rule: usize) -> Treatment {
        let rule = self.engine.rules().rule(rule);
        self.transform.as_ref().map_or(Treatment::Keep, |transform| transform.plan.treatment(rule).0)
    }

    /// Whether the policy suppresses what a rule finds in this text. It is one text of one tool, so all findings of a rule stand alike.
    fn is_suppressed(&self, rule: usize, today: Option<Date>) -> bool {
        let scope = Scope { tool: self.tool.as_deref(), server: self.server.as_deref() };
        matches!(self.engine.standing(&self.engine.rules().rule(rule).id, scope, today), Standing::Suppressed(_))
    }

    /// Counts the findings that end before the edge and are new, in order of their ends. Also returns where, in the window, the one
    /// begins that stops the stream, if one does.
    fn weigh(
        &mut self,
        places: &[Place],
        from: usize,
        edge: usize,
        today: Option<Date>,
    ) -> (HashSet<FindingId>, Option<usize>) {
        let mut certain = HashSet::new();
        let mut ended: Vec<(Range<usize>, &Place)> = places.iter().map(|place| (covered(place), place)).collect();
        ended.retain(|(range, _)| range.end <= edge);
        ended.sort_by_key(|(range, place)| (range.end, range.start, place.rule));
        for (range, place) in ended {
            let rule = self.engine.rules().rule(place.rule).id.clone();
            let id = (rule, place.span.start + from, place.span.end + from);
            if self.certain.contains(&id) || !certain.insert(id) {
                continue;
            }
            self.spans.push(range.start + from..range.end + from);
            if self.treatment(place.rule) != Treatment::Keep || self.is_suppressed(place.rule, today) {
                continue;
            }
            match self.matched.iter_mut().find(|(rule, _)| *rule == place.rule) {
                Some((_, quoted)) => *quoted &= place.quoted,
                None => self.matched.push((place.rule, place.quoted)),
            }
            let action = self.action();
            if action == Action::Block || action == Action::Transform && self.transform.is_none() {
                self.state = State::Stopped;
                return (certain, Some(range.start));
            }
        }
        if self.certain.len() + certain.len() > MOST_CERTAIN {
            self.state = State::Waiting;
        }
        (certain, None)
    }

    /// Inspects the whole text.
    fn conclude(&mut self, scanner: &mut Scanner, control: &ScanControl) -> StreamEnd {
        let body = std::mem::take(&mut self.text);
        let limit = self.limit;
        let cut = (self.total > body.len()).then(|| format!("the text is longer than max_content_bytes ({limit})"));
        let (server, tool) = (self.server.take(), self.tool.take());
        let carried = std::mem::take(&mut self.carried);
        let content = content(self.kind, &body, server.as_deref(), tool.as_deref(), &carried).with_cut(cut.as_deref());
        let mut scanned = scanner.scan(&content, control);
        if self.asks {
            scanned.classify(control);
        } else {
            scanned.classify(&control.clone().with_classify(Classify::Off));
        }
        let (mut report, carry) = (scanned.conclude(), scanned.carry());
        self.tell_late(&mut report);
        let mut stopped = self.state == State::Stopped;
        let mut last = StreamStep::default();
        let mut after = None;
        if let Some(transform) = &mut self.transform {
            let StreamTransform { plan, key, nonce, conversation } = transform;
            *conversation = std::mem::take(&mut self.before);
            let mut context = TransformContext { key: key.as_ref(), nonce: *nonce, conversation };
            // The key was asked for when the stream began.
            if let Ok(done) = plan.apply(scanner, &content, &mut context, control) {
                let mut told = done.after;
                let went = done.content.get(..self.emitted).map(blake3::hash);
                if went != Some(self.digest.finalize()) {
                    let why = "what came later changes what is made of them; they went before that could be seen";
                    told.coverage.skip(format!("the first {} bytes that went on", self.emitted), why);
                    told = told.decided_again(self.engine.policy());
                    stopped = true;
                }
                // Something that was to be changed could not be.
                stopped |= told.verdict.action == Action::Block || report.coverage.complete && !told.coverage.complete;
                last.bytes = done.content.get(self.emitted..).unwrap_or_default().to_vec();
                last.changes = done.changes;
                last.changes.retain(|change| change.output.start >= self.emitted);
                after = Some(told);
            } else {
                stopped = true;
            }
        } else {
            stopped |= matches!(report.verdict.action, Action::Block | Action::Transform);
            last.bytes = body[self.released..].to_vec();
        }
        if stopped {
            last = StreamStep::default();
        }
        last.findings = report.findings.clone();
        last.findings.retain(|finding| !self.certain.contains(&id(finding)));
        let conversation = self.transform.as_mut().map(|transform| std::mem::take(&mut transform.conversation));
        StreamEnd { last, stopped, report, after, carry, conversation, text: body }
    }

    /// Adds to a report's coverage what it found in bytes that had gone before it could be found.
    fn tell_late(&self, report: &mut Report) {
        let rules = self.engine.rules().rule_set();
        let is_late = |finding: &&Finding| {
            finding.span.start < self.released
                && finding.suppressed.is_none()
                && rules.get(&finding.rule).is_some_and(|rule| !rule.is_about_whole_texts())
                && !self.certain.contains(&id(finding))
        };
        let late = report.findings.iter().filter(is_late).count();
        if late > 0 {
            let why = "only later text shows them, and the bytes they are in had gone on by then";
            report.coverage.skip(format!("{late} findings, when their bytes came"), why);
            report.verdict.note_incomplete(self.engine.policy(), &report.coverage);
        }
    }
}

/// A finding: its rule and its place in the whole text.
type FindingId = (String, usize, usize);

fn id(finding: &Finding) -> FindingId {
    (finding.rule.clone(), finding.span.start, finding.span.end)
}

fn content<'c>(
    kind: ContentKind,
    body: &'c [u8],
    server: Option<&'c str>,
    tool: Option<&'c str>,
    carried: &'c [u8],
) -> Content<'c> {
    Content::new(kind, body).with_format(Format::Text).with_server(server).with_tool(tool).with_carried(carried)
}

#[cfg(test)]
mod tests;
