//! Many requests on one stream.

use std::collections::HashSet;
use std::time::Duration;

use tamiz::grpc::v1::inspect_stream_response::Result as Outcome;
use tamiz::grpc::v1::{Action, InspectRequest, InspectStreamRequest};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request};

use super::support::{POISON, WAIT, request, start, streamed};

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_requests_get_ten_thousand_answers() {
    const COUNT: usize = 10_000;
    let server = start(|_| {}).await;
    let content = |number: usize| if number.is_multiple_of(3) { POISON } else { "The weather is fine." };
    let requests =
        tokio_stream::iter((0..COUNT).map(move |number| streamed(request(number.to_string(), content(number)))));
    let mut answers = server.client().await.inspect_stream(requests).await.unwrap().into_inner();
    let mut answered = HashSet::new();
    while let Some(answer) = answers.message().await.unwrap() {
        let number: usize = answer.id.parse().unwrap();
        assert!(answered.insert(number), "{number} twice");
        let Some(Outcome::Report(report)) = answer.result else { panic!("{number}: {:?}", answer.result) };
        let expected = if number.is_multiple_of(3) { Action::Block } else { Action::Allow };
        assert_eq!(report.verdict.unwrap().action(), expected, "{number}");
    }
    assert_eq!(answered.len(), COUNT);
}

#[tokio::test]
async fn a_bad_request_does_not_end_the_stream() {
    let server = start(|_| {}).await;
    let requests = [
        streamed(request("good", POISON)),
        streamed(InspectRequest { kind: 0, ..request("no kind", "text") }),
        streamed(request("", "no id")),
        InspectStreamRequest { request: None },
        streamed(request("good too", "fine")),
    ];
    let mut answers = server.client().await.inspect_stream(tokio_stream::iter(requests)).await.unwrap().into_inner();
    let (mut good, mut bad) = (HashSet::new(), Vec::new());
    while let Some(answer) = answers.message().await.unwrap() {
        match answer.result.unwrap() {
            Outcome::Report(_) => drop(good.insert(answer.id)),
            Outcome::Error(error) => {
                assert_eq!((error.code, error.details.is_empty()), (Code::InvalidArgument as i32, false), "{error:?}");
                bad.push(answer.id);
            }
        }
    }
    assert_eq!(good, HashSet::from(["good".to_owned(), "good too".to_owned()]));
    bad.sort();
    assert_eq!(bad, ["", "", "no kind"]);
}

#[tokio::test]
async fn a_message_beyond_the_limit_ends_the_stream_after_the_answers() {
    let server = start(|config| config.server.max_message_bytes = 1 << 20).await;
    let requests = [streamed(request("a", POISON)), streamed(request("b", vec![b'a'; 2 << 20]))];
    let mut answers = server.client().await.inspect_stream(tokio_stream::iter(requests)).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap().id, "a");
    let end = answers.message().await.unwrap_err();
    assert_eq!(end.code(), Code::ResourceExhausted);
    assert!(end.message().contains("server.max_message_bytes"), "{end:?}");
}

#[tokio::test]
async fn the_deadline_of_a_stream_ends_it_after_the_answers() {
    let server = start(|_| {}).await;
    let (sender, requests) = mpsc::channel(8);
    sender.send(streamed(request("a", POISON))).await.unwrap();
    let mut call = Request::new(ReceiverStream::new(requests));
    call.set_timeout(Duration::from_millis(300));
    let mut answers = server.client().await.inspect_stream(call).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap().id, "a");
    assert_eq!(answers.message().await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn reading_stops_when_too_many_wait() {
    let server = start(|config| {
        config.server.stream_in_flight = 4.try_into().unwrap();
        config.pool.stream_queue = 2.try_into().unwrap();
        config.pool.workers = 1;
    })
    .await;
    let requests = tokio_stream::iter((0..100).map(|number| streamed(request(number.to_string(), WAIT))));
    let answers = server.client().await.inspect_stream(requests).await.unwrap().into_inner();
    server.gate.until_waiting(1).await;
    // A single request is not behind the stream's: its places are its own. It waits for the one worker only.
    let mut client = server.client().await;
    let single = tokio::spawn(async move { client.inspect(request("single", POISON)).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(server.gate.inspected() <= 1, "nothing passes the gate while it is shut");
    server.gate.open();
    single.await.unwrap().unwrap();
    assert_eq!(answers.collect::<Vec<_>>().await.into_iter().filter(Result::is_ok).count(), 100);
}

#[tokio::test]
async fn a_client_that_leaves_cancels_what_waits() {
    let server = start(|config| config.pool.workers = 1).await;
    // hyper's client resets a stream only when both halves are let go, so this one ends its requests.
    let requests = tokio_stream::iter((0..50).map(|number| streamed(request(number.to_string(), WAIT))));
    let answers = server.client().await.inspect_stream(requests).await.unwrap().into_inner();
    server.gate.until_waiting(1).await;
    drop(answers);
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.gate.open();
    let mut client = server.client().await;
    client.inspect(request("next", "fine")).await.unwrap();
    assert!(server.gate.inspected() <= 2, "{} were inspected for nobody", server.gate.inspected());
}
