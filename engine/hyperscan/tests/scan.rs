//! What is found, by whom, and how a scan ends.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::thread;

use tamiz_hyperscan::{Bounds, Database, Flags, Outcome, Pattern, Scratch};

use super::{Tested, all};

#[test]
fn every_occurrence_of_every_literal() -> Tested {
    let database = Database::literals(["abab", "bab", "key", "bab"], true)?;
    let found = all(&database, &mut Scratch::new(), b"xABABab KEY")?;
    assert_eq!(found, [(0, 5), (0, 7), (1, 5), (1, 7), (2, 11), (3, 5), (3, 7)]);
    let cased = Database::literals(["abab", "KEY"], false)?;
    assert_eq!(all(&cased, &mut Scratch::new(), b"ABABabab key KEY")?, [(0, 8), (1, 16)]);
    Ok(())
}

#[test]
fn bytes_that_are_special_elsewhere() -> Tested {
    let literals: [&[u8]; 6] = [b"\0", b"a\0b", b".*", b"\\x41", b"\xff\xfe", "É".as_bytes()];
    let database = Database::literals(literals, true)?;
    let mut scratch = Scratch::new();
    assert_eq!(all(&database, &mut scratch, b"A\0B")?, [(0, 2), (1, 3)]);
    assert_eq!(all(&database, &mut scratch, b"xx .* \\X41 \xff\xfe A")?, [(2, 5), (3, 10), (4, 13)]);
    // Only ASCII letters have a case.
    assert_eq!(all(&database, &mut scratch, "É é".as_bytes())?, [(5, 2)]);
    Ok(())
}

#[test]
fn nothing_in_nothing() -> Tested {
    let mut scratch = Scratch::new();
    let empty = Database::literals(Vec::<&[u8]>::new(), true)?;
    assert!(empty.is_empty() && empty.size_bytes() == 0);
    assert_eq!(all(&empty, &mut scratch, b"some text")?, []);
    assert!(Database::patterns(&[])?.is_empty());
    let database = Database::literals(["needle"], true)?;
    scratch.prepare(&empty)?;
    assert_eq!(scratch.size_bytes(), 0);
    scratch.prepare(&database)?;
    assert!(scratch.size_bytes() > 0);
    assert_eq!(all(&database, &mut scratch, b"")?, []);
    let anything = Database::patterns(&[Pattern::new("a*").with_flags(Flags::ALLOW_EMPTY)])?;
    assert_eq!(all(&anything, &mut scratch, b"")?, [(0, 0)]);
    Ok(())
}

#[test]
fn flags_and_bounds_count() -> Tested {
    let mut scratch = Scratch::new();
    let once = Flags::SINGLE_MATCH | Flags::CASELESS;
    let patterns = [
        Pattern::new("ab+").with_flags(once),
        Pattern::new("ab+").with_bounds(Bounds { min_length: Some(3), ..Bounds::default() }),
        Pattern::new("ab+").with_bounds(Bounds { min_offset: Some(4), ..Bounds::default() }),
        Pattern::new("ab+").with_bounds(Bounds { max_offset: Some(2), ..Bounds::default() }),
        Pattern::new("x.b").with_flags(Flags::DOT_ALL),
        Pattern::new("^c").with_flags(Flags::MULTI_LINE),
    ];
    let database = Database::patterns(&patterns)?;
    assert_eq!(all(&database, &mut scratch, b"abbb")?, [(0, 2), (1, 3), (1, 4), (2, 4), (3, 2)]);
    assert_eq!(all(&database, &mut scratch, b"ABab")?, [(0, 2), (2, 4)]);
    assert_eq!(all(&database, &mut scratch, b"x\nb\nc")?, [(4, 3), (5, 5)]);
    let near = Bounds { edit_distance: Some(1), ..Bounds::default() };
    let close = Bounds { hamming_distance: Some(1), ..Bounds::default() };
    let fuzzy =
        Database::patterns(&[Pattern::new("needle").with_bounds(near), Pattern::new("needle").with_bounds(close)])?;
    let ids = |text: &[u8], scratch: &mut Scratch| -> Result<Vec<u32>, Box<dyn std::error::Error>> {
        let mut ids: Vec<u32> = all(&fuzzy, scratch, text)?.into_iter().map(|(id, _)| id).collect();
        ids.dedup();
        Ok(ids)
    };
    assert_eq!(ids(b"a needl", &mut scratch)?, [0]);
    assert_eq!(ids(b"a nexdle", &mut scratch)?, [0, 1]);
    assert_eq!(ids(b"a nexxle", &mut scratch)?, [0_u32; 0]);
    Ok(())
}

#[test]
fn a_break_stops_at_once() -> Tested {
    let database = Database::literals(["a", "b"], true)?;
    let (mut scratch, mut calls) = (Scratch::new(), 0);
    let outcome = database.scan(&mut scratch, &b"ab".repeat(1_000), |_| {
        calls += 1;
        if calls == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    assert_eq!((outcome, calls), (Outcome::Stopped, 3));
    // The last match of all is stopped as well.
    assert_eq!(database.scan(&mut scratch, b"xxb", |_| ControlFlow::Break(()))?, Outcome::Stopped);
    assert_eq!(all(&database, &mut scratch, b"ab")?, [(0, 1), (1, 2)]);
    Ok(())
}

#[test]
#[allow(clippy::panic, reason = "that is what is tested")]
fn a_panic_goes_through_and_the_scratch_stays_good() -> Tested {
    let database = Database::literals(["a"], true)?;
    let (mut scratch, mut calls) = (Scratch::new(), 0);
    for _ in 0..3 {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            database.scan(&mut scratch, b"a a a", |_| {
                calls += 1;
                panic_any("the callback failed")
            })
        }));
        let payload = caught.err().and_then(|payload| payload.downcast_ref::<&str>().copied());
        assert_eq!(payload, Some("the callback failed"));
        assert_eq!(all(&database, &mut scratch, b"a a")?, [(0, 1), (0, 3)]);
    }
    assert_eq!(calls, 3, "one call for each scan");
    Ok(())
}

#[test]
fn one_scratch_with_many_databases_in_turn() -> Tested {
    let mut scratch = Scratch::new();
    let words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"];
    // Sets of very different sizes, and expressions among them, so that each needs other memory.
    let mut databases = Vec::new();
    for (number, word) in words.iter().enumerate() {
        let many = (0..number * 60).map(|index| format!("{word}{index:05}"));
        databases.push((Database::literals(many.chain([(*word).to_owned()]), true)?, (number * 60) as u32));
        let pattern = format!(r"{word}[a-f]{{1,{}}}-.*q", 10 + number * 10);
        databases.push((Database::patterns(&[Pattern::new(&pattern)])?, u32::MAX));
    }
    for round in 0..20 {
        for step in 0..databases.len() {
            let place = (step * (round % 3 + 1) + round) % databases.len();
            let (database, last) = &databases[place];
            let word = words[place / 2];
            let found = all(database, &mut scratch, format!("{word} {word}abc-{word}q").as_bytes())?;
            let length = word.len();
            if *last == u32::MAX {
                assert_eq!(found, [(0, 3 * length + 6)]);
            } else {
                assert_eq!(found, [(*last, length), (*last, 2 * length + 1), (*last, 3 * length + 5)]);
            }
        }
    }
    assert!(scratch.size_bytes() > 0);
    Ok(())
}

#[test]
fn a_scratch_does_not_take_a_new_database_for_an_old_one() -> Tested {
    let mut scratch = Scratch::new();
    for round in 0..200_usize {
        // Made and dropped in turn, so the memory of one is used again for the next.
        let expression = format!("x{round}[a-z]{{{}}}y.{{1,{}}}z", round % 7 + 1, round % 50 + 1);
        let database = Database::patterns(&[Pattern::new(&expression)])?;
        let text = format!("x{round}{}y-z", "q".repeat(round % 7 + 1));
        assert_eq!(all(&database, &mut scratch, text.as_bytes())?, [(0, text.len())]);
    }
    Ok(())
}

#[test]
fn threads_share_a_database() -> Tested {
    let words: Vec<String> = (0..500).map(|index| format!("word{index:03}")).collect();
    let database = Database::literals(&words, true)?;
    let results: Vec<_> = thread::scope(|scope| {
        let work = |first: usize| {
            let (database, words) = (database.clone(), &words);
            move || -> Result<usize, String> {
                let mut scratch = Scratch::new();
                for round in 0..300 {
                    let index = (first * 37 + round) % 500;
                    let text = format!("{}{} {}", "-".repeat(round), words[index], words[(index + 1) % 500]);
                    let mut expected = [(index as u32, round + 7), (((index + 1) % 500) as u32, round + 15)];
                    expected.sort_unstable();
                    let found = all(&database, &mut scratch, text.as_bytes()).map_err(|error| error.to_string())?;
                    if found != expected {
                        return Err(format!("{found:?} instead of {expected:?}"));
                    }
                }
                Ok(first)
            }
        };
        let threads: Vec<_> = (0..8).map(|first| scope.spawn(work(first))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(Err("a thread panicked".to_owned()))).collect()
    });
    assert_eq!(results, (0..8).map(Ok).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_scratch_moves_between_threads_and_scans_nest() -> Tested {
    let database = Database::literals(["outer", "inner"], true)?;
    let mut scratch = Scratch::new();
    all(&database, &mut scratch, b"warm")?;
    let mut scratch = thread::spawn(move || scratch).join().map_err(|_| "the thread panicked")?;
    let mut other = Scratch::new();
    let mut nested = Vec::new();
    database.scan(&mut scratch, b"outer outer", |hit| {
        nested.push((hit.id, all(&database, &mut other, b"an inner text")));
        ControlFlow::Continue(())
    })?;
    assert_eq!(nested, [(0, Ok(vec![(1, 8)])), (0, Ok(vec![(1, 8)]))]);
    Ok(())
}
