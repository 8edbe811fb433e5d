//! The service: checks requests, hands them to the pool, sends answers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tamiz_core::{Engine, Format, Marker};
use tokio::sync::{mpsc, watch};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};
use tonic_types::FieldViolation;

use super::front::Deadline;
use super::v1::inspect_stream_response::Result as Outcome;
use super::v1::inspection_service_server::InspectionService;
use super::{convert, status, v1};
use crate::assemble::REVISION;
use crate::config::ServerConfig;
use crate::inspect::{Cancel, CancelOnDrop, Headers, Inspected, Pool, Task};
use crate::transforming::Transforming;

/// Longest id, in bytes.
pub(super) const LONGEST_ID: usize = 256;
/// Longest path, and longest name of a server, in bytes.
pub(super) const LONGEST_PATH: usize = 4_096;

/// Answers of `InspectText` that may wait for the client before the server stops reading.
const TEXT_ANSWERS: usize = 4;

/// The inspection service.
#[derive(Debug)]
pub struct Inspection {
    shared: Arc<Shared>,
    stopping: watch::Receiver<bool>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) engine: Engine,
    pub(super) pool: Pool,
    pub(super) config: ServerConfig,
    pub(super) transforming: Arc<Transforming>,
}

impl Inspection {
    /// Makes the service of an engine and the pool that was started with it.
    #[must_use]
    pub fn new(engine: Engine, pool: Pool, config: ServerConfig, transforming: Arc<Transforming>) -> Self {
        Self { shared: Arc::new(Shared { engine, pool, config, transforming }), stopping: watch::channel(false).1 }
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    pub(super) fn stopped_by(mut self, stopping: watch::Receiver<bool>) -> Self {
        self.stopping = stopping;
        self
    }
}

impl Shared {
    /// Checks a request. The error names every field that is wrong.
    pub(super) fn task(
        &self,
        request: v1::InspectRequest,
        call: Option<Deadline>,
        cancel: Cancel,
    ) -> Result<Task, Status> {
        let mut wrong = Vec::new();
        let kind = convert::kind(request.kind).unwrap_or_else(|number| {
            wrong.push(FieldViolation::new("kind", format!("{number} is no ContentKind")));
            None
        });
        let format = convert::format(request.format).unwrap_or_else(|number| {
            wrong.push(FieldViolation::new("format", format!("{number} is no ContentFormat")));
            Format::Auto
        });
        let classify = convert::classify(request.classify).unwrap_or_else(|number| {
            wrong.push(FieldViolation::new("classify", format!("{number} is no ClassifyMode")));
            None
        });
        if request.kind == 0 && !matches!(format, Format::Json | Format::Jsonl | Format::Mcp) {
            let what = "say what the content is to the model (CONTENT_KIND_PROMPT, …_TOOL_OUTPUT, …); it may be left out \
                        only when format is JSON, JSON_LINES or MCP";
            wrong.push(FieldViolation::new("kind", what));
        }
        for (field, text, longest) in [
            ("id", &request.id, LONGEST_ID),
            ("path", &request.path, LONGEST_PATH),
            ("server", &request.server, LONGEST_PATH),
            ("tool", &request.tool, LONGEST_PATH),
            ("conversation_id", &request.conversation_id, LONGEST_ID),
        ] {
            if text.len() > longest {
                let what = format!("{} bytes; at most {longest} are allowed", text.len());
                wrong.push(FieldViolation::new(field, what));
            }
        }
        let marker = match request.spotlight_marker.as_str() {
            "" => None,
            text => Marker::parse(text)
                .map_err(|error| wrong.push(FieldViolation::new("spotlight_marker", error.to_string())))
                .ok(),
        };
        if !wrong.is_empty() {
            return Err(status::invalid(wrong));
        }
        let now = Instant::now();
        let after = |millis: u64| if millis == 0 { None } else { now.checked_add(Duration::from_millis(millis)) };
        let own = [after(request.timeout_ms.into()), after(self.config.default_timeout_ms)];
        let deadline = own.into_iter().chain([call.map(|call| call.inspect_until)]).flatten().min();
        let stated = |text: String| (!text.is_empty()).then_some(text);
        let (path, server, conversation) =
            (stated(request.path), stated(request.server), stated(request.conversation_id));
        let tool = stated(request.tool);
        let excerpts = request.include_excerpts;
        let transforming = Arc::clone(&self.transforming);
        let headers = Headers::any(request.mcp_protocol_version, request.mcp_method, request.mcp_name);
        Ok(Task {
            content: request.content,
            kind,
            format,
            headers,
            path,
            server,
            tool,
            conversation,
            excerpts,
            classify,
            marker,
            transforming,
            deadline,
            cancel,
        })
    }

    /// Reads a stream and hands its requests to the pool until there are no more. Returns how the stream has to end.
    async fn read(
        &self,
        requests: &mut Streaming<v1::InspectStreamRequest>,
        answers: &mpsc::Sender<StreamAnswer>,
        call: Option<Deadline>,
        cancel: &Cancel,
        mut stopping: watch::Receiver<bool>,
    ) -> Option<Status> {
        let over = async {
            let expired = async {
                match call {
                    Some(call) => tokio::time::sleep_until(call.end.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = stopping.wait_for(|stopping| *stopping) => status::stopping(),
                () = expired => status::call_expired(),
            }
        };
        tokio::pin!(over);
        loop {
            // Room for the answer comes first: what was read can then always be answered, and a client that does not take
            // its answers is not read from.
            let room = tokio::select! {
                biased;
                status = &mut over => return Some(status),
                room = answers.clone().reserve_owned() => room.ok()?,
            };
            let request = tokio::select! {
                biased;
                status = &mut over => return Some(status),
                () = answers.closed() => return None,
                request = requests.message() => match request {
                    Ok(request) => request?.request,
                    Err(error) => return Some(status::unreadable(error, self.config.max_message_bytes)),
                },
            };
            let request = request.unwrap_or_default();
            let id = request.id.clone();
            let task = if id.is_empty() {
                Err(status::invalid(vec![FieldViolation::new("request.id", "answers are matched by it: give one")]))
            } else {
                self.task(request, call, cancel.clone())
            };
            match task {
                Err(error) => drop(room.send(answer(id, Err(error)))),
                Ok(task) => {
                    let place = self.pool.stream_place().await;
                    self.pool.submit(place, task, move |report| {
                        room.send(answer(id, report.map_err(status::not_inspected)));
                    });
                }
            }
        }
    }
}

type StreamAnswer = Result<v1::InspectStreamResponse, Status>;

fn answer(id: String, inspected: Result<Inspected, Status>) -> StreamAnswer {
    let (outcome, transformed) = match inspected {
        Ok(Inspected { report, transformed }) => (Outcome::Report(report.into()), transformed.map(Into::into)),
        Err(error) => (Outcome::Error(status::message(&error)), None),
    };
    Ok(v1::InspectStreamResponse { id, result: Some(outcome), transformed })
}

/// The answers of a stream. When the client leaves it is dropped, and what is still being inspected is cancelled.
#[derive(Debug)]
pub struct Answers<T> {
    answers: mpsc::Receiver<Result<T, Status>>,
    _cancel: CancelOnDrop,
}

impl<T> Stream for Answers<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.answers.poll_recv(context)
    }
}

#[tonic::async_trait]
impl InspectionService for Inspection {
    async fn inspect(&self, request: Request<v1::InspectRequest>) -> Result<Response<v1::InspectResponse>, Status> {
        let call = request.extensions().get::<Deadline>().copied();
        let mut request = request.into_inner();
        let cancel = Cancel::default();
        let _left = cancel.on_drop();
        let id = std::mem::take(&mut request.id);
        if id.len() > LONGEST_ID {
            request.id.clone_from(&id);
        }
        let task = self.shared.task(request, call, cancel)?;
        let Inspected { report, transformed } = self.shared.pool.inspect(task).await.map_err(status::not_inspected)?;
        let transformed = transformed.map(Into::into);
        Ok(Response::new(v1::InspectResponse { id, report: Some(report.into()), transformed }))
    }

    type InspectStreamStream = Answers<v1::InspectStreamResponse>;

    async fn inspect_stream(
        &self,
        request: Request<Streaming<v1::InspectStreamRequest>>,
    ) -> Result<Response<Self::InspectStreamStream>, Status> {
        let call = request.extensions().get::<Deadline>().copied();
        let mut requests = request.into_inner();
        let cancel = Cancel::default();
        let (sender, answers) = mpsc::channel(self.shared.config.stream_in_flight.get());
        let guarded = Answers { answers, _cancel: cancel.on_drop() };
        let (shared, stopping) = (Arc::clone(&self.shared), self.stopping.clone());
        tokio::spawn(async move {
            let Some(end) = shared.read(&mut requests, &sender, call, &cancel, stopping).await else { return };
            // All room is free when every answer that is owed has gone out; only then comes the end.
            if let Ok(mut room) = sender.reserve_many(sender.max_capacity()).await
                && let Some(place) = room.next()
            {
                place.send(Err(end));
            }
        });
        Ok(Response::new(guarded))
    }

    type InspectTextStream = Answers<v1::InspectTextResponse>;

    async fn inspect_text(
        &self,
        request: Request<Streaming<v1::InspectTextRequest>>,
    ) -> Result<Response<Self::InspectTextStream>, Status> {
        let call = request.extensions().get::<Deadline>().copied();
        let mut requests = request.into_inner();
        let cancel = Cancel::default();
        let (sender, answers) = mpsc::channel(TEXT_ANSWERS);
        let guarded = Answers { answers, _cancel: cancel.on_drop() };
        let (shared, stopping) = (Arc::clone(&self.shared), self.stopping.clone());
        tokio::spawn(async move {
            if let Err(end) = shared.text(&mut requests, &sender, call, &cancel, stopping).await {
                drop(sender.send(Err(end)).await);
            }
        });
        Ok(Response::new(guarded))
    }

    async fn list_rules(
        &self,
        request: Request<v1::ListRulesRequest>,
    ) -> Result<Response<v1::ListRulesResponse>, Status> {
        let families = request.into_inner().families;
        let unknown =
            families.iter().find(|number| !matches!(v1::Family::try_from(**number), Ok(family) if family as i32 != 0));
        if let Some(number) = unknown {
            return Err(status::invalid(vec![FieldViolation::new("families", format!("{number} is no Family"))]));
        }
        let wanted = |rule: &v1::Rule| families.is_empty() || families.contains(&rule.family);
        let rules = self.shared.engine.rules().rules().iter().map(v1::Rule::from).filter(wanted).collect();
        Ok(Response::new(v1::ListRulesResponse { rules }))
    }

    async fn get_info(&self, _: Request<v1::GetInfoRequest>) -> Result<Response<v1::GetInfoResponse>, Status> {
        let Shared { engine, config, .. } = &*self.shared;
        let in_flight = u32::try_from(config.stream_in_flight.get()).unwrap_or(u32::MAX);
        Ok(Response::new(v1::GetInfoResponse {
            engine: Some(engine.info().clone().into()),
            revision: REVISION.to_owned(),
            matchers: vec![engine.matcher().into()],
            limits: Some(v1::Limits {
                max_message_bytes: config.max_message_bytes as u64,
                max_content_bytes: engine.limits().content_bytes() as u64,
                default_timeout_ms: config.default_timeout_ms,
                stream_in_flight: in_flight,
            }),
        }))
    }
}
