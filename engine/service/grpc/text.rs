//! `InspectText`: a text in pieces. Reads requests, hands what is due to the pool, and sends back what may go on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tamiz_core::{Action, Classify, ContentKind, Date, ScanControl, StreamEnd, StreamStep, TextStream};
use tokio::sync::{mpsc, watch};
use tonic::{Status, Streaming};
use tonic_types::FieldViolation;

use super::front::Deadline;
use super::inspect::{LONGEST_ID, LONGEST_PATH, Shared};
use super::{convert, status, v1};
use crate::clock::today;
use crate::inspect::Cancel;

type Answers = mpsc::Sender<Result<v1::InspectTextResponse, Status>>;

/// What the first request said.
struct Start {
    kind: ContentKind,
    path: String,
    excerpts: bool,
    timeout: Option<Duration>,
    classify: Option<Classify>,
    server: Option<String>,
    tool: Option<String>,
    /// That the text began: what went on by a suppression of the policy is not called back at midnight.
    today: Date,
    conversation: Option<String>,
    transform: bool,
}

impl Start {
    /// Checks it. The error names every field that is wrong.
    fn new(start: Option<v1::TextStart>) -> Result<Self, Status> {
        let Some(start) = start else {
            let what = "the first request says what the text is: give it a start";
            return Err(status::invalid(vec![FieldViolation::new("start", what)]));
        };
        let mut wrong = Vec::new();
        let kind = convert::kind(start.kind).unwrap_or_else(|number| {
            wrong.push(FieldViolation::new("start.kind", format!("{number} is no ContentKind")));
            None
        });
        if start.kind == 0 {
            let what = "say what the text is to the model: CONTENT_KIND_PROMPT, …_MODEL_OUTPUT, …";
            wrong.push(FieldViolation::new("start.kind", what));
        }
        let classify = convert::classify(start.classify).unwrap_or_else(|number| {
            wrong.push(FieldViolation::new("start.classify", format!("{number} is no ClassifyMode")));
            None
        });
        for (field, text, longest) in [
            ("start.path", &start.path, LONGEST_PATH),
            ("start.server", &start.server, LONGEST_PATH),
            ("start.tool", &start.tool, LONGEST_PATH),
            ("start.conversation_id", &start.conversation_id, LONGEST_ID),
        ] {
            if text.len() > longest {
                let what = format!("{} bytes; at most {longest} are allowed", text.len());
                wrong.push(FieldViolation::new(field, what));
            }
        }
        let (Some(kind), true) = (kind, wrong.is_empty()) else { return Err(status::invalid(wrong)) };
        let stated = |text: String| (!text.is_empty()).then_some(text);
        Ok(Self {
            kind,
            path: start.path,
            excerpts: start.include_excerpts,
            timeout: (start.timeout_ms > 0).then(|| Duration::from_millis(start.timeout_ms.into())),
            classify,
            server: stated(start.server),
            tool: stated(start.tool),
            today: today(),
            conversation: stated(start.conversation_id),
            transform: start.transform,
        })
    }
}

impl Shared {
    /// Serves one text. Returns how the stream has to end if not well.
    pub(super) async fn text(
        &self,
        requests: &mut Streaming<v1::InspectTextRequest>,
        answers: &Answers,
        call: Option<Deadline>,
        cancel: &Cancel,
        mut stopping: watch::Receiver<bool>,
    ) -> Result<(), Status> {
        let serve = self.serve_text(requests, answers, call, cancel);
        let expired = async {
            match call {
                Some(call) => tokio::time::sleep_until(call.end.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            served = serve => served,
            _ = stopping.wait_for(|stopping| *stopping) => Err(status::stopping()),
            () = expired => Err(status::call_expired()),
            // Nobody listens any more.
            () = answers.closed() => Ok(()),
        }
    }

    async fn serve_text(
        &self,
        requests: &mut Streaming<v1::InspectTextRequest>,
        answers: &Answers,
        call: Option<Deadline>,
        cancel: &Cancel,
    ) -> Result<(), Status> {
        let unreadable = |error| status::unreadable(error, self.config.max_message_bytes);
        let first = requests.message().await.map_err(unreadable)?.unwrap_or_default();
        let start = Start::new(first.start)?;
        let mut stream = self.open(&start)?;
        let mut known = Action::Allow;
        let mut chunk = first.chunk;
        loop {
            if stream.take(&chunk) {
                let control = control(cancel, &start, call.map(|call| call.inspect_until));
                let (advanced, step) =
                    self.at_a_scanner(cancel, stream, move |stream, scanner| stream.advance(scanner, &control)).await?;
                stream = advanced;
                let action = stream.action();
                if !step.bytes.is_empty() || !step.findings.is_empty() || action != known {
                    known = action;
                    drop(answers.send(Ok(answer(step, action))).await);
                }
            }
            let Some(next) = requests.message().await.map_err(unreadable)? else { break };
            if next.start.is_some() {
                let what = "only the first request has a start; another text is another call";
                return Err(status::invalid(vec![FieldViolation::new("start", what)]));
            }
            chunk = next.chunk;
        }
        let now = Instant::now();
        let own = start.timeout.or_else(|| match self.config.default_timeout_ms {
            0 => None,
            millis => Some(Duration::from_millis(millis)),
        });
        let until =
            own.and_then(|own| now.checked_add(own)).into_iter().chain(call.map(|call| call.inspect_until)).min();
        let control = control(cancel, &start, until);
        let bytes = stream.len();
        let place = self.pool.stream_place().await;
        let (kind, excerpts, path) = (start.kind, start.excerpts, start.path);
        let ended = self.pool.call_at(place, cancel.clone(), bytes, move |scanner| stream.finish(scanner, &control));
        let mut end = ended.await.map_err(status::not_inspected)?;
        if let Some(id) = &start.conversation {
            self.pool.conversations().carry((id.clone(), Some(kind)), std::mem::take(&mut end.carry));
            end.conversation.take().into_iter().for_each(|numbers| self.transforming.keep(id, numbers));
        }
        drop(answers.send(Ok(last(end, &path, excerpts))).await);
        Ok(())
    }

    fn open(&self, start: &Start) -> Result<TextStream, Status> {
        let conversations = self.pool.conversations();
        let key = start.conversation.clone().map(|id| (id, Some(start.kind)));
        let stream = TextStream::new(&self.engine, start.kind)
            .with_server(start.server.clone())
            .with_tool(start.tool.clone())
            .with_carried(key.map(|key| conversations.carried(&key)).unwrap_or_default())
            .with_classify(start.classify)
            .with_limit(self.config.max_message_bytes);
        if !start.transform {
            return Ok(stream);
        }
        let name = start.conversation.as_deref().unwrap_or("");
        let transform = self.transforming.of_stream(name).map_err(|error| status::not_transformed(&error))?;
        stream.with_transform(transform).map_err(|error| status::not_transformed(&error.into()))
    }

    /// Lends the stream a scanner of the pool.
    async fn at_a_scanner(
        &self,
        cancel: &Cancel,
        mut stream: TextStream,
        call: impl FnOnce(&mut TextStream, &mut tamiz_core::Scanner) -> StreamStep + Send + 'static,
    ) -> Result<(TextStream, StreamStep), Status> {
        let (place, bytes) = (self.pool.stream_place().await, stream.waiting());
        let lent = self.pool.call_at(place, cancel.clone(), bytes, move |scanner| {
            let step = call(&mut stream, scanner);
            (stream, step)
        });
        lent.await.map_err(status::not_inspected)
    }
}

fn control(cancel: &Cancel, start: &Start, until: Option<Instant>) -> ScanControl {
    let mut control = ScanControl::unlimited().with_cancel(Arc::clone(&cancel.flag())).with_today(start.today);
    if let Some(until) = until {
        control = control.with_deadline(until);
    }
    match start.classify {
        Some(classify) => control.with_classify(classify),
        None => control,
    }
}

fn answer(step: StreamStep, action: Action) -> v1::InspectTextResponse {
    v1::InspectTextResponse {
        content: step.bytes.into(),
        action: v1::Action::from(action).into(),
        findings: step.findings.into_iter().map(Into::into).collect(),
        changes: step.changes.into_iter().map(Into::into).collect(),
        end: None,
    }
}

fn last(end: StreamEnd, path: &str, excerpts: bool) -> v1::InspectTextResponse {
    let StreamEnd { last, stopped, report, after, text, .. } = end;
    let found = after.as_ref().unwrap_or(&report).verdict.action;
    let action = if stopped { Action::Block } else { found };
    let mut report = if excerpts { report.with_excerpts(&text, 0) } else { report };
    if !path.is_empty() {
        report = report.with_path(path);
    }
    v1::InspectTextResponse {
        end: Some(v1::TextEnd { stopped, report: Some(report.into()), after: after.map(Into::into) }),
        ..answer(last, action)
    }
}
