//! The store's reader on damaged files: it says so, and neither panics nor invents what was never approved.

use std::fs;

use serde_json::json;
use tamiz::catalogue::{By, Catalogue, FirstSight, Look};

use crate::support::engine;

/// Rounds; 100 if it is not set.
const ROUNDS: &str = "DAMAGE_TEST_ROUNDS";

#[test]
fn a_damaged_store_is_refused_or_tells_the_truth() {
    let rounds: u64 = std::env::var_os(ROUNDS).map_or(100, |rounds| rounds.into_string().unwrap().parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tools.redb");
    let by = By { who: "test".into(), note: None };
    let names: Vec<String> = (0..20).map(|number| format!("tool_{number}")).collect();
    let list: Vec<_> = names.iter().map(|name| json!({ "name": name, "description": "x".repeat(300) })).collect();
    let catalogue = Catalogue::open(&path, engine().clone()).unwrap();
    catalogue.look("files", json!(list).to_string().as_bytes(), Look::Pin(FirstSight::Pin), &by).unwrap();
    let other = json!(list.iter().map(|tool| json!({ "name": tool["name"], "description": "y" })).collect::<Vec<_>>());
    let other = other.to_string().into_bytes();
    drop(catalogue);
    let whole = fs::read(&path).unwrap();

    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |limit: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % limit
    };
    let (mut refused, mut read) = (0, 0);
    for _ in 0..rounds {
        let mut damaged = whole.clone();
        match next(3) {
            0 => damaged.truncate(next(whole.len())),
            1 => (0..1 + next(8)).for_each(|_| damaged[next(whole.len())] ^= 1 << next(8)),
            _ => {
                let at = next(whole.len());
                let end = (at + next(4_096)).min(whole.len());
                damaged[at..end].fill(0);
            }
        }
        fs::write(&path, &damaged).unwrap();
        let told = Catalogue::open(&path, engine().clone()).and_then(|catalogue| {
            let records = catalogue.store().server("files")?;
            catalogue.store().log(0, 100)?;
            let outcome = catalogue.look("files", &other, Look::Only, &by)?;
            Ok((records, outcome.unchanged))
        });
        match told {
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
            Ok((records, unchanged)) => {
                assert!(unchanged == 0, "what nobody approved is approved");
                assert!(records.keys().all(|name| name.is_empty() || names.contains(name)));
                read += 1;
            }
        }
    }
    assert!(refused + read == rounds && refused > 0, "{refused} refused, {read} read");
}
