//! Single calls.

use std::time::Duration;

use tamiz::grpc::v1::{
    Action, ContentFormat, ContentKind, Family, GetInfoRequest, InspectRequest, ListRulesRequest, Severity, Span,
};
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt as _;

use super::support::{PANIC, POISON, SLOW, request, start, start_shipped, start_shipped_with, start_with};

#[tokio::test]
async fn a_detection_is_an_answer() {
    let server = start(|_| {}).await;
    let mut client = server.client().await;
    let content = format!(r#"{{"page": "Hello. {POISON}."}}"#);
    let at = content.find(POISON).unwrap() as u64;
    let mut asked = request("a", content);
    asked.path = "page.html".into();
    let answer = client.inspect(asked.clone()).await.unwrap().into_inner();
    assert_eq!(answer.id, "a");
    let report = answer.report.unwrap();
    let verdict = report.verdict.as_ref().unwrap();
    assert_eq!(verdict.action(), Action::Block);
    assert_eq!((verdict.reasons[0].code.as_str(), verdict.reasons[0].family()), ("injection.test", Family::Injection));
    assert_eq!((report.path.as_str(), report.format()), ("page.html", ContentFormat::Json));
    let finding = &report.findings[0];
    let span = finding.span.unwrap();
    assert_eq!((span.start, span.end), (at, at + POISON.len() as u64));
    assert_eq!((finding.pointer.as_str(), finding.severity()), ("/page", Severity::High));
    assert_eq!(finding.views, ["raw", "folded"]);
    assert_eq!(finding.taxonomy.as_ref().unwrap().owasp_llm, ["LLM01:2025"]);
    assert_eq!((finding.excerpt.as_deref(), finding.fingerprint.len()), (None, 32));
    assert!(report.coverage.unwrap().complete);

    asked.include_excerpts = true;
    let report = client.inspect(asked).await.unwrap().into_inner().report.unwrap();
    assert_eq!(report.findings[0].excerpt.as_deref(), Some(POISON));

    for content in ["The weather is fine.", ""] {
        let report = client.inspect(request("b", content)).await.unwrap().into_inner().report.unwrap();
        assert_eq!(report.verdict.unwrap().action(), Action::Allow);
        assert_eq!((report.findings.len(), report.coverage.unwrap().complete), (0, true));
    }
}

#[tokio::test]
async fn a_secret_in_two_messages_of_a_conversation_is_found() {
    let server = start_shipped().await;
    let mut client = server.client().await;
    let mut say = async |conversation: &str, text: &str| {
        let asked = InspectRequest { conversation_id: conversation.to_owned(), ..request("a", text) };
        let report = client.inspect(asked).await.unwrap().into_inner().report.unwrap();
        report.findings.into_iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert!(say("one", "it begins with AKIAQ3ZR").await.is_empty());
    assert!(say("two", "7MWB2XKD4LTE").await.is_empty(), "another conversation");
    assert_eq!(say("one", "7MWB2XKD4LTE").await, ["secret.aws-access-key-id"]);
}

#[tokio::test]
async fn a_conversation_that_sends_more_like_keys_than_its_budget_is_told() {
    let server = start_shipped_with(|config| config.pool.entropy_budget = 110).await;
    let mut client = server.client().await;
    // Made up, and known to no rule: one in each message, none of them much by itself.
    let token = |number: usize| format!("q7Zp2mXv{number:04}9KdR4tLw8HsBnE");
    let mut say = async |conversation: &str, kind: ContentKind, text: String| {
        let conversation_id = conversation.to_owned();
        let asked = InspectRequest { conversation_id, kind: kind.into(), ..request("a", text) };
        let report = client.inspect(asked).await.unwrap().into_inner().report.unwrap();
        (report.verdict.unwrap(), report.findings)
    };
    for number in 0..4 {
        let (verdict, findings) = say("one", ContentKind::ToolArguments, format!("id={}", token(number))).await;
        assert!(findings.is_empty() && verdict.action() == Action::Allow, "{number}: {findings:?}");
        // What comes in does not count, nor what was sent before, nor what another conversation sends.
        assert!(say("one", ContentKind::ToolOutput, token(number + 10)).await.1.is_empty());
        assert!(say("one", ContentKind::ModelOutput, token(number)).await.1.is_empty());
        assert!(say("two", ContentKind::ModelOutput, token(number)).await.1.is_empty());
    }
    let (verdict, findings) = say("one", ContentKind::ModelOutput, format!("And: {}.", token(4))).await;
    assert_eq!(findings[0].rule, "secret.entropy-budget");
    assert_eq!(findings[0].span, Some(Span { start: 5, end: 31 }));
    assert_eq!(verdict.action(), Action::Flag);
    assert!(verdict.reasons[0].title.ends_with("its budget: 130 bytes so far, 110 allowed"), "{verdict:?}");
    assert!(say("one", ContentKind::ModelOutput, "That is all.".into()).await.1.is_empty(), "nothing new");
}

#[tokio::test]
async fn a_token_for_another_server_is_found() {
    // Made up: {"alg":"RS256","typ":"JWT"} . {"aud":"https://graph.example.net","sub":"u-17"} . a hash of a letter.
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJodHRwczovL2dyYXBoLmV4YW1wbGUubmV0Iiwic3ViIjoidS0xNyJ9.\
                         ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs";
    let server = start_shipped().await;
    let mut client = server.client().await;
    for (to, passed) in [("https://mcp.example.com", true), ("https://graph.example.net/v2", false), ("", false)] {
        let kind = ContentKind::ToolArguments.into();
        let asked = InspectRequest { server: to.to_owned(), kind, ..request("a", TOKEN) };
        let report = client.inspect(asked).await.unwrap().into_inner().report.unwrap();
        let found = report.findings.iter().any(|finding| finding.rule == "secret.token-passthrough");
        assert_eq!(found, passed, "{to}");
    }
}

#[tokio::test]
async fn suppressions_hold_for_the_tool_that_is_named() {
    let server = start_with(super::support::suppressing()).await;
    let mut client = server.client().await;
    for (tool, action) in [("search", Action::Allow), ("other", Action::Block), ("", Action::Block)] {
        let asked = InspectRequest { tool: tool.to_owned(), ..request("a", crate::support::ORDER) };
        let report = client.inspect(asked).await.unwrap().into_inner().report.unwrap();
        assert_eq!(report.verdict.unwrap().action(), action, "{tool}");
        let by = report.findings[0].suppressed.as_ref().map(|by| (by.reason.as_str(), by.until.as_str()));
        assert_eq!(by, (action == Action::Allow).then_some(("a manual", "9999-12-31")));
    }
}

#[tokio::test]
async fn a_wrong_request_is_told_which_fields() {
    let server = start(|_| {}).await;
    let mut client = server.client().await;
    let text = InspectRequest { kind: 0, ..request("", "hello") };
    let wrong = client.inspect(text.clone()).await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    let details = wrong.get_error_details();
    assert_eq!(details.bad_request().unwrap().field_violations[0].field, "kind");
    let info = details.error_info().unwrap();
    assert_eq!((info.domain.as_str(), info.reason.as_str()), ("tamiz", "INVALID_REQUEST"));

    // By structure, when it has one.
    let json = InspectRequest { format: ContentFormat::Json.into(), ..InspectRequest { content: "[]".into(), ..text } };
    client.inspect(json).await.unwrap();

    let all = InspectRequest { kind: 99, format: 77, path: "p".repeat(5_000), ..request("i".repeat(300), "") };
    let wrong = client.inspect(all).await.unwrap_err();
    let violations = wrong.get_error_details().bad_request().unwrap().field_violations.clone();
    let fields: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["kind", "format", "id", "path"]);
}

#[tokio::test]
async fn rules_and_versions_are_told() {
    let server = start(|config| config.server.default_timeout_ms = 700).await;
    let mut client = server.client().await;
    let rules = client.list_rules(ListRulesRequest::default()).await.unwrap().into_inner().rules;
    assert_eq!(rules.len(), 1);
    assert_eq!((rules[0].id.as_str(), rules[0].family()), ("injection.test", Family::Injection));
    assert_eq!(rules[0].content_kinds.len(), 5);
    let of = |families| client.clone().list_rules_of(families);
    assert_eq!(of(vec![Family::Pii as i32]).await.unwrap(), 0);
    assert_eq!(of(vec![Family::Pii as i32, Family::Injection as i32]).await.unwrap(), 1);
    assert_eq!(of(vec![99]).await.unwrap_err(), Code::InvalidArgument);

    let info = client.get_info(GetInfoRequest {}).await.unwrap().into_inner();
    let engine = info.engine.unwrap();
    assert_eq!((engine.version.as_str(), engine.rules, engine.model), (env!("CARGO_PKG_VERSION"), 1, None));
    assert_eq!((info.matchers.len(), info.matchers[0].name.as_str()), (1, engine.matcher.as_str()));
    assert!(!info.revision.is_empty() && !engine.rules_digest.is_empty() && !engine.policy_digest.is_empty());
    let limits = info.limits.unwrap();
    assert_eq!((limits.max_content_bytes, limits.default_timeout_ms), (64 << 20, 700));
}

trait ListRulesOf {
    async fn list_rules_of(self, families: Vec<i32>) -> Result<usize, Code>;
}

impl ListRulesOf for super::support::Client {
    async fn list_rules_of(mut self, families: Vec<i32>) -> Result<usize, Code> {
        let listed = self.list_rules(ListRulesRequest { families }).await;
        listed.map(|answer| answer.into_inner().rules.len()).map_err(|status| status.code())
    }
}

#[tokio::test]
async fn health_is_served() {
    let server = start(|_| {}).await;
    let mut health = HealthClient::new(server.channel().await);
    for service in ["", "tamiz.v1.InspectionService"] {
        let answer = health.check(HealthCheckRequest { service: service.into() }).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving);
    }
}

#[tokio::test]
async fn reflection_is_off_unless_asked_for() {
    async fn services(reflection: bool) -> Result<Vec<String>, Code> {
        let server = start(|config| config.server.reflection = reflection).await;
        let ask = MessageRequest::ListServices(String::new());
        let asked = ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
        let mut client = ServerReflectionClient::new(server.channel().await);
        let answers = client.server_reflection_info(tokio_stream::once(asked)).await.map_err(|status| status.code())?;
        let answer = answers.into_inner().message().await.unwrap().unwrap();
        let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else { panic!("{answer:?}") };
        Ok(list.service.into_iter().map(|service| service.name).collect())
    }
    assert_eq!(services(false).await, Err(Code::Unimplemented));
    assert!(services(true).await.unwrap().contains(&"tamiz.v1.InspectionService".to_owned()));
}

#[tokio::test]
async fn a_panic_is_one_request_s_failure() {
    let server = start(|config| config.pool.workers = 1).await;
    let mut client = server.client().await;
    for _ in 0..3 {
        let failed = client.inspect(request("a", format!("{PANIC} hunter2"))).await.unwrap_err();
        assert_eq!(failed.code(), Code::Internal);
        assert!(!format!("{failed:?}").contains("hunter2"));
        let report = client.inspect(request("b", POISON)).await.unwrap().into_inner().report.unwrap();
        assert_eq!(report.findings.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_deadline_cuts_off_is_told() {
    let server = start(|_| {}).await;
    let mut client = server.client().await.max_encoding_message_size(usize::MAX);
    let asked = InspectRequest { timeout_ms: 1, ..request("a", "some words ".repeat(2_000_000)) };
    let report = client.inspect(asked).await.unwrap().into_inner().report.unwrap();
    let coverage = report.coverage.unwrap();
    assert!(!coverage.complete && coverage.inspected_bytes < coverage.total_bytes, "{coverage:?}");
    assert_eq!(report.verdict.unwrap().action(), Action::Block);

    // 32 pieces of 20 ms, and 400 ms: the deadline of the call leaves time for the answer. A machine that is busy with
    // other things may still be late, but not always.
    let slow = SLOW.repeat((8 << 20) / SLOW.len());
    let mut late = 0;
    let coverage = loop {
        let mut call = Request::new(request("b", slow.clone()));
        call.set_timeout(Duration::from_millis(400));
        match client.inspect(call).await {
            Ok(answer) => break answer.into_inner().report.unwrap().coverage.unwrap(),
            Err(status) => assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status:?}"),
        }
        late += 1;
        assert!(late < 5);
    };
    assert!(!coverage.complete && coverage.skipped[0].why.contains("deadline"), "{coverage:?}");

    // No time to even receive it.
    let mut late = Request::new(request("c", SLOW.repeat((20 << 20) / SLOW.len())));
    late.set_timeout(Duration::from_millis(1));
    match client.inspect(late).await {
        Ok(answer) => assert!(!answer.into_inner().report.unwrap().coverage.unwrap().complete),
        Err(status) => assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status:?}"),
    }
}

#[tokio::test]
async fn the_server_s_own_deadline_holds() {
    let server = start(|config| config.server.default_timeout_ms = 100).await;
    let mut client = server.client().await;
    let asked = InspectRequest { timeout_ms: 60_000, ..request("a", SLOW.repeat((3 << 20) / SLOW.len())) };
    let report = client.inspect(asked).await.unwrap().into_inner().report.unwrap();
    assert!(!report.coverage.unwrap().complete);
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_told_what_to_do() {
    let server = start(|config| config.server.max_message_bytes = 1 << 20).await;
    let mut client = server.client().await;
    for size in [(1 << 20) + 1, 30 << 20] {
        let refused = client.inspect(request("a", vec![b'a'; size])).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
        assert!(refused.message().contains("1048576 bytes") && refused.message().contains("server.max_message_bytes"));
        assert_eq!(refused.get_error_details().error_info().unwrap().reason, "MESSAGE_TOO_LARGE");
        client.inspect(request("b", "fine")).await.unwrap();
    }
}

#[test]
fn messages_do_not_show_content_to_debuggers() {
    let mut asked = request("a", "hunter2");
    asked.kind = ContentKind::Prompt.into();
    let shown = format!("{asked:?}");
    assert!(shown.contains("content_bytes: 7") && !shown.contains("hunter2"), "{shown}");
    let finding = tamiz::grpc::v1::Finding { excerpt: Some("hunter2".into()), ..Default::default() };
    assert!(!format!("{finding:?}").contains("hunter2"));
}
