//! Stopping: nothing that was accepted is lost.

use std::collections::HashSet;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tamiz::config::Config;
use tamiz::grpc::v1::inspect_stream_response::Result as Outcome;
use tamiz::grpc::v1::inspection_service_client::InspectionServiceClient;
use tamiz::inspect::Pool;
use tamiz::serve::Server;
use tamiz_core::{Engine, RuleSet};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::support::{Client, POISON, WAIT, request, start, streamed};

/// Asks until the server goes away. Returns how often it answered.
async fn ask_until_refused(mut client: Client, begun: Arc<AtomicBool>) -> usize {
    for number in 0.. {
        match client.inspect(request(number.to_string(), POISON)).await {
            Ok(answer) => assert_eq!(answer.into_inner().id, number.to_string()),
            Err(status) => {
                assert!(begun.load(Ordering::SeqCst), "refused before the shutdown: {status:?}");
                return number;
            }
        }
    }
    unreachable!()
}

/// Sends without waiting until the server ends the stream. Returns how many answers came.
async fn stream_until_ended(mut client: Client) -> usize {
    let (sender, requests) = mpsc::channel(16);
    tokio::spawn(async move {
        for number in 0.. {
            if sender.send(streamed(request(number.to_string(), POISON))).await.is_err() {
                return;
            }
        }
    });
    let mut answers = client.inspect_stream(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let mut ids = HashSet::new();
    loop {
        match answers.message().await {
            Ok(Some(answer)) => {
                assert!(matches!(answer.result, Some(Outcome::Report(_))));
                assert!(ids.insert(answer.id));
            }
            Ok(None) => panic!("a stream that was cut short must not look complete"),
            Err(end) => {
                assert_eq!(end.code(), Code::Unavailable, "{end:?}");
                assert!(end.message().contains("shutting down"), "{end:?}");
                // They may come in any order, but none is missing that is before the last ones read.
                return ids.len();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_under_load_loses_nothing() {
    let server = start(|_| {}).await;
    let gate = Arc::clone(&server.gate);
    let begun = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for _ in 0..4 {
        callers.push(tokio::spawn(ask_until_refused(server.client().await, Arc::clone(&begun))));
    }
    for _ in 0..3 {
        callers.push(tokio::spawn(stream_until_ended(server.client().await)));
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    begun.store(true, Ordering::SeqCst);
    let started = Instant::now();
    server.stop().await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    let mut answered = 0;
    for caller in callers {
        answered += caller.await.unwrap();
    }
    assert!(answered > 50, "only {answered} in all");
    assert_eq!(answered, gate.inspected(), "every inspection has its answer");
}

#[tokio::test]
async fn what_was_read_is_answered_before_the_end() {
    let server = start(|config| config.pool.workers = 1).await;
    let gate = Arc::clone(&server.gate);
    let (sender, requests) = mpsc::channel(8);
    for id in ["a", "b", "c"] {
        sender.send(streamed(request(id, WAIT))).await.unwrap();
    }
    let mut answers = server.client().await.inspect_stream(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let mut health = HealthClient::new(server.channel().await);
    let asked = HealthCheckRequest { service: "tamiz.v1.InspectionService".into() };
    let mut watch = health.watch(asked).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let mut single = server.client().await;
    let single = tokio::spawn(async move { single.inspect(request("single", POISON)).await });
    gate.until_waiting(1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;

    let stopped = server.stop();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert!(watch.message().await.unwrap().is_none(), "the watch ends");
    assert!(!stopped.is_finished());
    gate.open();
    let mut ids = Vec::new();
    let end = loop {
        match answers.message().await {
            Ok(answer) => ids.push(answer.unwrap().id),
            Err(end) => break end,
        }
    };
    assert_eq!((ids, end.code()), (vec!["a".into(), "b".into(), "c".into()], Code::Unavailable));
    assert_eq!(single.await.unwrap().unwrap().into_inner().id, "single");
    stopped.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_grace_has_an_end() {
    let server = start(|config| config.server.shutdown_grace_ms = 200).await;
    let gate = Arc::clone(&server.gate);
    let mut client = server.client().await;
    let stuck = tokio::spawn(async move { client.inspect(request("stuck", WAIT)).await });
    gate.until_waiting(1).await;
    let started = Instant::now();
    server.stop().await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(3));
    gate.open();
    drop(stuck);
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let server = start(|_| {}).await;
    let mut config = Config::default();
    config.server.listen = server.url.strip_prefix("http://").unwrap().parse().unwrap();
    let engine = Engine::builder().rules(RuleSet::default()).build().unwrap();
    let pool = Pool::start(&engine, &config.pool).unwrap();
    let error = Server::bind(config.server.clone(), pool, engine).await.unwrap_err().to_string();
    assert!(error.contains(&config.server.listen.to_string()) && error.contains("--listen"), "{error}");
}

/// The program itself; killed if the test ends early.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_answers_what_it_accepted_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let port_file = folder.path().join("port");
    let mut program = Program(
        Command::new(env!("CARGO_BIN_EXE_tamiz"))
            .arg("serve")
            .env("TAMIZ_SERVER_LISTEN", "127.0.0.1:0")
            .env("TAMIZ_SERVER_PORT_FILE", &port_file)
            .env("XDG_CONFIG_HOME", folder.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let started = Instant::now();
    let port = loop {
        if let Ok(port) = fs::read_to_string(&port_file) {
            break port.trim().to_owned();
        }
        assert!(started.elapsed() < Duration::from_secs(60) && program.0.try_wait().unwrap().is_none(), "no port");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let url = format!("http://127.0.0.1:{port}");
    let begun = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for _ in 0..2 {
        let client = InspectionServiceClient::connect(url.clone()).await.unwrap();
        callers.push(tokio::spawn(ask_until_refused(client, Arc::clone(&begun))));
        let client = InspectionServiceClient::connect(url.clone()).await.unwrap();
        callers.push(tokio::spawn(stream_until_ended(client)));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    begun.store(true, Ordering::SeqCst);
    let killed = Command::new("kill").args(["-TERM", &program.0.id().to_string()]).status().unwrap();
    assert!(killed.success());
    for caller in callers {
        assert!(caller.await.unwrap() > 0);
    }
    let ended = tokio::task::spawn_blocking(move || {
        let mut log = String::new();
        std::io::Read::read_to_string(program.0.stderr.as_mut().unwrap(), &mut log).unwrap();
        (program.0.wait().unwrap(), log)
    });
    let (status, log) = ended.await.unwrap();
    assert!(status.success(), "{status}: {log}");
    assert!(log.contains("listening on http://127.0.0.1:") && log.contains("all requests were answered"), "{log}");
    assert!(!log.contains(POISON), "{log}");
    assert!(!port_file.exists());
}
