//! Between messages and the types of the core. Enums are matched in full: what the core gains must be named here.

use std::borrow::Cow;

use tamiz_core as core;
use tamiz_core::BackendInfo;

use super::v1;

/// The kind a message names; `None` if it names none. The error is the number, when no kind has it.
pub(super) fn kind(number: i32) -> Result<Option<core::ContentKind>, i32> {
    Ok(Some(match v1::ContentKind::try_from(number).map_err(|_| number)? {
        v1::ContentKind::Unspecified => return Ok(None),
        v1::ContentKind::Prompt => core::ContentKind::Prompt,
        v1::ContentKind::ToolArguments => core::ContentKind::ToolArguments,
        v1::ContentKind::ToolOutput => core::ContentKind::ToolOutput,
        v1::ContentKind::ToolMetadata => core::ContentKind::ToolMetadata,
        v1::ContentKind::ModelOutput => core::ContentKind::ModelOutput,
    }))
}

/// The format a message names. The error is the number, when no format has it.
pub(super) fn format(number: i32) -> Result<core::Format, i32> {
    Ok(match v1::ContentFormat::try_from(number).map_err(|_| number)? {
        v1::ContentFormat::Unspecified => core::Format::Auto,
        v1::ContentFormat::Text => core::Format::Text,
        v1::ContentFormat::Json => core::Format::Json,
        v1::ContentFormat::JsonLines => core::Format::Jsonl,
        v1::ContentFormat::Mcp => core::Format::Mcp,
    })
}

/// When a message wants the classifier asked; `None` if it does not say. The error is the number, when no mode has it.
pub(super) fn classify(number: i32) -> Result<Option<core::Classify>, i32> {
    Ok(Some(match v1::ClassifyMode::try_from(number).map_err(|_| number)? {
        v1::ClassifyMode::Unspecified => return Ok(None),
        v1::ClassifyMode::Off => core::Classify::Off,
        v1::ClassifyMode::Auto => core::Classify::Auto,
        v1::ClassifyMode::Always => core::Classify::Always,
    }))
}

impl From<core::ClassifierState> for v1::ClassifierState {
    fn from(state: core::ClassifierState) -> Self {
        match state {
            core::ClassifierState::Off => Self::Off,
            core::ClassifierState::Linear => Self::Linear,
            core::ClassifierState::Encoder => Self::Encoder,
            core::ClassifierState::Unavailable => Self::Unavailable,
        }
    }
}

/// The treatment a message names; `None` if it names none. The error is the number, when no treatment has it.
pub(super) fn treatment(number: i32) -> Result<Option<core::Treatment>, i32> {
    Ok(Some(match v1::Treatment::try_from(number).map_err(|_| number)? {
        v1::Treatment::Unspecified => return Ok(None),
        v1::Treatment::Keep => core::Treatment::Keep,
        v1::Treatment::Remove => core::Treatment::Remove,
        v1::Treatment::Mask => core::Treatment::Mask,
        v1::Treatment::Hash => core::Treatment::Hash,
        v1::Treatment::Placeholder => core::Treatment::Placeholder,
        v1::Treatment::Pseudonym => core::Treatment::Pseudonym,
        v1::Treatment::Seal => core::Treatment::Seal,
        v1::Treatment::Defang => core::Treatment::Defang,
        v1::Treatment::Quote => core::Treatment::Quote,
        v1::Treatment::Stub => core::Treatment::Stub,
    }))
}

impl From<core::Treatment> for v1::Treatment {
    fn from(treatment: core::Treatment) -> Self {
        match treatment {
            core::Treatment::Keep => Self::Keep,
            core::Treatment::Remove => Self::Remove,
            core::Treatment::Mask => Self::Mask,
            core::Treatment::Hash => Self::Hash,
            core::Treatment::Placeholder => Self::Placeholder,
            core::Treatment::Pseudonym => Self::Pseudonym,
            core::Treatment::Seal => Self::Seal,
            core::Treatment::Defang => Self::Defang,
            core::Treatment::Quote => Self::Quote,
            core::Treatment::Stub => Self::Stub,
        }
    }
}

impl From<core::ClassifierReport> for v1::Classification {
    fn from(report: core::ClassifierReport) -> Self {
        let highest = |highest: core::HighestScore| v1::HighestScore {
            probability: highest.probability,
            weight: highest.weight,
            stage: v1::ClassifierState::from(highest.stage).into(),
            span: Some(v1::Span { start: highest.start as u64, end: highest.end as u64 }),
            kinds: highest.kinds,
        };
        Self {
            state: v1::ClassifierState::from(report.state).into(),
            model: report.model.as_deref().map(str::to_owned),
            provider: report.provider.as_deref().map(str::to_owned),
            why: report.why.map(Cow::into_owned),
            linear_windows: report.linear_windows as u64,
            linear_settled: report.linear_settled as u64,
            encoder_windows: report.encoder_windows as u64,
            inferred: report.inferred as u64,
            cached: report.cached as u64,
            highest: report.highest.map(highest),
        }
    }
}

impl From<core::Span> for v1::Span {
    fn from(span: core::Span) -> Self {
        Self { start: span.start as u64, end: span.end as u64 }
    }
}

impl From<core::Change> for v1::Change {
    fn from(change: core::Change) -> Self {
        Self {
            rule: change.rule,
            treatment: v1::Treatment::from(change.treatment).into(),
            source: Some(change.source.into()),
            output: Some(change.output.into()),
        }
    }
}

impl From<core::ContentKind> for v1::ContentKind {
    fn from(kind: core::ContentKind) -> Self {
        match kind {
            core::ContentKind::Prompt => Self::Prompt,
            core::ContentKind::ToolArguments => Self::ToolArguments,
            core::ContentKind::ToolOutput => Self::ToolOutput,
            core::ContentKind::ToolMetadata => Self::ToolMetadata,
            core::ContentKind::ModelOutput => Self::ModelOutput,
        }
    }
}

impl From<core::Format> for v1::ContentFormat {
    fn from(format: core::Format) -> Self {
        match format {
            core::Format::Auto => Self::Unspecified,
            core::Format::Text => Self::Text,
            core::Format::Json => Self::Json,
            core::Format::Jsonl => Self::JsonLines,
            core::Format::Mcp => Self::Mcp,
        }
    }
}

impl From<core::Action> for v1::Action {
    fn from(action: core::Action) -> Self {
        match action {
            core::Action::Allow => Self::Allow,
            core::Action::Flag => Self::Flag,
            core::Action::Transform => Self::Transform,
            core::Action::Block => Self::Block,
        }
    }
}

impl From<core::Family> for v1::Family {
    fn from(family: core::Family) -> Self {
        match family {
            core::Family::Injection => Self::Injection,
            core::Family::Jailbreak => Self::Jailbreak,
            core::Family::HiddenText => Self::HiddenText,
            core::Family::Exfiltration => Self::Exfiltration,
            core::Family::ToolPoisoning => Self::ToolPoisoning,
            core::Family::ToolMisuse => Self::ToolMisuse,
            core::Family::Secret => Self::Secret,
            core::Family::Pii => Self::Pii,
        }
    }
}

impl From<core::Severity> for v1::Severity {
    fn from(severity: core::Severity) -> Self {
        match severity {
            core::Severity::Info => Self::Info,
            core::Severity::Low => Self::Low,
            core::Severity::Medium => Self::Medium,
            core::Severity::High => Self::High,
            core::Severity::Critical => Self::Critical,
        }
    }
}

impl From<core::Sensitivity> for v1::Sensitivity {
    fn from(sensitivity: core::Sensitivity) -> Self {
        match sensitivity {
            core::Sensitivity::Public => Self::Public,
            core::Sensitivity::Internal => Self::Internal,
            core::Sensitivity::Confidential => Self::Confidential,
            core::Sensitivity::Restricted => Self::Restricted,
        }
    }
}

impl From<core::DataCategory> for v1::DataCategory {
    fn from(category: core::DataCategory) -> Self {
        match category {
            core::DataCategory::Credential => Self::Credential,
            core::DataCategory::Personal => Self::Personal,
            core::DataCategory::Gdpr9 => Self::Gdpr9,
            core::DataCategory::Hipaa => Self::Hipaa,
            core::DataCategory::Pci => Self::Pci,
            core::DataCategory::Financial => Self::Financial,
            core::DataCategory::Infrastructure => Self::Infrastructure,
        }
    }
}

/// As numbers of messages.
fn sensitivity(sensitivity: Option<core::Sensitivity>) -> i32 {
    sensitivity.map_or(v1::Sensitivity::Unspecified, v1::Sensitivity::from).into()
}

/// As numbers of messages.
fn data(categories: &[core::DataCategory]) -> Vec<i32> {
    categories.iter().map(|category| v1::DataCategory::from(*category).into()).collect()
}

impl From<core::Confidence> for v1::Confidence {
    fn from(confidence: core::Confidence) -> Self {
        match confidence {
            core::Confidence::Low => Self::Low,
            core::Confidence::Medium => Self::Medium,
            core::Confidence::High => Self::High,
        }
    }
}

impl From<core::Taxonomy> for v1::Taxonomy {
    fn from(taxonomy: core::Taxonomy) -> Self {
        let core::Taxonomy { owasp_llm, owasp_mcp, atlas, cwe } = taxonomy;
        Self { owasp_llm, owasp_mcp, atlas, cwe }
    }
}

impl From<&core::Rule> for v1::Rule {
    fn from(rule: &core::Rule) -> Self {
        Self {
            id: rule.id.clone(),
            family: v1::Family::from(rule.family).into(),
            title: rule.title.clone(),
            severity: v1::Severity::from(rule.severity).into(),
            confidence: v1::Confidence::from(rule.confidence).into(),
            description: rule.description.clone(),
            why: rule.why.clone(),
            remedy: rule.remedy.clone(),
            content_kinds: rule.content_kinds.iter().map(|kind| v1::ContentKind::from(*kind).into()).collect(),
            taxonomy: Some(rule.taxonomy.clone().into()),
            sensitivity: sensitivity(rule.sensitivity),
            data: data(&rule.data),
        }
    }
}

impl From<core::EngineInfo> for v1::EngineInfo {
    fn from(info: core::EngineInfo) -> Self {
        Self {
            version: info.version,
            rules: info.rules as u64,
            rules_digest: info.rules_digest,
            policy_digest: info.policy_digest,
            matcher: info.matcher,
            model: info.model,
            model_digest: info.model_digest,
            provider: info.provider,
        }
    }
}

impl From<BackendInfo> for v1::MatcherInfo {
    fn from(info: BackendInfo) -> Self {
        Self { name: info.name.to_owned(), detail: info.detail, memory_bytes: info.memory_bytes as u64 }
    }
}

impl From<core::Verdict> for v1::Verdict {
    fn from(verdict: core::Verdict) -> Self {
        let reason = |reason: core::Reason| v1::Reason {
            code: reason.code,
            title: reason.title,
            family: reason.family.map_or(v1::Family::Unspecified, v1::Family::from).into(),
            action: v1::Action::from(reason.action).into(),
            weight: reason.weight,
        };
        Self {
            action: v1::Action::from(verdict.action).into(),
            score: verdict.score,
            reasons: verdict.reasons.into_iter().map(reason).collect(),
        }
    }
}

impl From<core::Coverage> for v1::Coverage {
    fn from(coverage: core::Coverage) -> Self {
        let skipped = |skipped: core::Skipped| v1::Skipped { what: skipped.what, why: skipped.why };
        Self {
            complete: coverage.complete,
            inspected_bytes: coverage.inspected_bytes as u64,
            total_bytes: coverage.total_bytes as u64,
            skipped: coverage.skipped.into_iter().map(skipped).collect(),
            notes: coverage.notes,
        }
    }
}

impl From<core::Finding> for v1::Finding {
    fn from(finding: core::Finding) -> Self {
        Self {
            rule: finding.rule,
            title: finding.title,
            family: v1::Family::from(finding.family).into(),
            severity: v1::Severity::from(finding.severity).into(),
            confidence: v1::Confidence::from(finding.confidence).into(),
            span: Some(finding.span.into()),
            pointer: finding.pointer,
            views: finding.views.iter().map(|view| view.as_str().to_owned()).collect(),
            taxonomy: Some(finding.taxonomy.into()),
            fingerprint: finding.fingerprint,
            excerpt: finding.excerpt.map(|excerpt| excerpt.reveal().to_owned()),
            quoted: finding.quoted,
            decoded: finding.decoded.map(|decoded| decoded.reveal().to_owned()),
            sensitivity: sensitivity(finding.sensitivity),
            data: data(&finding.data),
            suppressed: finding.suppressed.map(Into::into),
            suppression_ended: finding.suppression_ended.map(Into::into),
        }
    }
}

impl From<core::SuppressedBy> for v1::SuppressedBy {
    fn from(by: core::SuppressedBy) -> Self {
        Self { reason: by.reason, until: by.until.to_string() }
    }
}

impl From<core::Report> for v1::Report {
    fn from(report: core::Report) -> Self {
        let timings = report.timings_us;
        Self {
            path: report.path.unwrap_or_default(),
            format: v1::ContentFormat::from(report.format).into(),
            verdict: Some(report.verdict.into()),
            coverage: Some(report.coverage.into()),
            findings: report.findings.into_iter().map(Into::into).collect(),
            findings_omitted: report.findings_omitted as u64,
            timings_us: Some(v1::Timings {
                content: timings.content,
                view: timings.view,
                matching: timings.matching,
                total: timings.total,
                linear: timings.linear,
                tokenise: timings.tokenise,
                infer: timings.infer,
            }),
            classification: Some(report.classifier.into()),
            tokens: report.tokens.map(|estimate| v1::TokenEstimate {
                family: estimate.family.as_str().to_owned(),
                tokens: estimate.tokens,
                limit: estimate.limit,
            }),
            engine: Some((*report.engine).clone().into()),
        }
    }
}
