//! More requests than there is room for.

use std::time::Duration;

use tonic::Code;
use tonic_types::StatusExt as _;

use super::support::{POISON, WAIT, request, start};

#[tokio::test]
async fn a_full_queue_refuses_and_recovers() {
    let server = start(|config| {
        config.pool.workers = 1;
        config.pool.queue = 1.try_into().unwrap();
    })
    .await;
    let mut client = server.client().await;
    let ask = |id: &'static str| {
        let mut client = client.clone();
        tokio::spawn(async move { client.inspect(request(id, WAIT)).await })
    };
    let working = ask("working");
    server.gate.until_waiting(1).await;
    let waiting = ask("waiting");
    // The queue takes one, whichever comes first; of these, all others are refused.
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..3 {
        let refused = client.inspect(request("more", POISON)).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        let details = refused.get_error_details();
        assert!(details.retry_info().unwrap().retry_delay.unwrap() > Duration::ZERO);
        assert_eq!(details.error_info().unwrap().reason, "QUEUE_FULL");
    }
    server.gate.open();
    assert_eq!(working.await.unwrap().unwrap().into_inner().id, "working");
    assert_eq!(waiting.await.unwrap().unwrap().into_inner().id, "waiting");
    client.inspect(request("again", POISON)).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_leaves_is_not_inspected_for() {
    let server = start(|config| config.pool.workers = 1).await;
    let mut client = server.client().await;
    let mut first = client.clone();
    let working = tokio::spawn(async move { first.inspect(request("working", WAIT)).await });
    server.gate.until_waiting(1).await;
    let before = server.gate.inspected();
    for _ in 0..20 {
        let left = tokio::time::timeout(Duration::from_millis(5), client.inspect(request("left", POISON))).await;
        assert!(left.is_err());
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.gate.open();
    working.await.unwrap().unwrap();
    client.inspect(request("next", POISON)).await.unwrap();
    assert!(server.gate.inspected() <= before + 2, "{} were inspected for nobody", server.gate.inspected());
}
