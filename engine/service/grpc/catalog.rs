//! The catalogue service: translates messages into questions to [`crate::catalogue`], and answers into messages.
//!
//! A question is answered on a thread for blocking work, one at a time for writes: the store takes one writer.

use std::sync::Arc;

use tamiz_core as core;
use tonic::{Request, Response, Status};
use tonic_types::FieldViolation;

use super::v1::catalog_service_server::CatalogService;
use super::{status, v1};
use crate::catalogue::{
    By, CallOutcome, Catalogue, CatalogueError, CatalogueFinding, Entry, FirstSight, FlowOutcome, LabelledCall, Look,
    Outcome, Record, State, ToolReport,
};

/// Most lines of the log in one answer.
const MOST_LINES: usize = 1_000;

/// The catalogue service.
#[derive(Debug, Clone)]
pub struct Catalog {
    catalogue: Arc<Catalogue>,
}

impl Catalog {
    /// Makes the service of a catalogue.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        Self { catalogue }
    }

    /// Asks the catalogue where waiting for the disk holds nobody up.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Catalogue) -> Result<T, CatalogueError> + Send + 'static,
    ) -> Result<T, Status> {
        let catalogue = Arc::clone(&self.catalogue);
        let answer = tokio::task::spawn_blocking(move || question(&catalogue)).await;
        answer.map_err(|_| status::catalogue_failed())?.map_err(|error| status::catalogue(&error))
    }

    async fn look(
        &self,
        listing: Option<v1::Listing>,
        actor: Option<v1::Actor>,
        look: Look,
    ) -> Result<v1::CatalogOutcome, Status> {
        let listing = listing.ok_or_else(|| missing("listing", "say which server lists what"))?;
        let by = by(actor)?;
        let outcome = self.ask(move |catalogue| catalogue.look(&listing.server, &listing.content, look, &by)).await?;
        Ok(outcome.into())
    }
}

fn missing(field: &str, what: &str) -> Status {
    status::invalid(vec![FieldViolation::new(field, what)])
}

fn by(actor: Option<v1::Actor>) -> Result<By, Status> {
    let actor = actor.ok_or_else(|| missing("actor", "the log needs to know who asks"))?;
    Ok(By { who: actor.who, note: (!actor.note.is_empty()).then_some(actor.note) })
}

#[tonic::async_trait]
impl CatalogService for Catalog {
    async fn pin_tools(&self, request: Request<v1::PinToolsRequest>) -> Result<Response<v1::PinToolsResponse>, Status> {
        let request = request.into_inner();
        let first_sight = match v1::FirstSight::try_from(request.first_sight) {
            Ok(v1::FirstSight::Unspecified | v1::FirstSight::Pin) => FirstSight::Pin,
            Ok(v1::FirstSight::Pending) => FirstSight::Pending,
            Err(_) => return Err(missing("first_sight", "no FirstSight has this number")),
        };
        let outcome = self.look(request.listing, request.actor, Look::Pin(first_sight)).await?;
        Ok(Response::new(v1::PinToolsResponse { outcome: Some(outcome) }))
    }

    async fn check_tools(
        &self,
        request: Request<v1::CheckToolsRequest>,
    ) -> Result<Response<v1::CheckToolsResponse>, Status> {
        let request = request.into_inner();
        let look = if request.no_record { Look::Only } else { Look::Check };
        let outcome = self.look(request.listing, request.actor, look).await?;
        Ok(Response::new(v1::CheckToolsResponse { outcome: Some(outcome) }))
    }

    async fn diff_tool(&self, request: Request<v1::DiffToolRequest>) -> Result<Response<v1::DiffToolResponse>, Status> {
        let v1::DiffToolRequest { server, tool } = request.into_inner();
        let name = tool.clone();
        let (record, changes) = self.ask(move |catalogue| catalogue.diff(&server, &tool)).await?;
        let changes = changes.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::DiffToolResponse { tool: Some(known(name, record)), changes }))
    }

    async fn approve_tool(
        &self,
        request: Request<v1::ApproveToolRequest>,
    ) -> Result<Response<v1::ApproveToolResponse>, Status> {
        let v1::ApproveToolRequest { server, tool, digest, actor } = request.into_inner();
        if digest.is_empty() {
            return Err(missing("digest", "say what was read: DiffTool gives the digest"));
        }
        let (by, name) = (by(actor)?, tool.clone());
        let record = self.ask(move |catalogue| catalogue.approve(&server, &tool, Some(&digest), &by)).await?;
        Ok(Response::new(v1::ApproveToolResponse { tool: Some(known(name, record)) }))
    }

    async fn quarantine_tool(
        &self,
        request: Request<v1::QuarantineToolRequest>,
    ) -> Result<Response<v1::QuarantineToolResponse>, Status> {
        let v1::QuarantineToolRequest { server, tool, actor } = request.into_inner();
        let (by, name) = (by(actor)?, tool.clone());
        let record = self.ask(move |catalogue| catalogue.quarantine(&server, &tool, &by)).await?;
        Ok(Response::new(v1::QuarantineToolResponse { tool: Some(known(name, record)) }))
    }

    async fn check_call(
        &self,
        request: Request<v1::CheckCallRequest>,
    ) -> Result<Response<v1::CheckCallResponse>, Status> {
        let v1::CheckCallRequest { server, content } = request.into_inner();
        let outcome = self.ask(move |catalogue| catalogue.call(&server, &content)).await?;
        Ok(Response::new(v1::CheckCallResponse { outcome: Some(outcome.into()) }))
    }

    async fn check_result(
        &self,
        request: Request<v1::CheckResultRequest>,
    ) -> Result<Response<v1::CheckResultResponse>, Status> {
        let v1::CheckResultRequest { server, tool, content } = request.into_inner();
        let outcome = self.ask(move |catalogue| catalogue.result(&server, &tool, &content)).await?;
        Ok(Response::new(v1::CheckResultResponse { outcome: Some(outcome.into()) }))
    }

    async fn label_tool(
        &self,
        request: Request<v1::LabelToolRequest>,
    ) -> Result<Response<v1::LabelToolResponse>, Status> {
        let v1::LabelToolRequest { server, tool, change, labels, actor } = request.into_inner();
        let label = |number: i32| match v1::ToolLabel::try_from(number) {
            Ok(v1::ToolLabel::ReadsUntrusted) => Ok(core::Label::ReadsUntrusted),
            Ok(v1::ToolLabel::ReadsPrivate) => Ok(core::Label::ReadsPrivate),
            Ok(v1::ToolLabel::WritesOutside) => Ok(core::Label::WritesOutside),
            Ok(v1::ToolLabel::Unspecified) | Err(_) => Err(missing("labels", "no ToolLabel has this number")),
        };
        let labels = labels.into_iter().map(label).collect::<Result<Vec<_>, _>>()?;
        let change =
            v1::LabelChange::try_from(change).map_err(|_| missing("change", "no LabelChange has this number"))?;
        if change != v1::LabelChange::Set && !labels.is_empty() {
            return Err(missing("labels", "labels are for LABEL_CHANGE_SET only"));
        }
        let labels = match change {
            v1::LabelChange::Unspecified => self.ask(move |catalogue| catalogue.labels(&server, &tool)).await?,
            v1::LabelChange::Set | v1::LabelChange::Reset => {
                let by = by(actor)?;
                let labels = (change == v1::LabelChange::Set).then_some(labels);
                self.ask(move |catalogue| catalogue.label(&server, &tool, labels, &by)).await?
            }
        };
        let labels = labels.into_iter().map(|label| v1::ToolLabel::from(label).into()).collect();
        Ok(Response::new(v1::LabelToolResponse { labels }))
    }

    async fn check_flow(
        &self,
        request: Request<v1::CheckFlowRequest>,
    ) -> Result<Response<v1::CheckFlowResponse>, Status> {
        let calls = request.into_inner().calls.into_iter();
        let calls =
            calls.map(|call| LabelledCall { server: call.server, tool: call.tool, labels: Vec::new() }).collect();
        let outcome = self.ask(move |catalogue| catalogue.flow(calls)).await?;
        Ok(Response::new(outcome.into()))
    }

    async fn list_tools(
        &self,
        request: Request<v1::ListToolsRequest>,
    ) -> Result<Response<v1::ListToolsResponse>, Status> {
        let server = request.into_inner().server;
        let records = self.ask(move |catalogue| Ok(catalogue.store().server(&server)?)).await?;
        let tools = records.into_iter().map(|(name, record)| known(name, record)).collect();
        Ok(Response::new(v1::ListToolsResponse { tools }))
    }

    async fn list_log(&self, request: Request<v1::ListLogRequest>) -> Result<Response<v1::ListLogResponse>, Status> {
        let v1::ListLogRequest { after, limit } = request.into_inner();
        let most = match limit as usize {
            0 => MOST_LINES,
            limit => limit.min(MOST_LINES),
        };
        let entries = self.ask(move |catalogue| Ok(catalogue.store().log(after, most)?)).await?;
        Ok(Response::new(v1::ListLogResponse { entries: entries.into_iter().map(Into::into).collect() }))
    }
}

impl From<FlowOutcome> for v1::CheckFlowResponse {
    fn from(outcome: FlowOutcome) -> Self {
        Self {
            verdict: Some(outcome.verdict.into()),
            findings: outcome.findings.into_iter().map(Into::into).collect(),
            toxic_at: outcome.toxic_at.and_then(|index| u32::try_from(index).ok()),
        }
    }
}

fn known(tool: String, record: Record) -> v1::KnownTool {
    v1::KnownTool {
        tool,
        state: v1::ToolState::from(record.state).into(),
        pinned_digest: record.pinned.map(|pinned| pinned.digest).unwrap_or_default(),
        waiting_digest: record.candidate.map(|candidate| candidate.digest).unwrap_or_default(),
        reason: record.reason.unwrap_or_default(),
    }
}

impl From<core::Label> for v1::ToolLabel {
    fn from(label: core::Label) -> Self {
        match label {
            core::Label::ReadsUntrusted => Self::ReadsUntrusted,
            core::Label::ReadsPrivate => Self::ReadsPrivate,
            core::Label::WritesOutside => Self::WritesOutside,
        }
    }
}

impl From<State> for v1::ToolState {
    fn from(state: State) -> Self {
        match state {
            State::Pinned => Self::Pinned,
            State::Pending => Self::Pending,
            State::Changed => Self::Changed,
            State::Quarantined => Self::Quarantined,
        }
    }
}

impl From<crate::catalogue::Status> for v1::ToolStatus {
    fn from(status: crate::catalogue::Status) -> Self {
        match status {
            crate::catalogue::Status::New => Self::New,
            crate::catalogue::Status::Unchanged => Self::Unchanged,
            crate::catalogue::Status::Changed => Self::Changed,
            crate::catalogue::Status::Removed => Self::Removed,
        }
    }
}

impl From<core::ToolChange> for v1::ToolChange {
    fn from(change: core::ToolChange) -> Self {
        Self { kind: change.kind.as_str().to_owned(), pointer: change.pointer, words: change.words }
    }
}

impl From<CatalogueFinding> for v1::ToolFinding {
    fn from(finding: CatalogueFinding) -> Self {
        Self {
            rule: finding.rule,
            title: finding.title,
            family: v1::Family::from(finding.family).into(),
            severity: v1::Severity::from(finding.severity).into(),
            confidence: v1::Confidence::from(finding.confidence).into(),
            pointer: finding.pointer,
            words: finding.words,
            taxonomy: Some(finding.taxonomy.into()),
            suppressed: finding.suppressed.map(Into::into),
        }
    }
}

impl From<ToolReport> for v1::ToolReport {
    fn from(report: ToolReport) -> Self {
        Self {
            tool: report.tool,
            status: v1::ToolStatus::from(report.status).into(),
            state: v1::ToolState::from(report.state).into(),
            digest: report.digest.unwrap_or_default(),
            pinned_digest: report.pinned_digest.unwrap_or_default(),
            changes: report.changes.into_iter().map(Into::into).collect(),
            findings: report.findings.into_iter().map(Into::into).collect(),
            verdict: Some(report.verdict.into()),
        }
    }
}

impl From<Outcome> for v1::CatalogOutcome {
    fn from(outcome: Outcome) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            action: v1::Action::from(outcome.action).into(),
            listed: count(outcome.listed),
            unchanged: count(outcome.unchanged),
            partial: outcome.partial,
            tools: outcome.tools.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<CallOutcome> for v1::CallOutcome {
    fn from(outcome: CallOutcome) -> Self {
        Self {
            tool: outcome.tool,
            state: outcome.state.map_or(v1::ToolState::Unspecified, v1::ToolState::from).into(),
            action: v1::Action::from(outcome.action).into(),
            findings: outcome.findings.into_iter().map(Into::into).collect(),
            report: Some(outcome.report.into()),
        }
    }
}

impl From<Entry> for v1::LogEntry {
    fn from(entry: Entry) -> Self {
        Self {
            number: entry.number,
            at_seconds: entry.at,
            who: entry.who,
            what: entry.what,
            server: entry.server,
            tool: entry.tool,
            from_digest: entry.from.unwrap_or_default(),
            to_digest: entry.to.unwrap_or_default(),
            note: entry.note.unwrap_or_default(),
        }
    }
}
