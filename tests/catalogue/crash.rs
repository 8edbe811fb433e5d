//! The store under kill -9: nothing that was acknowledged is lost, and what is left can be opened.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tamiz::catalogue::{By, Catalogue, FirstSight, Look, State};

use crate::support::engine;

/// Names the store to the child.
const STORE: &str = "CRASH_TEST_STORE";
/// Rounds; 20 if it is not set.
const ROUNDS: &str = "CRASH_TEST_ROUNDS";

fn variable(name: &str) -> Option<String> {
    Some(std::env::var_os(name)?.into_string().unwrap())
}

/// The child: pins one tool after another and says so, until it is killed. Without its variable it is no test at all.
#[test]
#[ignore = "run by the test below, as a process of its own"]
fn pins_until_it_is_killed() {
    let Some(store) = variable(STORE) else { return };
    let catalogue = Catalogue::open(Path::new(&store), engine().clone()).unwrap();
    let by = By { who: "child".into(), note: None };
    let first = catalogue.store().names().unwrap().len();
    let mut out = std::io::stdout();
    for number in first.. {
        let list = json!([{ "name": format!("tool_{number}"), "description": "x".repeat(number % 4_000) }]).to_string();
        catalogue.look(&format!("server-{}", number % 7), list.as_bytes(), Look::Pin(FirstSight::Pin), &by).unwrap();
        writeln!(out, "\npinned {number}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let rounds: u64 = variable(ROUNDS).map_or(20, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tools.redb");
    let mut acknowledged = 0_usize;
    // Differs from round to round, and is the same in every run.
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "catalogue::crash::pins_until_it_is_killed", "--ignored", "--nocapture"])
            .env(STORE, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (least, pause) = (1 + (seed >> 60) as usize, Duration::from_micros(seed >> 40 & 0x3fff));
        let mut seen = 0;
        for line in lines {
            let line = line.unwrap_or_default();
            let Some(number) = line.strip_prefix("pinned ") else { continue };
            acknowledged = acknowledged.max(number.parse::<usize>().unwrap() + 1);
            seen += 1;
            if seen == least {
                // Somewhere in the next writes.
                let until = Instant::now() + pause;
                while Instant::now() < until {
                    std::hint::spin_loop();
                }
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= least, "round {round}: the child ended by itself");
        let catalogue = Catalogue::open(&path, engine().clone()).unwrap();
        let names = catalogue.store().names().unwrap();
        assert!(names.len() >= acknowledged, "round {round}: {} of {acknowledged} are left", names.len());
        for number in 0..names.len() {
            let server = format!("server-{}", number % 7);
            let record = catalogue.store().record(&server, &format!("tool_{number}")).unwrap();
            assert!(record.is_some_and(|record| record.state == State::Pinned), "round {round}: tool {number}");
        }
        let log = catalogue.store().log(0, usize::MAX).unwrap();
        assert_eq!(log.len(), names.len(), "round {round}: the log tells of what is there");
        assert!(log.iter().zip(1..).all(|(entry, number)| entry.number == number));
    }
    assert!(acknowledged as u64 >= rounds);
}
