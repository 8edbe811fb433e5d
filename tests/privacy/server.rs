//! The server at its most talkative: its logs, and every status, detail and `Debug` output that a caller gets to see.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tamiz::grpc::v1::catalog_service_client::CatalogServiceClient;
use tamiz::grpc::v1::inspection_service_client::InspectionServiceClient;
use tamiz::grpc::v1::transform_service_client::TransformServiceClient;
use tamiz::grpc::v1::{
    Actor, CheckCallRequest, CheckFlowRequest, CheckResultRequest, CheckToolsRequest, DiffToolRequest, FlowCall,
    InspectRequest, InspectResponse, InspectStreamRequest, Listing, PinToolsRequest, RevealRequest, Spotlight,
    TransformRequest, Treatment, UnspotlightRequest,
};
use tamiz_core::{
    AhoCorasickMatcher, Backend, BackendInfo, BuildMatcherError, Engine, Hit, LiteralSet, Matcher, RuleSet, Searcher,
};
use tonic::transport::Channel;
use tonic::{Response, Status};

use super::{PLANTED, Watch, contents, slipped};
use crate::support::repository;

/// The program, serving; its standard error goes to a file.
struct Serving {
    child: Child,
    channel: Channel,
    port: u16,
}

async fn serve(folder: &Path, format: &str) -> Serving {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::write(folder.join("key"), tamiz::keys::generate(Some("main")).unwrap()).unwrap();
    let port_file = folder.join("port");
    let mut child = Command::new(env!("CARGO_BIN_EXE_tamiz"))
        .args(["serve", "--listen", "127.0.0.1:0", "--workers", "2", "--port-file", &path("port")])
        .env("XDG_DATA_HOME", repository("tests/data/no-such-folder"))
        .env("XDG_CONFIG_HOME", repository("tests/data/no-such-folder"))
        .envs([("TAMIZ_LOG_FILTER", "trace"), ("TAMIZ_LOG_FORMAT", format), ("RUST_LOG", "trace")])
        .envs([("TAMIZ_TRANSFORM_REVEAL", "true"), ("TAMIZ_TRANSFORM_KEY_FILE", &path("key"))])
        .env("TAMIZ_CATALOGUE_STORE", path("tools.redb"))
        .stderr(fs::File::create(folder.join("log")).unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let port = loop {
        if let Ok(port) = fs::read_to_string(&port_file) {
            break port.trim().parse().unwrap();
        }
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "{}", fs::read_to_string(folder.join("log")).unwrap_or_default());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let channel = Channel::from_shared(format!("http://127.0.0.1:{port}")).unwrap().connect().await.unwrap();
    Serving { child, channel, port }
}

/// Watches all that an answer says beside the content that was asked for.
fn answer<T: std::fmt::Debug>(watch: &mut Watch, place: &str, answer: &Result<Response<T>, Status>) {
    match answer {
        Ok(answer) => watch.output(place, format!("{answer:?} {answer:#?}")),
        Err(status) => {
            let details = String::from_utf8_lossy(status.details()).into_owned();
            watch.output(place, format!("{status} {status:?} {details} {:?}", status.metadata()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_line_and_no_status_holds_content() {
    for format in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let mut serving = serve(folder.path(), format).await;
        let mut watch = Watch::default();
        let channel = &serving.channel;
        inspect_all(&mut watch, channel).await;
        transform_all(&mut watch, channel).await;
        catalogue_all(&mut watch, channel).await;
        raw(&mut watch, channel, serving.port).await;
        let id = serving.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(serving.child.wait().unwrap().success());
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(
            log.contains("listening on") && log.contains("\"event\":\"reveal\"") && log.lines().count() > 4,
            "{log}"
        );
        watch.output("the log", log);
        watch.end(150);
    }
}

async fn inspect_all(watch: &mut Watch, channel: &Channel) {
    let mut client = InspectionServiceClient::new(channel.clone());
    let [id, token, _, words] = PLANTED;
    for (name, content) in contents() {
        for (kind, format) in [(2, 0), (3, 2), (0, 4), (5, 3), (77, 99), (0, 0)] {
            let asked = InspectRequest {
                id: "a".into(),
                content: content.clone().into(),
                kind,
                format,
                server: "https://mcp.example.com".into(),
                conversation_id: "c-17".into(),
                include_excerpts: kind == 5,
                mcp_method: Some("tools/list".into()),
                ..InspectRequest::default()
            };
            watch.output("the request", format!("{asked:?}"));
            let stream = [asked.clone(), InspectRequest { id: String::new(), ..asked.clone() }];
            let stream = tokio_stream::iter(stream.map(|request| InspectStreamRequest { request: Some(request) }));
            let mut answers = client.inspect_stream(stream).await.unwrap().into_inner();
            while let Some(streamed) = answers.message().await.transpose() {
                answer(watch, &format!("InspectStream of {name}"), &streamed.map(Response::new));
            }
            answer(watch, &format!("Inspect of {name}"), &client.inspect(asked).await);
        }
    }
    // Secrets in the members that are labels. They are told back to whoever sent them, and to nobody else.
    let long = token.repeat(500);
    for asked in [
        InspectRequest { id: long.clone(), kind: 1, ..InspectRequest::default() },
        InspectRequest { conversation_id: long.clone(), kind: 1, ..InspectRequest::default() },
        InspectRequest { server: long.clone(), kind: 1, ..InspectRequest::default() },
        InspectRequest { path: long, kind: 1, ..InspectRequest::default() },
        InspectRequest { spotlight_marker: words.into(), kind: 1, ..InspectRequest::default() },
        InspectRequest { spotlight_marker: format!("text:{id}:x:{token}"), kind: 1, ..InspectRequest::default() },
    ] {
        let refused = client.inspect(asked).await;
        assert!(refused.is_err());
        answer(watch, "Inspect with a wrong label", &refused);
    }
    // On request it is shown, so the requests above did bring what was looked for.
    let content = format!("id = {id}").into_bytes().into();
    let asked = InspectRequest { content, kind: 3, include_excerpts: true, ..InspectRequest::default() };
    let report = client.inspect(asked).await.unwrap().into_inner().report.unwrap();
    assert!(slipped(report.findings[0].excerpt.as_ref().unwrap().as_bytes()).is_some());
}

async fn transform_all(watch: &mut Watch, channel: &Channel) {
    let mut client = TransformServiceClient::new(channel.clone());
    let [id, token, _, words] = PLANTED;
    for (name, content) in contents() {
        for leaks in [Treatment::Placeholder as i32, Treatment::Seal as i32, 99] {
            let asked = TransformRequest {
                id: "a".into(),
                content: content.clone().into(),
                kind: 3,
                conversation: "c-17".into(),
                leaks,
                spotlight: (leaks == 99).then(|| Spotlight { instruction: words.into(), ..Spotlight::default() }),
                ..TransformRequest::default()
            };
            watch.output("the request", format!("{asked:?}"));
            let done = client.transform(asked).await;
            answer(watch, &format!("Transform of {name}"), &done);
            let content = done.map(|done| done.into_inner().content).unwrap_or_else(|_| content.clone().into());
            for content in [content.clone(), content.slice(..content.len() / 2)] {
                let asked = RevealRequest { id: "b".into(), content, format: 0, actor: "ana".into() };
                answer(watch, &format!("Reveal of {name}"), &client.reveal(asked).await);
            }
        }
        for marker in ["text:datamark:boundary:0123", words, token] {
            let content = content.clone().into();
            let asked = UnspotlightRequest { id: "c".into(), content, marker: marker.into() };
            answer(watch, &format!("Unspotlight of {name}"), &client.unspotlight(asked).await);
        }
    }
    let asked = RevealRequest { id: "d".into(), content: id.into(), format: 77, actor: String::new() };
    answer(watch, "Reveal by nobody", &client.reveal(asked).await);
}

async fn catalogue_all(watch: &mut Watch, channel: &Channel) {
    let mut client = CatalogServiceClient::new(channel.clone());
    let [id, token, _, words] = PLANTED;
    let list = |text: &str| {
        serde_json::json!({"tools": [{"name": "post", "description": text, "inputSchema": {"type": "object",
            "properties": {"n": {"type": "integer", "default": text}}, "additionalProperties": false}}]})
    };
    let actor = || Some(Actor { who: "ana".into(), note: String::new() });
    let listing = |content: Vec<u8>| Some(Listing { server: "s".into(), content: content.into() });
    let whole = [list("Posts."), list(token), list(words)].map(|list| ("a list", list.to_string().into_bytes()));
    for (name, content) in whole.into_iter().chain(contents()) {
        let asked = PinToolsRequest { listing: listing(content.clone()), first_sight: 1, actor: actor() };
        watch.output("the request", format!("{asked:?}"));
        answer(watch, &format!("PinTools of {name}"), &client.pin_tools(asked).await);
        let asked = CheckToolsRequest { listing: listing(content.clone()), no_record: false, actor: actor() };
        answer(watch, &format!("CheckTools of {name}"), &client.check_tools(asked).await);
        let asked = CheckCallRequest { server: "s".into(), content: content.clone().into() };
        watch.output("the request", format!("{asked:?}"));
        answer(watch, &format!("CheckCall of {name}"), &client.check_call(asked).await);
        let asked = CheckResultRequest { server: "s".into(), tool: "post".into(), content: content.into() };
        watch.output("the request", format!("{asked:?}"));
        answer(watch, &format!("CheckResult of {name}"), &client.check_result(asked).await);
    }
    let asked = DiffToolRequest { server: "s".into(), tool: "post".into() };
    answer(watch, "DiffTool", &client.diff_tool(asked).await);
    for arguments in [serde_json::json!({"n": words}), serde_json::json!({"n": [id], "body": token})] {
        let call = serde_json::json!({"name": "post", "arguments": arguments}).to_string();
        let asked = CheckCallRequest { server: "s".into(), content: call.into() };
        answer(watch, "CheckCall", &client.check_call(asked).await);
    }
    let calls = vec![FlowCall { server: "s".into(), tool: "post".into() }];
    answer(watch, "CheckFlow", &client.check_flow(CheckFlowRequest { calls }).await);
}

/// Messages that are none, and bytes that are no HTTP.
async fn raw(watch: &mut Watch, channel: &Channel, port: u16) {
    let [id, token, ..] = PLANTED;
    for path in ["/tamiz.v1.InspectionService/Inspect", "/tamiz.v1.CatalogService/PinTools", "/tamiz.v1.X/Y"] {
        let mut client = tonic::client::Grpc::new(channel.clone());
        client.ready().await.unwrap();
        // The members of this message have other types than those of the one that is expected.
        let other = Listing { server: format!("{id}\u{0}"), content: token.as_bytes().repeat(9).into() };
        let codec = tonic_prost::ProstCodec::<Listing, InspectResponse>::default();
        let mut request = tonic::Request::new(other);
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        request.metadata_mut().insert("grpc-timeout", "never".parse().unwrap());
        let path = path.parse().unwrap();
        answer(watch, "a message of another sort", &client.unary::<_, InspectResponse, _>(request, path, codec).await);
    }
    for bytes in
        [format!("GET /{token} HTTP/1.1\r\nHost: {id}\r\nAuthorization: Bearer {token}\r\n\r\n"), token.repeat(100)]
    {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // The server may close or stay silent: what counts is what it says.
        let _ = stream.take(1 << 16).read_to_end(&mut answer);
        watch.output("no gRPC", answer);
    }
}

/// A matcher that fails as a bug would: with the text it was handling.
#[derive(Debug)]
struct Broken;

#[derive(Debug)]
struct BrokenMatcher(BackendInfo);

impl Backend for Broken {
    fn build(&self, literals: &LiteralSet) -> Result<Box<dyn Matcher>, BuildMatcherError> {
        Ok(Box::new(BrokenMatcher(AhoCorasickMatcher.build(literals)?.info())))
    }
}

impl Matcher for BrokenMatcher {
    fn searcher(&self) -> Box<dyn Searcher> {
        Box::new(Self(self.0.clone()))
    }

    fn info(&self) -> BackendInfo {
        self.0.clone()
    }
}

impl Searcher for BrokenMatcher {
    fn find(&mut self, haystack: &[u8], _: &mut dyn FnMut(Hit)) {
        panic!("cannot go on with {}", String::from_utf8_lossy(haystack));
    }
}

/// Run as a process of its own, which says what it got.
const CHILD: &str = "TAMIZ_TEST_PANICS";

/// Run as a process of its own, with logging set up as the server does.
#[test]
#[expect(clippy::print_stderr, reason = "the other process reads it")]
fn panics_in_a_process_of_their_own() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let mut config = tamiz::config::Config::default();
    config.server.listen.set_port(0);
    config.log.filter = "trace".into();
    tamiz::telemetry::init(&config.log).unwrap();
    let engine = Engine::builder().rules(RuleSet::builtin()).backend(Box::new(Broken)).build().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let pool = tamiz::inspect::Pool::start(&engine, &config.pool).unwrap();
        let server = tamiz::serve::Server::bind(config.server, pool, engine).await.unwrap();
        let url = format!("http://{}", server.address());
        tokio::spawn(server.run(std::future::pending()));
        let mut client = InspectionServiceClient::connect(url.clone()).await.unwrap();
        let content = PLANTED.join(" ").into_bytes();
        let asked = InspectRequest { content: content.clone().into(), kind: 3, ..InspectRequest::default() };
        let status = client.inspect(asked).await.unwrap_err();
        eprintln!("status: {status:?}");
        let asked = TransformRequest { content: content.into(), kind: 3, ..TransformRequest::default() };
        let status = TransformServiceClient::connect(url).await.unwrap().transform(asked).await.unwrap_err();
        eprintln!("status: {status:?}");
    });
}

#[test]
fn a_panic_in_a_scan_says_where_and_not_on_what() {
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "privacy::server::panics_in_a_process_of_their_own", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = [run.stdout, run.stderr].concat();
    let text = String::from_utf8_lossy(&said).into_owned();
    assert!(run.status.success() && text.matches("an inspection failed").count() == 2, "{text}");
    assert!(text.matches("status: ").count() == 2 && text.contains("server.rs"), "{text}");
    assert_eq!(slipped(&said), None, "{text}");
}
