//! The service that changes content: checks requests, hands them to the pool, sends answers.

use std::sync::Arc;

use tamiz_core::{
    Content, Format, Instruction, MarkEncoding, Marked, Marker, Placement, Plan, ScanControl, SpotlightError,
    TransformKey, Transformed, reveal,
};
use tonic::{Request, Response, Status};
use tonic_types::FieldViolation;

use super::front::Deadline;
use super::inspect::{LONGEST_ID, Shared};
use super::v1::transform_service_server::TransformService;
use super::{convert, status, v1};
use crate::clock::today;
use crate::inspect::Cancel;
use crate::transforming::NotTransformed;
use crate::{audit, keys};

/// The service that changes content.
#[derive(Debug)]
pub(super) struct Transformation {
    shared: Arc<Shared>,
}

impl Transformation {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The server's plan with what the request says otherwise.
    fn plan(&self, request: &v1::TransformRequest) -> Result<Plan, Status> {
        let mut wrong = Vec::new();
        let mut treatment = |field: &str, number: i32| {
            convert::treatment(number).unwrap_or_else(|number| {
                wrong.push(FieldViolation::new(field, format!("{number} is no Treatment")));
                None
            })
        };
        let (leaks, steering) = (treatment("leaks", request.leaks), treatment("steering", request.steering));
        for (field, text) in [("id", &request.id), ("conversation", &request.conversation)] {
            too_long(field, text, &mut wrong);
        }
        if let Some(spotlight) = &request.spotlight {
            if v1::SpotlightMode::try_from(spotlight.mode).is_err() {
                wrong.push(FieldViolation::new("spotlight.mode", format!("{} is no SpotlightMode", spotlight.mode)));
            }
            if spotlight.grams > 5 {
                wrong.push(FieldViolation::new("spotlight.grams", "at most 5 are allowed"));
            }
        }
        if !wrong.is_empty() {
            return Err(status::invalid(wrong));
        }
        let mut plan = self.shared.transforming.plan.clone();
        // What the request says is for all rules; the exceptions of the server's plan stay for what it does not say.
        if leaks.is_some() && steering.is_some() {
            plan.treat.clear();
        }
        plan.leaks = leaks.unwrap_or(plan.leaks);
        plan.steering = steering.unwrap_or(plan.steering);
        Ok(plan)
    }
}

fn too_long(field: &str, text: &str, wrong: &mut Vec<FieldViolation>) {
    if text.len() > LONGEST_ID {
        wrong.push(FieldViolation::new(field, format!("{} bytes; at most {LONGEST_ID} are allowed", text.len())));
    }
}

fn spotlight_error(error: SpotlightError) -> Status {
    status::invalid(vec![FieldViolation::new("content", error.to_string())])
}

/// Marks what was changed.
fn mark(body: &[u8], format: Format, wanted: &v1::Spotlight) -> Result<(Vec<u8>, v1::SpotlightResult), Status> {
    let random: [u8; 16] =
        keys::random().map_err(|error| status::not_transformed(&NotTransformed::Random(error.to_string())))?;
    let grams = if wanted.grams == 0 { 2 } else { wanted.grams as usize };
    let placement = if wanted.whitespace_only { Placement::Whitespace } else { Placement::Boundary };
    let marker = match wanted.mode() {
        v1::SpotlightMode::Delimit => Marker::delimit(&random, body),
        v1::SpotlightMode::Unspecified | v1::SpotlightMode::Datamark => Marker::datamark(&random, grams, placement),
        v1::SpotlightMode::Base64 => Marker::encode(MarkEncoding::Base64),
        v1::SpotlightMode::Hex => Marker::encode(MarkEncoding::Hex),
        v1::SpotlightMode::Rot13 => Marker::encode(MarkEncoding::Rot13),
    };
    let marked = marker.mark(&Content::unplaced(body).with_format(format)).map_err(spotlight_error)?;
    let Marked { content, marker, .. } = marked;
    let instruction = marker.instruction(match (wanted.instruction.as_str(), wanted.spanish) {
        ("", false) => Instruction::English,
        ("", true) => Instruction::Spanish,
        (text, _) => Instruction::Custom(text),
    });
    Ok((content, v1::SpotlightResult { instruction, marker: marker.to_string(), marker_id: marker.id() }))
}

#[tonic::async_trait]
impl TransformService for Transformation {
    async fn transform(
        &self,
        request: Request<v1::TransformRequest>,
    ) -> Result<Response<v1::TransformResponse>, Status> {
        let call = request.extensions().get::<Deadline>().copied();
        let request = request.into_inner();
        let plan = self.plan(&request)?;
        let cancel = Cancel::default();
        let _left = cancel.on_drop();
        // Kind, format and time are checked as for an inspection.
        let inspection = v1::InspectRequest {
            content: request.content.clone(),
            kind: request.kind,
            format: request.format,
            timeout_ms: request.timeout_ms,
            ..v1::InspectRequest::default()
        };
        let task = self.shared.task(inspection, call, cancel.clone())?;
        let done = self
            .shared
            .pool
            .call(cancel.clone(), task.content.len(), move |scanner| {
                let content = match task.kind {
                    Some(kind) => Content::new(kind, &task.content),
                    None => Content::unplaced(&task.content),
                };
                let content = content.with_format(task.format);
                let mut control = ScanControl::unlimited().with_cancel(task.cancel.flag()).with_today(today());
                if let Some(deadline) = task.deadline {
                    control = control.with_deadline(deadline);
                }
                let name = &request.conversation;
                let transforming = &task.transforming;
                let done: Transformed = transforming
                    .apply_plan(&plan, name, request.deterministic, scanner, &content, &control)
                    .map_err(|error| status::not_transformed(&error))?;
                let format = done.before.format;
                let (content, spotlight) = match &request.spotlight {
                    None => (done.content, None),
                    Some(wanted) => {
                        let (content, result) = mark(&done.content, format, wanted)?;
                        (content, Some(result))
                    }
                };
                Ok::<_, Status>(v1::TransformResponse {
                    id: request.id,
                    content: content.into(),
                    changes: done.changes.into_iter().map(Into::into).collect(),
                    before: Some(done.before.into()),
                    after: Some(done.after.into()),
                    spotlight,
                })
            })
            .await
            .map_err(status::not_inspected)??;
        Ok(Response::new(done))
    }

    async fn reveal(&self, request: Request<v1::RevealRequest>) -> Result<Response<v1::RevealResponse>, Status> {
        let source = request.remote_addr().map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        let request = request.into_inner();
        let transforming = Arc::clone(&self.shared.transforming);
        if !transforming.config.reveal || transforming.keys.is_empty() {
            return Err(status::reveal_is_off());
        }
        let mut wrong = Vec::new();
        let format = convert::format(request.format).unwrap_or_else(|number| {
            wrong.push(FieldViolation::new("format", format!("{number} is no ContentFormat")));
            Format::Auto
        });
        if request.actor.is_empty() {
            wrong.push(FieldViolation::new("actor", "say who asks: it goes into the audit line"));
        }
        too_long("id", &request.id, &mut wrong);
        too_long("actor", &request.actor, &mut wrong);
        if !wrong.is_empty() {
            return Err(status::invalid(wrong));
        }
        let limits = *self.shared.engine.limits();
        let cancel = Cancel::default();
        let _left = cancel.on_drop();
        let answer = self.shared.pool.call(cancel.clone(), request.content.len(), move |_| {
            let content = Content::unplaced(&request.content).with_format(format);
            let revealed = reveal(&content, &limits, &transforming.keys);
            let line = audit::Reveal {
                actor: &request.actor,
                source: &source,
                tenant: &transforming.config.tenant,
                keys: transforming.keys.iter().map(TransformKey::id).collect(),
                opened: revealed.opened,
                refused: revealed.refused,
            };
            // Without its line, nothing is shown.
            audit::reveal(transforming.config.audit_file.as_deref(), &line).map_err(|error| {
                tracing::error!(error = format!("{error:#}"), "the audit line cannot be written");
                status::no_audit()
            })?;
            Ok::<_, Status>(v1::RevealResponse {
                id: request.id,
                content: revealed.content.into(),
                opened: revealed.opened as u64,
                refused: revealed.refused as u64,
            })
        });
        Ok(Response::new(answer.await.map_err(status::not_inspected)??))
    }

    async fn unspotlight(
        &self,
        request: Request<v1::UnspotlightRequest>,
    ) -> Result<Response<v1::UnspotlightResponse>, Status> {
        let request = request.into_inner();
        let mut wrong = Vec::new();
        too_long("id", &request.id, &mut wrong);
        let marker = Marker::parse(&request.marker);
        if let Err(error) = &marker {
            wrong.push(FieldViolation::new("marker", error.to_string()));
        }
        let Ok(marker) = marker else { return Err(status::invalid(wrong)) };
        if !wrong.is_empty() {
            return Err(status::invalid(wrong));
        }
        let cancel = Cancel::default();
        let _left = cancel.on_drop();
        let answer = self.shared.pool.call(cancel.clone(), request.content.len(), move |_| {
            let content = marker.undo(&request.content).map_err(spotlight_error)?;
            Ok::<_, Status>(v1::UnspotlightResponse { id: request.id, content: content.into() })
        });
        Ok(Response::new(answer.await.map_err(status::not_inspected)??))
    }
}
