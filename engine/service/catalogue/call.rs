//! Calls and their results, against what was approved of the tool.

use serde::Serialize;
use serde_json::Value;
use tamiz_core::{
    Action, Content, ContentKind, Coverage, Format, Report, ScanControl, Tool, check_arguments, parse_message,
};

use super::outcome::weigh;
use super::{Catalogue, CatalogueError, CatalogueFinding, Record, State, schema};
use crate::clock::today;

/// What looking at a call, or at its result, came to.
#[derive(Debug, Clone, Serialize)]
pub struct CallOutcome {
    /// The server.
    pub server: String,
    /// The tool.
    pub tool: String,
    /// Whether the tool may be called; none if it is not known.
    pub state: Option<State>,
    /// What to do, all evidence together.
    pub action: Action,
    /// What was found beside the text: approval, schema, arguments.
    pub findings: Vec<CatalogueFinding>,
    /// What was found in the text.
    pub report: Report,
}

impl Catalogue {
    /// Looks at a call: a JSON-RPC message of `tools/call`, or its `params` alone. Whether the tool is approved, whether its
    /// approved schema takes the arguments, and what they hold.
    ///
    /// # Errors
    /// When `body` is no call, or the store fails.
    pub fn call(&self, server: &str, body: &[u8]) -> Result<CallOutcome, CatalogueError> {
        let message = parse_message(body)?;
        let (params, at) = match message.get("params") {
            Some(params) => (params, "/params"),
            None => (&message, ""),
        };
        let tool = params.get("name").and_then(Value::as_str).ok_or(CatalogueError::NoCall)?.to_owned();
        let record = self.store.record(server, &tool)?.filter(|_| !tool.is_empty());
        let mut found = Vec::new();
        if let Some(why) = may_not_be_called(record.as_ref()) {
            found.push(("tool-misuse.unapproved-call", format!("{at}/name"), why.to_owned()));
        }
        let none = Value::Object(serde_json::Map::new());
        let arguments = params.get("arguments").unwrap_or(&none);
        let at = format!("{at}/arguments");
        if let Some(input) = approved(&tool, record.as_ref())?.as_ref().and_then(|tool| tool.value.get("inputSchema")) {
            for (pointer, words) in schema::problems(input, arguments) {
                found.push(("tool-misuse.argument-schema", format!("{at}{pointer}"), words));
            }
            let noticed = check_arguments(&tool, input, arguments, &at);
            found.extend(noticed.into_iter().map(|notice| (notice.rule, notice.pointer, notice.words)));
        }
        Ok(self.call_outcome(server, tool, record.as_ref(), found, ContentKind::ToolArguments, body))
    }

    /// Looks at the result of a call of `tool`: a JSON-RPC message, or its `result` alone. Whether its structured content is
    /// what the approved schema says, and what it holds.
    ///
    /// # Errors
    /// When `body` is no JSON, or the store fails.
    pub fn result(&self, server: &str, tool: &str, body: &[u8]) -> Result<CallOutcome, CatalogueError> {
        let message = parse_message(body)?;
        let (result, at) = match message.get("result") {
            Some(result) => (result, "/result"),
            None => (&message, ""),
        };
        let record = self.store.record(server, tool)?.filter(|_| !tool.is_empty());
        let mut found = Vec::new();
        if let Some(why) = may_not_be_called(record.as_ref()) {
            found.push(("tool-misuse.unapproved-call", String::new(), why.to_owned()));
        }
        let approved = approved(tool, record.as_ref())?;
        if let Some(output) = approved.as_ref().and_then(|tool| tool.value.get("outputSchema")) {
            let at = format!("{at}/structuredContent");
            // An error beside a result is none: whoever reads the result sees it as one.
            let is_error = message.get("error").is_some() && message.get("result").is_none();
            let failed = is_error || result.get("isError").and_then(Value::as_bool) == Some(true);
            // A server that asks for input first has no result yet.
            let waits = result.get("resultType").and_then(Value::as_str) == Some("input_required");
            match result.get("structuredContent") {
                Some(value) => {
                    for (pointer, words) in schema::problems(output, value) {
                        found.push(("tool-misuse.result-schema", format!("{at}{pointer}"), words));
                    }
                }
                None if failed || waits => {}
                None => found.push(("tool-misuse.result-schema", at, "the approved schema promises it".to_owned())),
            }
        }
        Ok(self.call_outcome(server, tool.to_owned(), record.as_ref(), found, ContentKind::ToolOutput, body))
    }

    fn call_outcome(
        &self,
        server: &str,
        tool: String,
        record: Option<&Record>,
        found: Vec<(&'static str, String, String)>,
        kind: ContentKind,
        body: &[u8],
    ) -> CallOutcome {
        let content = Content::new(kind, body).with_format(Format::Mcp).with_tool_of(server, &tool);
        let control = ScanControl::unlimited().with_today(today());
        let report = self.engine().scanner().inspect(&content, &control);
        let finding = |(rule, pointer, words)| CatalogueFinding::new(self.engine(), rule, pointer, words);
        let mut findings: Vec<CatalogueFinding> = found.into_iter().filter_map(finding).collect();
        findings.iter_mut().for_each(|finding| finding.suppress(self.engine(), server, &tool));
        let own = weigh(self.engine(), &findings, &Coverage::new(0));
        // What both found adds up, but for quotations, which the report's verdict has counted as such.
        let in_text = report.findings.iter().filter(|finding| !finding.quoted && finding.suppressed.is_none());
        let beside =
            findings.iter().filter(|finding| finding.suppressed.is_none()).map(|finding| finding.rule.as_str());
        let all = beside.chain(in_text.map(|finding| finding.rule.as_str()));
        let both = self.engine().weigh(all, &report.coverage);
        let action = own.action.max(both.action).max(report.verdict.action);
        let state = record.map(|record| record.state);
        CallOutcome { server: server.to_owned(), tool, state, action, findings, report }
    }
}

fn may_not_be_called(record: Option<&Record>) -> Option<&'static str> {
    match record.map(|record| record.state) {
        Some(State::Pinned) => None,
        None => Some("the tool is not in the catalogue"),
        Some(State::Pending) => Some("the tool waits for approval"),
        Some(State::Changed) => Some("the tool is not what was approved any more"),
        Some(State::Quarantined) => Some("the tool is in quarantine"),
    }
}

fn approved(tool: &str, record: Option<&Record>) -> Result<Option<Tool>, CatalogueError> {
    let Some(pinned) = record.and_then(|record| record.pinned.as_ref()) else { return Ok(None) };
    Ok(Some(Tool::from_canonical(tool, pinned.text.clone())?))
}
