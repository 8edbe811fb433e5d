//! Input that cannot be served is refused in words; nothing panics or aborts.

use tamiz_hyperscan::{Bounds, CompileError, Database, Flags, Pattern, ScanError, Scratch, check, platform, version};

use super::{Tested, all};

fn refusal(result: Result<Database, CompileError>) -> (Option<usize>, String) {
    match result {
        Ok(_) => (None, "it was compiled".to_owned()),
        Err(error) => match &error {
            CompileError::Pattern { index, message } => (Some(*index), message.clone()),
            _ => (None, error.to_string()),
        },
    }
}

fn pattern(expression: &str) -> (Option<usize>, String) {
    refusal(Database::patterns(&[Pattern::new("fine"), Pattern::new("also fine"), Pattern::new(expression)]))
}

#[test]
fn literals_that_cannot_be() {
    let (index, message) = refusal(Database::literals(["fine", "", "fine too"], true));
    assert!(index == Some(1) && message.contains("empty"), "{message}");
    let long = "-".repeat(20_000);
    let (index, message) = refusal(Database::literals(["fine", "fine too", &long], true));
    assert!(index == Some(2) && message.contains("limit"), "{message}");
    assert!(Database::literals(["-".repeat(3_999), "a".repeat(15_999)], true).is_ok());
}

#[test]
fn expressions_that_cannot_be() {
    for (expression, words) in [
        ("a(b", "parenthes"),
        ("(?<=a)b", "not supported"),
        (r"(a)\1", "unsupported"),
        ("a*", "empty buffer"),
        ("a\0b", "zero byte"),
        ("(*UTF8)é", "not allowed"),
        ("a{40000}", "large"),
        ("", "empty"),
    ] {
        let (index, message) = pattern(expression);
        assert!(index == Some(2), "{expression:?}: {index:?} {message}");
        assert!(message.to_lowercase().contains(words), "{expression:?}: {message}");
    }
    let deep = format!("{}a{}", "(".repeat(7_000), ")".repeat(7_000));
    assert_eq!(pattern(&deep), (Some(2), "more than 1,000 groups".to_owned()));
    let (index, _) = pattern(&"a".repeat(20_000));
    assert_eq!(index, Some(2));
}

#[test]
fn flags_and_bounds_that_do_not_go_together() {
    let both = Bounds { edit_distance: Some(1), hamming_distance: Some(1), ..Bounds::default() };
    let upside_down = Bounds { min_offset: Some(10), max_offset: Some(5), ..Bounds::default() };
    let huge = Bounds { edit_distance: Some(u32::MAX), ..Bounds::default() };
    for bounds in [both, upside_down, huge] {
        let (index, message) = refusal(Database::patterns(&[Pattern::new("needle").with_bounds(bounds)]));
        assert!(index == Some(0) && !message.is_empty(), "{bounds:?}: {message}");
    }
    let utf8 = Pattern::new(r"\x{1F600}");
    assert_eq!(refusal(Database::patterns(&[utf8])).0, Some(0));
    assert!(Database::patterns(&[Pattern::new("(?<=a)b").with_flags(Flags::PREFILTER)]).is_ok());
}

#[test]
fn errors_read_well() {
    let (_, message) = refusal(Database::literals([""], true));
    let error = CompileError::Pattern { index: 3, message };
    assert_eq!(error.to_string(), "pattern 3: an empty literal would match everywhere");
    let long = ScanError::TooLong { length: 5_000_000_000 };
    assert_eq!(long.to_string(), "the text has 5000000000 bytes, and one scan takes at most 4294967295");
}

#[test]
fn the_library_tells_what_it_is() -> Tested {
    check()?;
    let database = Database::literals(["needle"], true)?;
    let number = version().split_whitespace().next().map(str::to_owned).unwrap_or_default();
    assert!(database.info().contains(&number) && database.info().contains("Mode: BLOCK"), "{}", database.info());
    assert!(database.size_bytes() > 0);
    assert_eq!(platform()?, platform()?);
    assert!(format!("{database:?} {:?}", Scratch::new()).contains("BLOCK"));
    Ok(())
}

#[test]
#[ignore = "needs 4 GiB of address space"]
fn a_text_of_4_gib_is_refused() -> Tested {
    let database = Database::literals(["needle"], true)?;
    let text = vec![0_u8; u32::MAX as usize + 1];
    assert_eq!(all(&database, &mut Scratch::new(), &text), Err(ScanError::TooLong { length: text.len() }));
    Ok(())
}

#[test]
#[ignore = "needs 4 GiB of memory"]
fn ends_are_right_up_to_4_gib() -> Tested {
    // One literal, a few and many: three engines.
    for count in [1, 20, 500] {
        let literals: Vec<String> = (0..count).map(|index| format!("needle{index:03}")).collect();
        let database = Database::literals(&literals, true)?;
        let mut text = vec![0_u8; u32::MAX as usize];
        let ends = [9, (1 << 31) - 20, (1 << 31) + 3, (1 << 32) - 100, text.len()];
        for end in ends {
            text[end - 9..end].copy_from_slice(b"NEEDLE000");
        }
        assert_eq!(all(&database, &mut Scratch::new(), &text)?, ends.map(|end| (0, end)));
    }
    Ok(())
}
