//! What tools can do to a conversation, and conversations in which all of it comes together.

use serde::{Deserialize, Serialize};
use tamiz_core::{Coverage, Label, Tool, Verdict, labels, toxic_flow};

use super::outcome::weigh;
use super::{By, Catalogue, CatalogueError, CatalogueFinding, Put, Record, State};

/// Most calls of one session.
const MOST_CALLS: usize = 100_000;

/// A call of a session, and what the tool can do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LabelledCall {
    /// The server.
    pub server: String,
    /// The tool.
    pub tool: String,
    /// What it can do to the conversation.
    #[serde(skip_deserializing)]
    pub labels: Vec<Label>,
}

/// What looking at a session came to.
#[derive(Debug, Clone, Serialize)]
pub struct FlowOutcome {
    /// The calls, in order.
    pub calls: Vec<LabelledCall>,
    /// The index of the call with which the session can carry private data outside, if there is one.
    pub toxic_at: Option<usize>,
    /// What was found; pointers are to calls.
    pub findings: Vec<CatalogueFinding>,
    /// What to do.
    pub verdict: Verdict,
}

impl Catalogue {
    /// What a tool can do to a conversation: what somebody said, or else what its approved description tells.
    ///
    /// # Errors
    /// When the tool is not known.
    pub fn labels(&self, server: &str, tool: &str) -> Result<Vec<Label>, CatalogueError> {
        let record = self.store.record(server, tool)?.filter(|_| !tool.is_empty());
        of_record(tool, &record.ok_or(CatalogueError::NoSuchTool)?)
    }

    /// Says what a tool can do to a conversation; `None` leaves it to its description again.
    ///
    /// # Errors
    /// When the tool is not known.
    pub fn label(
        &self,
        server: &str,
        tool: &str,
        labels: Option<Vec<Label>>,
        by: &By,
    ) -> Result<Vec<Label>, CatalogueError> {
        let by = super::checked(server, by)?;
        let change = self.store.change()?;
        let mut record = change.record(server, tool)?.filter(|_| !tool.is_empty()).ok_or(CatalogueError::NoSuchTool)?;
        let before = Some(record.clone());
        record.labels = labels.map(|mut labels| {
            labels.sort_unstable();
            labels.dedup();
            labels
        });
        let mut entry = by.entry("labelled", server, tool, record.pinned.as_ref(), record.pinned.as_ref());
        let said = record.labels.iter().flatten().map(|label| label.as_str()).collect::<Vec<_>>().join(", ");
        entry.note = Some(entry.note.map_or(said.clone(), |note| format!("{said}: {note}")));
        change.put([Put { before, record: record.clone(), entry }])?;
        change.commit()?;
        of_record(tool, &record)
    }

    /// Looks at the calls of a session: whether, together, they read what strangers wrote, read what is private, and write outside.
    /// A tool that is not approved is a finding of its own; what it can do is taken from what it says.
    ///
    /// # Errors
    /// When there are more than 100,000 calls, or the store fails.
    pub fn flow(&self, calls: Vec<LabelledCall>) -> Result<FlowOutcome, CatalogueError> {
        if calls.len() > MOST_CALLS {
            return Err(CatalogueError::Text("at most 100,000 calls of a session; the names of each"));
        }
        let mut found = Vec::new();
        let mut labelled = Vec::with_capacity(calls.len());
        for (index, mut call) in calls.into_iter().enumerate() {
            let record = self.store.record(&call.server, &call.tool)?.filter(|_| !call.tool.is_empty());
            call.labels = match &record {
                Some(record) => of_record(&call.tool, record)?,
                None => Vec::new(),
            };
            if record.is_none_or(|record| record.state != State::Pinned) {
                found.push((
                    "tool-misuse.unapproved-call",
                    index,
                    "the tool is not approved: what it can do is not known",
                ));
            }
            labelled.push(call);
        }
        let lists: Vec<Vec<Label>> = labelled.iter().map(|call| call.labels.clone()).collect();
        let toxic_at = toxic_flow(&lists);
        let words = "with this call the session reads what strangers wrote, reads private data, and writes outside";
        found.extend(toxic_at.map(|index| ("tool-misuse.toxic-flow", index, words)));
        let finding = |(rule, index, words): (_, usize, _)| {
            let call: &LabelledCall = &labelled[index];
            let mut finding = CatalogueFinding::new(self.engine(), rule, format!("/{index}"), words)?;
            finding.suppress(self.engine(), &call.server, &call.tool);
            Some(finding)
        };
        let findings: Vec<CatalogueFinding> = found.into_iter().filter_map(finding).collect();
        let verdict = weigh(self.engine(), &findings, &Coverage::new(0));
        Ok(FlowOutcome { calls: labelled, toxic_at, findings, verdict })
    }
}

fn of_record(tool: &str, record: &Record) -> Result<Vec<Label>, CatalogueError> {
    if let Some(said) = &record.labels {
        return Ok(said.clone());
    }
    let version = record.pinned.as_ref().or(record.candidate.as_ref());
    let tool = version.map(|version| Tool::from_canonical(tool, version.text.clone())).transpose()?;
    Ok(tool.map(|tool| labels(&tool)).unwrap_or_default())
}
