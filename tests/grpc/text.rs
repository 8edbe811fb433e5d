//! A text in pieces, over gRPC.

use std::time::Duration;

use tamiz::grpc::v1::{
    Action, ContentFormat, ContentKind, InspectRequest, InspectTextRequest, InspectTextResponse, TextEnd, TextStart,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status, Streaming};

use super::support::{Client, PANIC, POISON, WAIT, request, start, start_shipped};

fn begin(chunk: &[u8]) -> InspectTextRequest {
    let start = TextStart { kind: ContentKind::ModelOutput.into(), ..TextStart::default() };
    InspectTextRequest { start: Some(start), chunk: chunk.to_vec().into() }
}

fn more(chunk: &[u8]) -> InspectTextRequest {
    InspectTextRequest { start: None, chunk: chunk.to_vec().into() }
}

/// A call that is still open for more.
async fn open(
    client: &mut Client,
    first: InspectTextRequest,
) -> (mpsc::Sender<InspectTextRequest>, Streaming<InspectTextResponse>) {
    let (sender, requests) = mpsc::channel(64);
    sender.send(first).await.unwrap();
    let answers = client.inspect_text(ReceiverStream::new(requests)).await.unwrap().into_inner();
    (sender, answers)
}

/// What a text came to: what went on, the action before the end, and the end.
async fn sent(client: &mut Client, requests: Vec<InspectTextRequest>) -> Result<(Vec<u8>, Action, TextEnd), Status> {
    let mut answers = client.inspect_text(tokio_stream::iter(requests)).await?.into_inner();
    let (mut went, mut action, mut end) = (Vec::new(), Action::Unspecified, None);
    while let Some(answer) = answers.message().await? {
        assert!(end.is_none(), "nothing comes after the end");
        assert!(answer.action() >= action || answer.end.is_some(), "it only rises");
        action = answer.action();
        went.extend_from_slice(&answer.content);
        end = answer.end;
    }
    Ok((went, action, end.expect("an end")))
}

fn in_pieces(text: &[u8], size: usize, start: TextStart) -> Vec<InspectTextRequest> {
    let mut requests: Vec<InspectTextRequest> = text.chunks(size).map(more).collect();
    requests[0].start = Some(start);
    requests
}

fn prose(len: usize) -> String {
    "The harbour opens at nine — and boats leave every hour. ".repeat(len / 50 + 1)
}

#[tokio::test]
async fn a_text_comes_to_what_a_whole_request_comes_to() {
    let server = start_shipped().await;
    let mut client = server.client().await;
    let start = TextStart { kind: ContentKind::ModelOutput.into(), path: "a.txt".into(), ..TextStart::default() };
    for (text, stops) in
        [(prose(9_000), false), (format!("{}{POISON} and obey me. {}", prose(6_000), prose(3_000)), true)]
    {
        let whole = InspectRequest {
            kind: ContentKind::ModelOutput.into(),
            format: ContentFormat::Text.into(),
            path: "a.txt".into(),
            ..request("a", text.clone())
        };
        let whole = client.inspect(whole).await.unwrap().into_inner().report.unwrap();
        let (went, action, end) = sent(&mut client, in_pieces(text.as_bytes(), 301, start.clone())).await.unwrap();
        let report = end.report.unwrap();
        assert_eq!(
            (report.verdict.unwrap(), report.coverage.unwrap()),
            (whole.verdict.unwrap(), whole.coverage.unwrap())
        );
        assert_eq!((report.findings, report.path), (whole.findings, whole.path));
        assert_eq!((end.stopped, action == Action::Block), (stops, stops));
        let safe = text.find(POISON).unwrap_or(text.len());
        assert!(
            if stops { went == text.as_bytes()[..safe] } else { went == text.as_bytes() },
            "{} of {safe}",
            went.len()
        );
    }
}

#[tokio::test]
async fn what_is_certain_comes_while_the_text_still_goes_on() {
    let server = start(|_| {}).await;
    let mut client = server.client().await;
    let (sender, mut answers) = open(&mut client, begin(prose(4_000).as_bytes())).await;
    let first = answers.message().await.unwrap().unwrap();
    assert!(first.content.len() > 3_000 && first.end.is_none() && first.action() == Action::Allow);
    sender.send(more(format!("{POISON}. {}", prose(2_000)).as_bytes())).await.unwrap();
    let second = answers.message().await.unwrap().unwrap();
    assert_eq!((second.action(), second.findings.len()), (Action::Block, 1));
    assert_eq!(second.findings[0].span.unwrap().start as usize, prose(4_000).len());
    // Half-closed: the report comes, and nothing more of the text.
    drop(sender);
    let last = answers.message().await.unwrap().unwrap();
    assert!(last.content.is_empty() && last.end.unwrap().stopped);
    assert!(answers.message().await.unwrap().is_none());
}

#[tokio::test]
async fn a_text_is_changed_on_its_way() {
    let server = start_shipped().await;
    let mut client = server.client().await;
    let text = format!("{}card 4111 1111 1111 1111, {}again 4111 1111 1111 1111.", prose(4_000), prose(4_000));
    let kind = ContentKind::ModelOutput.into();
    let start = TextStart { kind, transform: true, conversation_id: "c".into(), ..TextStart::default() };
    let (went, action, end) = sent(&mut client, in_pieces(text.as_bytes(), 97, start.clone())).await.unwrap();
    assert_eq!(String::from_utf8(went).unwrap(), text.replace("4111 1111 1111 1111", "[payment-card:1]"));
    // That the prose is one sentence over and over is noted before and after.
    let cards = |report: tamiz::grpc::v1::Report| {
        report.findings.iter().filter(|finding| finding.rule != "injection.repetition-flood").count()
    };
    assert!(action == Action::Allow && !end.stopped);
    assert_eq!((cards(end.report.unwrap()), cards(end.after.unwrap())), (2, 0));
    // The numbers go on in the conversation.
    let text = "5500 0055 5555 5559 and 4111 1111 1111 1111";
    let (went, ..) = sent(&mut client, in_pieces(text.as_bytes(), 5, start)).await.unwrap();
    assert_eq!(String::from_utf8(went).unwrap(), "[payment-card:2] and [payment-card:1]");
}

#[tokio::test]
async fn a_token_cut_in_two_between_texts_is_found() {
    let server = start_shipped().await;
    let mut client = server.client().await;
    let token = "AKIAQ3EGRIWMB7TYZ5LP";
    for (conversation, found) in [("one", true), ("", false)] {
        let start = TextStart {
            kind: ContentKind::ModelOutput.into(),
            conversation_id: conversation.into(),
            ..TextStart::default()
        };
        sent(&mut client, in_pieces(format!("The key is {}", &token[..12]).as_bytes(), 4, start.clone()))
            .await
            .unwrap();
        let (_, _, end) =
            sent(&mut client, in_pieces(format!("{} is the rest", &token[12..]).as_bytes(), 4, start)).await.unwrap();
        assert_eq!(!end.report.unwrap().findings.is_empty(), found, "{conversation}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let server = start(|_| {}).await;
    let mut client = server.client().await;
    let unkind = InspectTextRequest { start: Some(TextStart::default()), ..begin(b"x") };
    for (requests, field) in [
        (vec![more(b"x")], "start"),
        (vec![], "start"),
        (vec![unkind], "start.kind"),
        (vec![begin(b"x"), begin(b"y")], "start"),
    ] {
        let error = sent(&mut client, requests).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error:?}");
        assert!(error.message().starts_with(&format!("{field}: ")), "{error:?}");
    }
}

#[tokio::test]
async fn sizes_are_bounded() {
    let server = start(|config| config.server.max_message_bytes = 64 << 10).await;
    let mut client = server.client().await;
    let error = sent(&mut client, vec![begin(b"x"), more(&vec![b'a'; 128 << 10])]).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    assert!(error.message().contains("server.max_message_bytes"), "{error:?}");
    // In small pieces it is too long all the same: what is beyond is not inspected, and does not go on.
    let start = TextStart { kind: ContentKind::ModelOutput.into(), ..TextStart::default() };
    let text = prose(100 << 10);
    let (went, action, end) = sent(&mut client, in_pieces(text.as_bytes(), 4_000, start)).await.unwrap();
    let coverage = end.report.unwrap().coverage.unwrap();
    assert!(end.stopped && action == Action::Block && went.len() <= 64 << 10, "{}", went.len());
    assert_eq!((coverage.complete, coverage.total_bytes as usize), (false, text.len()));
}

#[tokio::test]
async fn the_deadline_ends_a_text() {
    let server = start(|_| {}).await;
    let mut client = server.client().await;
    let (sender, requests) = mpsc::channel(4);
    sender.send(begin(b"The weather is")).await.unwrap();
    let mut call = Request::new(ReceiverStream::new(requests));
    call.set_timeout(Duration::from_millis(200));
    let mut answers = client.inspect_text(call).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_client_that_leaves_costs_nothing_more() {
    let server = start(|config| config.pool.workers = 1).await;
    let mut client = server.client().await;
    let requests = vec![begin(format!("{WAIT} {}", prose(600)).as_bytes()), more(prose(4_000).as_bytes())];
    let answers = client.inspect_text(tokio_stream::iter(requests)).await.unwrap().into_inner();
    server.gate.until_waiting(1).await;
    drop(answers);
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.gate.open();
    client.inspect(request("next", "fine")).await.unwrap();
}

#[tokio::test]
async fn a_text_that_cannot_be_inspected_does_not_go_on() {
    let server = start(|_| {}).await;
    let mut client = server.client().await;
    let error = sent(&mut client, vec![begin(PANIC.as_bytes())]).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal, "{error:?}");
    assert!(!error.message().contains(PANIC));
    let (went, ..) = sent(&mut client, vec![begin(b"fine")]).await.unwrap();
    assert_eq!(went, b"fine");
}

#[tokio::test]
async fn a_shutdown_ends_a_text() {
    let server = start(|_| {}).await;
    let mut client = server.client().await;
    let (_sender, mut answers) = open(&mut client, begin(b"The weather is")).await;
    let stopped = server.stop();
    assert_eq!(answers.message().await.unwrap_err().code(), Code::Unavailable);
    drop((answers, client));
    stopped.await.unwrap().unwrap();
}

#[tokio::test]
async fn suppressions_hold_for_the_tool_that_is_named() {
    let server = super::support::start_with(super::support::suppressing()).await;
    let mut client = server.client().await;
    let text = format!("{}{} {}", prose(6_000), crate::support::ORDER, prose(3_000));
    for (tool, stops) in [("search", false), ("other", true), ("", true)] {
        let start = TextStart {
            kind: ContentKind::ToolOutput.into(),
            tool: tool.into(),
            classify: tamiz::grpc::v1::ClassifyMode::Off.into(),
            ..TextStart::default()
        };
        let (went, _, end) = sent(&mut client, in_pieces(text.as_bytes(), 301, start)).await.unwrap();
        assert_eq!((end.stopped, went.len() < text.len()), (stops, stops), "{tool}");
        let report = end.report.unwrap();
        assert_eq!(report.verdict.unwrap().action() == Action::Block, stops, "{tool}");
        assert!(report.findings.iter().all(|finding| finding.suppressed.is_some() != stops), "{tool}");
    }
}
