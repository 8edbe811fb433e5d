//! The forms of all rules as one automaton: a walk over a text tells which of them it has, whatever their number.
//!
//! Three symbols: a digit, a letter, a separator. A state is the set of forms that the text so far fits, so a walk ends as soon
//! as no rule has anything to gain, and what it costs does not depend on the number of rules.

use std::collections::HashMap;

/// Longest form, in letters and digits.
pub(crate) const LONGEST: usize = 40;

pub(super) const DIGIT: usize = 0;
pub(super) const LETTER: usize = 1;
pub(super) const SEPARATOR: usize = 2;

/// What stands at a place of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Digit,
    Letter,
    Either,
}

/// Whether a separator stands before a place of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    Never,
    Maybe,
    Always,
}

/// A form taken apart: `99-A` is a digit, a digit, and a letter with a gap before it.
pub(crate) type Form = Vec<(Gap, Class)>;

/// Reads a form: `9` a digit, `A` a letter, `X` either, `-` where a separator may stand, or must if `separated`.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn form(text: &str, separated: bool) -> Result<Form, &'static str> {
    let mut form = Form::new();
    let mut gap = false;
    for character in text.chars() {
        let class = match character {
            '9' => Class::Digit,
            'A' => Class::Letter,
            'X' => Class::Either,
            '-' if gap || form.is_empty() => return Err("a `-` stands between two other characters"),
            '-' => {
                gap = true;
                continue;
            }
            _ => return Err("a form is made of `9` (digit), `A` (letter), `X` (either) and `-` (separator)"),
        };
        form.push((
            match (gap, separated) {
                (false, _) => Gap::Never,
                (true, false) => Gap::Maybe,
                (true, true) => Gap::Always,
            },
            class,
        ));
        gap = false;
    }
    let digits = form.iter().filter(|(_, class)| *class != Class::Letter).count();
    match form.len() {
        _ if gap => Err("a `-` stands between two other characters"),
        len if len > LONGEST => Err("a form has at most 40 digits and letters"),
        _ if digits < super::cluster::FEWEST => Err("a form has at least 5 digits (`9` or `X`)"),
        _ => Ok(form),
    }
}

/// Where a text stands in a form: the form, the place, and whether a separator came last.
type Item = (u16, u8, bool);

#[derive(Debug, Default)]
pub(super) struct Automaton {
    next: Vec<[u32; 3]>,
    /// For each state, where its rules end in `rules`.
    ends: Vec<u32>,
    rules: Vec<u16>,
}

/// From here no form can be reached.
pub(super) const DEAD: u32 = 0;
pub(super) const START: u32 = 1;

impl Automaton {
    /// `forms` are those of all rules, each with the number of its rule.
    pub(super) fn new(forms: &[(Form, u16)]) -> Self {
        let start: Vec<Item> = (0..forms.len()).map(|form| (form as u16, 0, false)).collect();
        let mut sets: Vec<Vec<Item>> = vec![Vec::new(), start.clone()];
        let mut known: HashMap<Vec<Item>, u32> = HashMap::from([(Vec::new(), DEAD), (start, START)]);
        let mut made = Self::default();
        let mut at = 0;
        while at < sets.len() {
            let set = sets[at].clone();
            let next = [DIGIT, LETTER, SEPARATOR].map(|symbol| {
                let after: Vec<Item> = set.iter().filter_map(|item| step(forms, *item, symbol)).collect();
                *known.entry(after).or_insert_with_key(|after| {
                    sets.push(after.clone());
                    (sets.len() - 1) as u32
                })
            });
            made.next.push(next);
            let done = |(form, place, gap): &&Item| !gap && usize::from(*place) == forms[usize::from(*form)].0.len();
            let mut rules: Vec<u16> = set.iter().filter(done).map(|(form, ..)| forms[usize::from(*form)].1).collect();
            rules.dedup();
            made.rules.extend(rules);
            made.ends.push(made.rules.len() as u32);
            at += 1;
        }
        made
    }

    #[inline]
    pub(super) fn step(&self, state: u32, symbol: usize) -> u32 {
        self.next[state as usize][symbol]
    }

    /// Whether any form ends here.
    #[inline]
    pub(super) fn accepts(&self, state: u32) -> bool {
        !self.accepted(state).is_empty()
    }

    /// The rules that have a form which ends here.
    #[inline]
    pub(super) fn accepted(&self, state: u32) -> &[u16] {
        let start = (state as usize).checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.rules[start as usize..self.ends[state as usize] as usize]
    }
}

fn step(forms: &[(Form, u16)], (form, place, gap): Item, symbol: usize) -> Option<Item> {
    let (before, class) = *forms[usize::from(form)].0.get(usize::from(place))?;
    if symbol == SEPARATOR {
        return (before != Gap::Never && !gap).then_some((form, place, true));
    }
    let fits = match class {
        Class::Digit => symbol == DIGIT,
        Class::Letter => symbol == LETTER,
        Class::Either => true,
    };
    (fits && (gap || before != Gap::Always)).then_some((form, place + 1, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(automaton: &Automaton, text: &str) -> Vec<u16> {
        let state = text.bytes().fold(START, |state, byte| {
            automaton.step(
                state,
                match byte {
                    b'0'..=b'9' => DIGIT,
                    b'a'..=b'z' | b'A'..=b'Z' => LETTER,
                    _ => SEPARATOR,
                },
            )
        });
        automaton.accepted(state).to_vec()
    }

    #[test]
    fn separators_stand_where_the_form_has_them() {
        let forms = [("99999-A", false), ("999-99", true), ("XX-999", false)];
        let forms: Vec<(Form, u16)> = forms
            .iter()
            .enumerate()
            .map(|(rule, (text, separated))| (form(text, *separated).expect("well formed"), rule as u16))
            .collect();
        let automaton = Automaton::new(&forms);
        for (text, rules) in [
            ("12345Z", &[0][..]),
            ("12345-Z", &[0]),
            ("1234-5Z", &[]),
            ("123 45", &[1]),
            ("12345", &[2]),
            ("12 345", &[2]),
            ("a1 345", &[2]),
            ("12  345", &[]),
        ] {
            assert_eq!(accepts(&automaton, text), rules, "{text}");
        }
    }

    #[test]
    fn bad_forms_are_refused() {
        for bad in ["", "-99999", "99999-", "999--99", "9999a", "AAAA9999", &"9".repeat(41)] {
            assert!(form(bad, false).is_err(), "{bad}");
        }
    }
}
