//! The service for conversations that are sent again at every turn.

use std::collections::HashMap;
use std::sync::Arc;

use tamiz_core::{Action, ScanControl};
use tonic::{Request, Response, Status};
use tonic_types::FieldViolation;

use super::front::Deadline;
use super::inspect::Shared;
use super::v1::conversation_service_server::ConversationService;
use super::v1::conversation_turn::Said as Sent;
use super::{catalog, status, v1};
use crate::catalogue::{Catalogue, LabelledCall};
use crate::clock::today;
use crate::inspect::Cancel;
use crate::transcript::{Outcome, Said, Transcripts, Turn};

/// Most turns of one request.
const MOST_TURNS: usize = 10_000;

/// The service for conversations.
#[derive(Debug)]
pub(super) struct Conversation {
    shared: Arc<Shared>,
    transcripts: Arc<Transcripts>,
    catalogue: Option<Arc<Catalogue>>,
}

impl Conversation {
    pub(super) fn new(shared: Arc<Shared>, catalogue: Option<Arc<Catalogue>>) -> Self {
        let pool = shared.pool.config();
        let transcripts = Transcripts::new(pool.verdict_cache_bytes, pool.conversations)
            .with_budget(pool.entropy_budget as u64, shared.pool.conversations());
        let transcripts = Arc::new(transcripts);
        Self { shared, transcripts, catalogue }
    }

    /// Checks a turn as an inspection of its own.
    fn turn(&self, index: usize, turn: v1::ConversationTurn, wrong: &mut Vec<FieldViolation>) -> Option<Turn> {
        let mut told =
            |field: &str, what: String| wrong.push(FieldViolation::new(format!("turns[{index}].{field}"), what));
        let said = match turn.said {
            Some(Sent::Content(bytes)) => Said::Bytes(bytes),
            Some(Sent::Digest(digest)) => match digest[..].try_into() {
                Ok(digest) => Said::Before(digest),
                Err(_) => {
                    told("digest", format!("{} bytes; a digest has 32", digest.len()));
                    return None;
                }
            },
            None => {
                told("said", "give its content, or the digest that an earlier answer had for it".into());
                return None;
            }
        };
        // Kind, format and server are checked as for an inspection.
        let asked = v1::InspectRequest {
            kind: turn.kind,
            format: turn.format,
            server: turn.server,
            tool: turn.call.as_ref().map(|call| call.tool.clone()).unwrap_or_default(),
            ..v1::InspectRequest::default()
        };
        let of = turn.call.map(|call| call.server).filter(|server| !server.is_empty());
        match self.shared.task(asked, None, Cancel::default()) {
            Ok(task) => {
                let of = of.or_else(|| task.server.clone()).unwrap_or_default();
                let tool = task.tool.map(|tool| (of, tool));
                let (kind, format, server, handled) = (task.kind, task.format, task.server, turn.handled);
                Some(Turn { kind, format, said, server, tool, handled })
            }
            Err(error) => {
                told("kind", error.message().to_owned());
                None
            }
        }
    }

    /// Looks at the calls of the turns together. Also returns whether the last step is in a turn that counts.
    async fn flow(
        &self,
        calls: Vec<(usize, v1::FlowCall)>,
        counts: &HashMap<usize, bool>,
    ) -> Result<Option<(v1::CheckFlowResponse, Action)>, Status> {
        let Some(catalogue) = self.catalogue.clone().filter(|_| !calls.is_empty()) else { return Ok(None) };
        let turns: Vec<usize> = calls.iter().map(|(turn, _)| *turn).collect();
        let calls = calls.into_iter().map(|(_, call)| call).map(labelled).collect();
        let outcome = catalog::Catalog::new(catalogue).ask(move |catalogue| catalogue.flow(calls)).await?;
        let is_new = |index: usize| turns.get(index).and_then(|turn| counts.get(turn)).copied().unwrap_or(false);
        let last = outcome.findings.iter().filter_map(|finding| finding.pointer[1..].parse().ok()).max();
        let action = if last.is_some_and(is_new) { outcome.verdict.action } else { Action::Allow };
        Ok(Some((outcome.into(), action)))
    }
}

fn labelled(call: v1::FlowCall) -> LabelledCall {
    LabelledCall { server: call.server, tool: call.tool, labels: Vec::new() }
}

#[tonic::async_trait]
impl ConversationService for Conversation {
    async fn inspect_conversation(
        &self,
        request: Request<v1::InspectConversationRequest>,
    ) -> Result<Response<v1::InspectConversationResponse>, Status> {
        let call = request.extensions().get::<Deadline>().copied();
        let request = request.into_inner();
        let mut wrong = Vec::new();
        if request.turns.len() > MOST_TURNS {
            let what = format!("{} turns; at most {MOST_TURNS} are allowed", request.turns.len());
            return Err(status::invalid(vec![FieldViolation::new("turns", what)]));
        }
        let mut calls = Vec::new();
        let mut turns = Vec::with_capacity(request.turns.len());
        for (index, turn) in request.turns.into_iter().enumerate() {
            calls.extend(turn.call.clone().map(|call| (index, call)));
            turns.extend(self.turn(index, turn, &mut wrong));
        }
        if !wrong.is_empty() {
            return Err(status::invalid(wrong));
        }
        let cancel = Cancel::default();
        let _left = cancel.on_drop();
        // Name, time and mode are checked as for an inspection; the kind is that of no turn.
        let asked = v1::InspectRequest {
            kind: v1::ContentKind::ToolOutput.into(),
            conversation_id: request.conversation_id,
            timeout_ms: request.timeout_ms,
            classify: request.classify,
            ..v1::InspectRequest::default()
        };
        let task = self.shared.task(asked, call, cancel.clone())?;
        let handled: Vec<bool> = turns.iter().map(|turn| turn.handled).collect();
        let bytes = turns.iter().map(|turn| if let Said::Bytes(bytes) = &turn.said { bytes.len() } else { 0 }).max();
        let transcripts = Arc::clone(&self.transcripts);
        let inspected = self.shared.pool.call(cancel.clone(), bytes.unwrap_or(0), move |scanner| {
            let mut control = ScanControl::unlimited().with_cancel(task.cancel.flag()).with_today(today());
            if let Some(deadline) = task.deadline {
                control = control.with_deadline(deadline);
            }
            if let Some(classify) = task.classify {
                control = control.with_classify(classify);
            }
            let id = task.conversation.as_deref().unwrap_or("");
            transcripts.inspect(scanner, id, &turns, task.classify, &control)
        });
        let outcome =
            inspected.await.map_err(status::not_inspected)?.map_err(|error| status::unknown_digest(&error))?;
        let Outcome { turns, mut action, withhold, inspected_bytes } = outcome;
        let counts = turns.iter().zip(handled).map(|(turn, handled)| !turn.prior && !handled).enumerate().collect();
        let flow = match self.flow(calls, &counts).await? {
            Some((flow, worst)) => {
                action = action.max(worst);
                Some(flow)
            }
            None => None,
        };
        let report = |turn: crate::transcript::Answered| {
            let known = turn.prior && turn.report.findings.is_empty() && turn.report.coverage.complete;
            v1::TurnReport {
                digest: turn.digest.to_vec().into(),
                prior: turn.prior,
                action: v1::Action::from(turn.report.verdict.action).into(),
                report: (request.all_reports || !known).then(|| Arc::unwrap_or_clone(turn.report).into()),
            }
        };
        Ok(Response::new(v1::InspectConversationResponse {
            action: v1::Action::from(action).into(),
            turns: turns.into_iter().map(report).collect(),
            withhold: withhold.into_iter().filter_map(|index| u32::try_from(index).ok()).collect(),
            inspected_bytes: inspected_bytes as u64,
            flow,
        }))
    }
}
