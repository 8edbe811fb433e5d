//! SARIF 2.1.0, for code-scanning dashboards.

use serde_json::{Value, json};

use super::{Finding, Report, SuppressedBy, classifier};
use crate::rule::{Rule, RuleSet, Severity};
use crate::verdict::Action;

/// One SARIF log with one run over all `reports`. Rules that found something are described in it.
#[must_use]
pub fn sarif(reports: &[Report], rules: &RuleSet) -> Value {
    let mut used: Vec<&str> =
        reports.iter().flat_map(|report| &report.findings).map(|finding| finding.rule.as_str()).collect();
    used.sort_unstable();
    used.dedup();
    let described: Vec<Value> =
        used.iter().map(|id| rules.get(id).map_or_else(|| classifier_descriptor(id), descriptor)).collect();
    let mut findings = reports.iter().flat_map(|report| &report.findings);
    // The format asks for it in all results or in none.
    let suppressing = findings.any(|finding| finding.suppressed.is_some());
    let all = reports.iter().flat_map(|report| report.findings.iter().map(move |finding| (report, finding)));
    let results: Vec<Value> = all.map(|(report, finding)| result(report, finding, &used, suppressing)).collect();
    let incomplete: Vec<Value> = reports.iter().filter(|report| !report.coverage.complete).map(notification).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Tamiz",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": described,
            }},
            "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": incomplete}],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// What found something and is no rule is the classifier.
fn classifier_descriptor(id: &str) -> Value {
    json!({
        "id": id,
        "shortDescription": {"text": classifier::TITLE},
        "fullDescription": {"text": classifier::WHY},
        "help": {"text": format!("{}\n\n{}", classifier::WHY, classifier::REMEDY)},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": [], "precision": "medium", "security-severity": security_severity(Severity::Medium)},
    })
}

fn descriptor(rule: &Rule) -> Value {
    let tags: Vec<&str> = rule.taxonomy.lists().flat_map(|(_, ids)| ids.iter().map(String::as_str)).collect();
    json!({
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.description},
        "help": {"text": format!("{}\n\n{}", rule.why, rule.remedy)},
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {
            "tags": tags,
            "precision": match rule.confidence.as_str() { "high" => "very-high", other => other },
            "security-severity": security_severity(rule.severity),
        },
    })
}

fn result(report: &Report, finding: &Finding, used: &[&str], suppressing: bool) -> Value {
    let uri = report.path.as_deref().unwrap_or("-").replace(' ', "%20");
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": used.binary_search(&finding.rule.as_str()).unwrap_or(0),
        "level": level(finding.severity),
        "message": {"text": finding.title},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri},
                "region": {"byteOffset": finding.span.start, "byteLength": finding.span.end - finding.span.start},
            },
            "logicalLocations": [{"fullyQualifiedName": finding.pointer}],
        }],
        "partialFingerprints": {"tamiz/v1": finding.fingerprint},
        "properties": {
            "action": report.verdict.action.as_str(),
            "views": finding.views,
            "sensitivity": finding.sensitivity,
            "data": finding.data,
            "blocked": report.verdict.action == Action::Block,
        },
    });
    if suppressing {
        let entry = |by: &SuppressedBy| {
            let properties = json!({"until": by.until});
            json!({"kind": "external", "status": "accepted", "justification": by.reason, "properties": properties})
        };
        result["suppressions"] = finding.suppressed.iter().map(entry).collect();
    }
    if let Some(by) = &finding.suppression_ended {
        result["properties"]["suppressionEnded"] = json!({"until": by.until, "reason": by.reason});
    }
    result
}

fn notification(report: &Report) -> Value {
    let left_out: Vec<String> =
        report.coverage.skipped.iter().map(|skipped| format!("{}: {}", skipped.what, skipped.why)).collect();
    let uri = report.path.as_deref().unwrap_or("-").replace(' ', "%20");
    json!({
        "level": "warning",
        "message": {"text": format!("not fully inspected: {}", left_out.join("; "))},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}}}],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// The scale that code-scanning dashboards sort by.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    }
}
