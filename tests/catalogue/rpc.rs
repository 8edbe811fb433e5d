//! `tamiz.v1.CatalogService`.

use tamiz::catalogue::Catalogue;
use tamiz::config::Config;
use tamiz::grpc::v1::catalog_service_client::CatalogServiceClient;
use tamiz::grpc::v1::inspection_service_client::InspectionServiceClient;
use tamiz::grpc::v1::{
    Action, Actor, ApproveToolRequest, CatalogOutcome, CheckCallRequest, CheckFlowRequest, CheckResultRequest,
    CheckToolsRequest, ContentFormat, DiffToolRequest, FlowCall, InspectRequest, LabelChange, LabelToolRequest,
    ListLogRequest, ListToolsRequest, Listing, PinToolsRequest, QuarantineToolRequest, ToolLabel, ToolState,
    ToolStatus,
};
use tamiz::inspect::Pool;
use tamiz::serve::Server;
use tokio::sync::oneshot;
use tonic::Code;
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

use super::{files, intruder, rug_pull};
use crate::support::engine;

pub(super) struct Running {
    pub(super) client: CatalogServiceClient<Channel>,
    pub(super) inspection: InspectionServiceClient<Channel>,
    _folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
}

pub(super) async fn start() -> Running {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.server.listen.set_port(0);
    config.pool.workers = 1;
    let catalogue = Catalogue::open(&folder.path().join("tools.redb"), engine().clone()).unwrap();
    let pool = Pool::start(engine(), &config.pool).unwrap();
    let server = Server::bind(config.server, pool, engine().clone()).await.unwrap().with_catalogue(Some(catalogue));
    let url = format!("http://{}", server.address());
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server.run(async { drop(stopped.await) }));
    let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
    let inspection = InspectionServiceClient::new(channel.clone());
    Running { client: CatalogServiceClient::new(channel), inspection, _folder: folder, _stop: stop }
}

fn actor() -> Option<Actor> {
    Some(Actor { who: "test".into(), note: String::new() })
}

fn listing(server: &str, list: &serde_json::Value) -> Option<Listing> {
    Some(Listing { server: server.into(), content: list.to_string().into() })
}

pub(super) async fn pin(
    client: &mut CatalogServiceClient<Channel>,
    server: &str,
    list: &serde_json::Value,
) -> CatalogOutcome {
    let request = PinToolsRequest { listing: listing(server, list), first_sight: 0, actor: actor() };
    client.pin_tools(request).await.unwrap().into_inner().outcome.unwrap()
}

pub(super) async fn check(
    client: &mut CatalogServiceClient<Channel>,
    server: &str,
    list: &serde_json::Value,
) -> CatalogOutcome {
    let request = CheckToolsRequest { listing: listing(server, list), no_record: false, actor: actor() };
    client.check_tools(request).await.unwrap().into_inner().outcome.unwrap()
}

fn rules<'o>(outcome: &'o CatalogOutcome, tool: &str) -> Vec<(&'o str, &'o str)> {
    let reports = outcome.tools.iter().filter(|report| report.tool == tool);
    reports.flat_map(|report| &report.findings).map(|f| (f.rule.as_str(), f.pointer.as_str())).collect()
}

#[tokio::test]
async fn a_rug_pull_is_stopped_until_approved() {
    let mut server = start().await;
    let client = &mut server.client;
    assert_eq!(pin(client, "files", &files()).await.action(), Action::Allow);
    let same = check(client, "files", &files()).await;
    assert_eq!((same.action(), same.unchanged, same.tools.len()), (Action::Allow, 3, 0));
    let bad = check(client, "files", &rug_pull()).await;
    assert_eq!(bad.action(), Action::Block);
    let report = &bad.tools[0];
    assert_eq!((report.status(), report.state()), (ToolStatus::Changed, ToolState::Quarantined));
    assert!(
        rules(&bad, "read_text_file").contains(&("tool-poisoning.tool-changed", "/inputSchema/properties/context"))
    );
    assert_eq!(report.changes[0].kind, "gives-orders");

    let (server, tool) = ("files".to_owned(), "read_text_file".to_owned());
    let diff =
        client.diff_tool(DiffToolRequest { server: server.clone(), tool: tool.clone() }).await.unwrap().into_inner();
    let waiting = diff.tool.unwrap().waiting_digest;
    assert_eq!((diff.changes.len(), &waiting), (2, &report.digest));
    let approve = |digest: &str| ApproveToolRequest {
        server: server.clone(),
        tool: tool.clone(),
        digest: digest.to_owned(),
        actor: actor(),
    };
    let refused = client.approve_tool(approve(&report.pinned_digest)).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "OTHER_DIGEST");
    assert_eq!(client.approve_tool(approve("")).await.unwrap_err().code(), Code::InvalidArgument);
    let approved = client.approve_tool(approve(&waiting)).await.unwrap().into_inner().tool.unwrap();
    assert_eq!((approved.state(), approved.pinned_digest.as_str()), (ToolState::Pinned, waiting.as_str()));
    assert_eq!(check(client, &server, &rug_pull()).await.action(), Action::Allow);

    let quarantine = QuarantineToolRequest { server: server.clone(), tool: tool.clone(), actor: actor() };
    client.quarantine_tool(quarantine).await.unwrap();
    let listed = client.list_tools(ListToolsRequest { server }).await.unwrap().into_inner().tools;
    let states: Vec<ToolState> = listed.iter().map(tamiz::grpc::v1::KnownTool::state).collect();
    assert_eq!(states, [ToolState::Pinned, ToolState::Pinned, ToolState::Quarantined]);
    let log = client.list_log(ListLogRequest { after: 4, limit: 0 }).await.unwrap().into_inner().entries;
    assert_eq!(log.iter().map(|line| line.what.as_str()).collect::<Vec<_>>(), ["approved", "quarantined"]);
}

#[tokio::test]
async fn shadowing_and_look_alikes_are_told() {
    let mut server = start().await;
    pin(&mut server.client, "files", &files()).await;
    let outcome = pin(&mut server.client, "quotes", &intruder()).await;
    assert!(rules(&outcome, "re\u{430}d_text_file").contains(&("tool-poisoning.look-alike-tool", "/name")));
    assert!(rules(&outcome, "daily_quote").contains(&("tool-poisoning.names-foreign-tool", "/description")));
}

#[tokio::test]
async fn wrong_questions_are_told_so() {
    let mut server = start().await;
    let client = &mut server.client;
    let request = |listing| CheckToolsRequest { listing, no_record: true, actor: actor() };
    for listing in [None, listing("s", &serde_json::json!({})), listing("", &files())] {
        assert_eq!(client.check_tools(request(listing)).await.unwrap_err().code(), Code::InvalidArgument);
    }
    let nobody = CheckToolsRequest { actor: None, ..request(listing("s", &files())) };
    assert_eq!(client.check_tools(nobody).await.unwrap_err().code(), Code::InvalidArgument);
    let none = client.diff_tool(DiffToolRequest { server: "s".into(), tool: "t".into() }).await.unwrap_err();
    assert_eq!(none.code(), Code::NotFound);
}

#[tokio::test]
async fn calls_and_results_are_looked_at() {
    let mut server = start().await;
    let client = &mut server.client;
    pin(client, "files", &files()).await;
    for (arguments, expected) in [
        (serde_json::json!({ "url": "https://example.com/" }), None),
        (
            serde_json::json!({ "url": "http://0xa9fea9fe/" }),
            Some(("tool-misuse.ssrf-metadata", "/params/arguments/url")),
        ),
        (
            serde_json::json!({ "url": "https://example.com/", "cookie": "x" }),
            Some(("tool-misuse.unknown-argument", "/params/arguments/cookie")),
        ),
    ] {
        let call =
            serde_json::json!({ "method": "tools/call", "params": { "name": "fetch_page", "arguments": arguments } });
        let request = CheckCallRequest { server: "files".into(), content: call.to_string().into() };
        let outcome = client.check_call(request).await.unwrap().into_inner().outcome.unwrap();
        let found: Vec<(&str, &str)> =
            outcome.findings.iter().map(|finding| (finding.rule.as_str(), finding.pointer.as_str())).collect();
        match expected {
            None => assert_eq!((outcome.action(), found.len()), (Action::Allow, 0), "{found:?}"),
            Some(expected) => assert!(outcome.action() == Action::Block && found.contains(&expected), "{found:?}"),
        }
        assert_eq!((outcome.state(), outcome.tool.as_str()), (ToolState::Pinned, "fetch_page"));
    }
    let result = serde_json::json!({ "content": [{ "type": "text", "text": crate::support::ORDER }] });
    let request =
        CheckResultRequest { server: "files".into(), tool: "fetch_page".into(), content: result.to_string().into() };
    let outcome = client.check_result(request).await.unwrap().into_inner().outcome.unwrap();
    assert_eq!((outcome.action(), outcome.report.unwrap().findings.is_empty()), (Action::Block, false));
    let none = CheckCallRequest { server: "files".into(), content: b"{}".to_vec().into() };
    assert_eq!(client.check_call(none).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_session_that_can_carry_data_out_is_told() {
    let mut server = start().await;
    let client = &mut server.client;
    pin(client, "files", &files()).await;
    let call = |tool: &str| FlowCall { server: "files".into(), tool: tool.into() };
    let flow = CheckFlowRequest { calls: vec![call("fetch_page"), call("read_text_file")] };
    let toxic = client.check_flow(flow.clone()).await.unwrap().into_inner();
    assert_eq!((toxic.toxic_at, toxic.verdict.unwrap().action()), (Some(1), Action::Flag));
    let label = |change: LabelChange, labels: Vec<ToolLabel>| LabelToolRequest {
        server: "files".into(),
        tool: "fetch_page".into(),
        change: change.into(),
        labels: labels.into_iter().map(Into::into).collect(),
        actor: actor(),
    };
    let set = client.label_tool(label(LabelChange::Set, vec![ToolLabel::ReadsUntrusted])).await.unwrap().into_inner();
    assert_eq!(set.labels, [ToolLabel::ReadsUntrusted as i32]);
    assert_eq!(client.check_flow(flow).await.unwrap().into_inner().toxic_at, None);
    let wrong = client.label_tool(label(LabelChange::Unspecified, vec![ToolLabel::ReadsPrivate])).await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn headers_have_to_say_what_the_body_says() {
    let mut server = start().await;
    let call =
        serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "fetch_page" } });
    for (name, expected) in [("fetch_page", None), ("list_directory", Some("/params/name"))] {
        let request = InspectRequest {
            content: call.to_string().into(),
            format: ContentFormat::Mcp.into(),
            mcp_protocol_version: Some("2026-07-28".into()),
            mcp_method: Some("tools/call".into()),
            mcp_name: Some(name.into()),
            ..InspectRequest::default()
        };
        let report = server.inspection.inspect(request).await.unwrap().into_inner().report.unwrap();
        let found = report.findings.iter().find(|finding| finding.rule == "tool-misuse.mcp-header-mismatch");
        assert_eq!(found.map(|finding| finding.pointer.as_str()), expected);
    }
}
