//! All twins of each kernel do what ten plain lines say, whatever the bytes and wherever the borders of blocks fall.
//!
//! Every text is in a buffer of its own of just its length, and folding writes into one with just the room it needs, so that
//! a run with an address sanitizer sees any access outside.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tamiz_simd::grams::{FILTER_WORDS, Filter, Filters, Marks, place_of_eight, place_of_four};
use tamiz_simd::{Odd, Range32, Shape, Signs, Survey, TOKEN_LEN, avx2, avx512, scalar};

fn fold_reference(text: &[u8], after_space: bool) -> Vec<u8> {
    let (mut out, mut before_space) = (Vec::new(), after_space);
    for &byte in text {
        let folded = if matches!(byte, 0x09..=0x0d | 0x20) { b' ' } else { byte.to_ascii_lowercase() };
        if !(0x20..=0x7e).contains(&folded) || (folded == b' ' && before_space) {
            break;
        }
        before_space = folded == b' ';
        out.push(folded);
    }
    out
}

fn survey_reference(text: &[u8]) -> Survey {
    let mut signs = Signs::NONE;
    for &byte in text {
        signs |= match byte {
            b'%' => Signs::PERCENT,
            b'&' => Signs::AMPERSAND,
            b'\\' => Signs::BACKSLASH,
            0x1b => Signs::ESCAPE,
            b'@' => Signs::AT,
            b'=' => Signs::EQUALS,
            b'{' => Signs::OPEN_BRACE,
            0x80..=0xfe => Signs::NON_ASCII,
            0x00..=0x08 | 0x0e..=0x1f | 0x7f => Signs::CONTROL,
            _ => Signs::NONE,
        };
    }
    let tokens = runs(text, |byte| byte.is_ascii_alphanumeric() || b"+/_-".contains(&byte));
    let tokens = tokens.into_iter().filter(|&(start, end)| end - start >= TOKEN_LEN);
    let masks = |member: &dyn Fn(u8) -> bool| -> Vec<u64> {
        let mask = |block: &[u8]| (0..block.len()).filter(|at| member(block[*at])).map(|at| 1_u64 << at).sum();
        text.chunks(64).map(mask).collect()
    };
    let (digits, emphasis) = (masks(&|byte| byte.is_ascii_digit()), masks(&|byte| b"*_~`".contains(&byte)));
    let white = masks(&|byte| matches!(byte, b' ' | b'\t'..=b'\r'));
    let blocks = || text.chunks(64).enumerate();
    let the = blocks().flat_map(|(index, block)| the_reference(block).map(move |at| (index * 64 + at) as u32));
    let range = |(start, end)| Range32 { start: start as u32, end: end as u32 };
    let odd = blocks().map(|(index, block)| Odd {
        block: range((index * 64, index * 64 + block.len())),
        shape: shape_reference(block),
    });
    let odd = odd.filter(|odd| odd.shape != Shape::NONE).collect();
    Survey { signs, tokens: tokens.map(range).collect(), digits, emphasis, white, the: the.collect(), odd }
}

/// Where `the` begins with white space around it and, in the same block, a word of two to four bytes behind it.
fn the_reference(block: &[u8]) -> impl Iterator<Item = usize> {
    let white = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    (1..block.len()).filter(move |at| {
        let words: Vec<&[u8]> = block[*at..].splitn(3, white).collect();
        let [the, next, _] = words.as_slice() else { return false };
        white(&block[at - 1]) && the.eq_ignore_ascii_case(b"the") && (2..=4).contains(&next.len())
    })
}

fn shape_reference(block: &[u8]) -> Shape {
    let at = |index: usize| block.get(index).copied().unwrap_or(0);
    let before = |index: usize| index.checked_sub(1).map_or(0, at);
    let count = |test: &dyn Fn(usize) -> bool| (0..block.len()).filter(|&index| test(index)).count();
    let letter = |byte: u8| byte.is_ascii_alphabetic();
    let letters = count(&|index| letter(at(index)));
    let marks = count(&|index| at(index).is_ascii_graphic() && !letter(at(index)));
    let rare = count(&|index| letter(at(index)) && b"bgjkpqvwxyz".contains(&at(index).to_ascii_lowercase()));
    let rare_half = |half: std::ops::Range<usize>| {
        let letters = half.clone().filter(|&index| letter(at(index))).count();
        let rare = half.filter(|&index| letter(at(index)) && b"bgjkpqvwxyz".contains(&(at(index) | 0x20))).count();
        letters >= 16 && rare * 25 >= letters * 9
    };
    let turned = count(&|index| {
        let pair = [at(index), at(index + 1)].map(|byte| byte | 0x20);
        [*b"ht", *b"eh", *b"dn"].contains(&pair) && letter(at(index)) && letter(at(index + 1))
    });
    let late =
        count(&|index| at(index).is_ascii_uppercase() && before(index).is_ascii_lowercase() && !letter(at(index + 1)));
    let single = count(&|index| letter(at(index)) && !letter(before(index)) && !letter(at(index + 1)));
    let inside = count(&|index| at(index).is_ascii_digit() && letter(before(index)) && letter(at(index + 1)));
    let digits = count(&|index| at(index).is_ascii_digit());
    let white = count(&|index| matches!(at(index), 0x09..=0x0d | 0x20));
    let shapes = [
        (Shape::RARE_LETTERS, letters >= 16 && rare * 25 >= letters * 7 || rare_half(0..32) || rare_half(32..64)),
        (Shape::BACKWARD, turned >= 2 || late >= 1),
        (Shape::SINGLE_LETTERS, single >= 8),
        (Shape::DIGITS_IN_WORDS, inside >= 1),
        (Shape::FEW_LETTERS, marks >= 24 && letters * 2 <= marks || digits >= 16 && letters <= digits + 8),
        (Shape::SOLID, marks >= 14 && letters + marks >= 32 && white <= 2),
    ];
    shapes.iter().filter(|(_, holds)| *holds).fold(Shape::NONE, |all, (shape, _)| all.union(*shape))
}

fn runs(text: &[u8], member: impl Fn(u8) -> bool) -> Vec<(usize, usize)> {
    let starts = (0..text.len()).filter(|&at| member(text[at]) && (at == 0 || !member(text[at - 1])));
    starts.map(|at| (at, at + text[at..].iter().take_while(|&&byte| member(byte)).count())).collect()
}

/// A filter with a quarter of its bits set, as chance has it.
fn filter(seed: u32) -> Box<Filter> {
    let mut state = seed;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let mut filter = Box::new([0; FILTER_WORDS]);
    filter.fill_with(|| next() & next());
    filter
}

/// Each position by itself: the bytes there, zeros after the end.
fn marks_reference(text: &[u8], at: usize, blocks: usize, filters: Filters<'_>) -> Vec<Marks> {
    let has = |filter: &Filter, (word, bits): (usize, u32)| filter[word] & bits == bits;
    let mut all = vec![Marks::default(); blocks];
    for position in at..text.len().min(at + 64 * blocks) {
        let mut gram = [0; 8];
        let rest = &text[position..];
        let len = rest.len().min(8);
        gram[..len].copy_from_slice(&rest[..len]);
        let gram = u64::from_le_bytes(gram);
        let (marks, bit) = (&mut all[(position - at) / 64], 1 << ((position - at) % 64));
        if (position - at).is_multiple_of(4) && has(filters.eight, place_of_eight(gram)) {
            marks.eight |= bit;
        }
        if has(filters.four, place_of_four(gram as u32)) {
            marks.four |= bit;
        }
    }
    all
}

/// All twins and the dispatch, from several blocks on, with blocks that begin after the end.
fn check_grams(text: &[u8], filters: Filters<'_>) {
    let text: Box<[u8]> = text.into();
    for at in (0..=text.len()).step_by(64).take(3) {
        let blocks = (text.len() - at) / 64 + 2;
        let expected = marks_reference(&text, at, blocks, filters);
        let stale = || vec![Marks { eight: 7, four: !0 }; blocks];
        let mut found = stale();
        scalar::grams(&text, at, filters, &mut found);
        assert_eq!(found, expected, "scalar: {}", text.escape_ascii());
        let mut found = stale();
        if avx512::grams(&text, at, filters, &mut found).is_some() {
            assert_eq!(found, expected, "avx512: {}", text.escape_ascii());
        }
        let mut found = stale();
        tamiz_simd::grams(&text, at, filters, &mut found);
        assert_eq!(found, expected);
    }
}

#[test]
fn grams_of_every_length() {
    let (eight, four) = (filter(7), filter(8));
    let filters = Filters { eight: &eight, four: &four };
    for len in 0..300 {
        check_grams(&plain(len), filters);
        check_grams(&vec![0; len], filters);
    }
    // Chance has marked some and not others, or nothing was compared.
    let marks = marks_reference(&plain(4096), 0, 64, filters);
    let marked: u32 = marks.iter().map(|marks| marks.four.count_ones()).sum();
    assert!((512..2048).contains(&marked), "{marked}");
    let marked: u32 = marks.iter().map(|marks| marks.eight.count_ones()).sum();
    assert!((16..256).contains(&marked), "{marked}");
}

type Look = fn(&[u8], &mut Survey) -> Option<()>;
type Fold = fn(&[u8], bool, &mut Vec<u8>) -> Option<usize>;

/// All twins and the dispatch against the references.
fn check(text: &[u8]) {
    check_fold(text);
    let expected = survey_reference(text);
    let text: Box<[u8]> = text.into();
    // What is there from before must go.
    let stale = Range32 { start: 7, end: 9 };
    let odd = vec![Odd { block: stale, shape: Shape::SOLID }];
    let masks = || vec![7];
    let mut found = Survey {
        signs: Signs::AT,
        tokens: vec![stale],
        digits: masks(),
        emphasis: masks(),
        white: masks(),
        the: vec![7],
        odd,
    };
    scalar::survey(&text, &mut found);
    assert_eq!(found, expected, "scalar: {}", text.escape_ascii());
    for (name, twin) in [("avx2", avx2::survey as Look), ("avx512", avx512::survey)] {
        if twin(&text, &mut found).is_some() {
            assert_eq!(found, expected, "{name}: {}", text.escape_ascii());
        }
    }
    tamiz_simd::survey(&text, &mut found);
    assert_eq!(found, expected);
}

fn check_fold(text: &[u8]) {
    let text: Box<[u8]> = text.into();
    for after_space in [false, true] {
        let mut expected = b"There ".to_vec();
        expected.extend(fold_reference(&text, after_space));
        let len = expected.len() - 6;
        let out = || {
            let mut out = Vec::with_capacity(6 + text.len());
            out.extend_from_slice(b"There ");
            out
        };
        let mut folded = out();
        assert_eq!(scalar::fold_plain(&text, after_space, &mut folded), len, "scalar: {}", text.escape_ascii());
        assert_eq!(folded, expected, "scalar: {}", text.escape_ascii());
        for (name, twin) in [("avx2", avx2::fold_plain as Fold), ("avx512", avx512::fold_plain)] {
            let mut folded = out();
            if let Some(found) = twin(&text, after_space, &mut folded) {
                assert_eq!(found, len, "{name}: {}", text.escape_ascii());
                assert_eq!(folded, expected, "{name}: {}", text.escape_ascii());
            }
        }
        // And with no room at all to begin with.
        let mut folded = Vec::new();
        assert_eq!(tamiz_simd::fold_plain(&text, after_space, &mut folded), len);
        assert_eq!(folded, expected[6..]);
    }
}

/// Lengths around the borders of words, vectors and blocks.
const LENGTHS: [usize; 25] =
    [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 71, 95, 96, 97, 127, 128, 129, 191, 193];

/// Plain text without anything that a survey lists.
fn plain(len: usize) -> Vec<u8> {
    b"The Nice old Fox, resting: over two mild Hills!\tAnd (then) Some\n".iter().copied().cycle().take(len).collect()
}

#[test]
fn plain_text_is_folded_whole_and_has_no_signs() {
    for len in LENGTHS {
        let text = plain(len);
        assert_eq!(fold_reference(&text, false).len(), len);
        let masks = vec![0; len.div_ceil(64)];
        let found = survey_reference(&text);
        let (white, the) = (found.white.clone(), found.the.clone());
        let none = Survey { digits: masks.clone(), emphasis: masks, white, the, ..Survey::default() };
        assert_eq!(found, none);
        check(&text);
    }
}

#[test]
fn every_byte_at_every_place() {
    for len in [1, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 71, 128, 135] {
        for at in 0..len.min(71) {
            for byte in 0..=0xff {
                let mut text = plain(len);
                text[at] = byte;
                check(&text);
            }
        }
    }
}

#[test]
fn two_white_bytes_at_every_place() {
    for len in LENGTHS {
        for at in 1..len {
            let mut text = vec![b'X'; len];
            text[at - 1] = b'\n';
            text[at] = b'\x0b';
            check_fold(&text);
            assert_eq!(fold_reference(&text, false).len(), at);
        }
    }
}

#[test]
fn runs_over_every_border() {
    let lengths = (12..=18).chain(62..=66).chain(78..=82).chain(126..=130).chain([192, 200]);
    for len in lengths {
        for offset in 0..=66 {
            for rest in [0, 1, 40, 64] {
                for (member, other) in [(b'a', b'.'), (b'7', b'\xff'), (b' ', b'x'), (b'-', b'\x80'), (b'0', b'z')] {
                    let mut text = vec![other; offset + len + rest];
                    text[offset..offset + len].fill(member);
                    check(&text);
                }
            }
        }
    }
}

#[test]
fn runs_of_many_blocks() {
    for len in [255, 256, 257, 300, 511, 512, 513, 4095, 4096, 5000] {
        for member in [b'a', b'7', b' ', b'-'] {
            let mut text = b"before: ".to_vec();
            text.resize(8 + len, member);
            check(&text);
            text.extend_from_slice(b"8. after");
            check(&text);
        }
    }
}

#[test]
fn numbers_in_groups_over_every_border() {
    for number in [
        "4111 1111 1111 1111",
        "4111-1111-1111-1",
        "  -411 1 1 1 1 1 1 1 1 1 1 - ",
        "2026-11-22 1011 12",
        "--1234567890123--",
        "411111111111                                                                      1",
        "- 1                                                                   234567890123 ",
    ] {
        for offset in 0..=66 {
            for rest in ["", ".", "x 12345678901234 5", "                    ", "0123456789.0123456789 0123456789 "] {
                for before in [b'.', b' ', b'3'] {
                    let mut text = vec![before; offset];
                    text.extend_from_slice(number.as_bytes());
                    text.extend_from_slice(rest.as_bytes());
                    check(&text);
                }
            }
        }
    }
}

#[test]
fn signs_are_held_apart() {
    let mut found = Survey::default();
    for byte in 0..=0xff {
        let text = [byte];
        tamiz_simd::survey(&text, &mut found);
        assert_eq!(found, survey_reference(&text), "{byte:#x}");
    }
    let both = Signs::PERCENT | Signs::AT;
    assert!(both.has(Signs::AT) && both.has(Signs::AT | Signs::ESCAPE) && !both.has(Signs::ESCAPE));
    assert!(Signs::NONE.is_empty() && !both.is_empty());
    assert!(matches!(tamiz_simd::level(), "avx512" | "avx2" | "scalar"));
}

fn drawn_from(alphabet: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    vec(select(alphabet), 0..300)
}

/// Stretches of one byte or another, so that long runs and their ends are common.
fn stretches() -> impl Strategy<Value = Vec<u8>> {
    let stretch = (select(&b"aZ9+/_- \t\n\xff\x80.{\x7f"[..]), prop_oneof![9 => 0..40_usize, 1 => 200..700_usize]);
    vec(stretch, 0..24).prop_map(|list| list.into_iter().flat_map(|(byte, len)| vec![byte; len]).collect())
}

fn near_borders() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![31..=33_usize, 63..=65_usize, 127..=129_usize];
    let byte = prop_oneof![20 => 0x21..=0x7e_u8, 3 => Just(b' '), 1 => any::<u8>()];
    len.prop_flat_map(move |len| vec(byte.clone(), len))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(text in vec(any::<u8>(), 0..300)) {
        check(&text);
    }

    #[test]
    fn white_space_and_controls(text in drawn_from(b"aB \t\n\x0b\x0c\rcdEFghIJ")) {
        check(&text);
    }

    #[test]
    fn what_stops(text in drawn_from(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ  \n\x00\x08\x0e\x1f\x1b\x7f\x80\xff~!")) {
        check(&text);
    }

    #[test]
    fn digits_in_groups(text in drawn_from(b"0123456789012345678901234567890123456789  --.\xff\x80")) {
        check(&text);
    }

    #[test]
    fn tokens(text in drawn_from(b"abcdefghijkLMNOPQRSTUVWXYZ0123456789+/_-ABCDEFGHIJKLMNOPQRST.\xff%&\\@={")) {
        check(&text);
    }

    #[test]
    fn long_stretches(text in stretches()) {
        check(&text);
    }

    #[test]
    fn lengths_near_borders(text in near_borders()) {
        check(&text);
    }
}
