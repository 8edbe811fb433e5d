//! The cases of `cases/*.toml` through the gRPC service, with the answers of the library.

use serde_json::Value;
use tamiz::config::Config;
use tamiz::grpc::v1::inspection_service_client::InspectionServiceClient;
use tamiz::grpc::v1::{ContentFormat, ContentKind as WireKind, Finding, InspectRequest, Report};
use tamiz::inspect::Pool;
use tamiz::serve::Server;
use tamiz_core::{ContentKind, Format};
use tokio::sync::oneshot;

use crate::cases::{self, Case};
use crate::support::engine;

fn kind(kind: Option<ContentKind>) -> WireKind {
    match kind {
        None => WireKind::Unspecified,
        Some(ContentKind::Prompt) => WireKind::Prompt,
        Some(ContentKind::ToolArguments) => WireKind::ToolArguments,
        Some(ContentKind::ToolOutput) => WireKind::ToolOutput,
        Some(ContentKind::ToolMetadata) => WireKind::ToolMetadata,
        Some(ContentKind::ModelOutput) => WireKind::ModelOutput,
    }
}

fn format(format: Format) -> ContentFormat {
    match format {
        Format::Auto => ContentFormat::Unspecified,
        Format::Text => ContentFormat::Text,
        Format::Json => ContentFormat::Json,
        Format::Jsonl => ContentFormat::JsonLines,
        Format::Mcp => ContentFormat::Mcp,
    }
}

fn request(case: &Case, found_out: Format) -> InspectRequest {
    // The service wants to be told what content is, or how it is written.
    let written = if case.kind.is_none() { found_out } else { case.format };
    InspectRequest {
        id: case.name.clone(),
        content: case.body().into(),
        kind: kind(case.kind).into(),
        format: format(written).into(),
        ..InspectRequest::default()
    }
}

/// `INJECTION_OVERRIDE` of the wire is `injection-override` of the library.
fn name(wire: &str, prefix: &str) -> String {
    wire.strip_prefix(prefix)
        .unwrap_or_else(|| panic!("{wire} does not begin with {prefix}"))
        .to_lowercase()
        .replace('_', "-")
}

fn finding(wire: &Finding) -> String {
    let span = wire.span.as_ref().unwrap();
    let views = &wire.views;
    format!("{} {}..{} {:?} {views:?} {}", wire.rule, span.start, span.end, wire.pointer, wire.fingerprint)
}

fn compare(case: &Case, wire: &Report, library: &Value) {
    let verdict = wire.verdict.as_ref().unwrap();
    assert_eq!(name(verdict.action().as_str_name(), "ACTION_"), library["verdict"]["action"], "{}", case.name);
    assert_eq!(verdict.score, library["verdict"]["score"].as_f64().unwrap(), "{}", case.name);
    assert_eq!(wire.coverage.as_ref().unwrap().complete, library["coverage"]["complete"], "{}", case.name);
    let expected: Vec<String> = library["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let text = |member: &str| finding[member].as_str().unwrap().to_owned();
            let views: Vec<&str> =
                finding["views"].as_array().unwrap().iter().map(|view| view.as_str().unwrap()).collect();
            let (start, end) = (&finding["span"]["start"], &finding["span"]["end"]);
            format!("{} {start}..{end} {:?} {views:?} {}", text("rule"), text("pointer"), text("fingerprint"))
        })
        .collect();
    assert_eq!(wire.findings.iter().map(finding).collect::<Vec<_>>(), expected, "{}", case.name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_answers_as_the_library_does() {
    let mut config = Config::default();
    config.server.listen.set_port(0);
    let pool = Pool::start(engine(), &config.pool).unwrap();
    let server = Server::bind(config.server, pool, engine().clone()).await.unwrap();
    let url = format!("http://{}", server.address());
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(server.run(async { drop(stopped.await) }));
    let mut client = InspectionServiceClient::connect(url).await.unwrap();
    for case in cases::all() {
        let library = case.through_library();
        let answer = client.inspect(request(&case, library.format)).await;
        let answer = answer.unwrap_or_else(|status| panic!("{}: {status}", case.name)).into_inner();
        assert_eq!(answer.id, case.name);
        compare(&case, &answer.report.unwrap(), &serde_json::to_value(&library).unwrap());
    }
    drop((client, stop));
    served.await.unwrap().unwrap();
}
