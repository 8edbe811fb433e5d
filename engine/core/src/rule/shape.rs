//! Rules for what no literal marks: the form of a number, and the words near it.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::format::Check;
use crate::detect::{context, forms};

/// Bytes around a match in which a word may stand, unless the rule says otherwise.
const WINDOW: usize = 60;
/// Most of them.
const WIDEST: usize = 120;

/// The form of a number or code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Shape {
    /// `9` a digit, `A` a letter, `X` either, `-` a separator.
    pub(crate) forms: Vec<String>,
    /// What a separator may be.
    pub(crate) separators: String,
    /// Whether separators must be there.
    pub(crate) separated: bool,
}

/// The words that say what a match is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Context {
    pub(crate) words: Vec<String>,
    /// Whether one of them must be near.
    pub(crate) required: bool,
    /// How near, in bytes.
    pub(crate) window: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShapeTable {
    forms: Vec<Spanned<String>>,
    separators: Option<Spanned<String>>,
    #[serde(default)]
    separated: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContextTable {
    words: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    required: bool,
    window: Option<Spanned<usize>>,
}

impl ShapeTable {
    pub(super) fn check(self, check: &mut Check<'_>) -> Shape {
        for form in &self.forms {
            if let Err(why) = forms::form(form.get_ref(), self.separated) {
                let hint =
                    "write `999-99-9999`: a form holds 5 to 40 characters, and `separators` says what a `-` may be";
                check.problem(form.span(), "E060", why, hint);
            }
        }
        let gaps = self.forms.iter().any(|form| form.get_ref().contains('-'));
        if let Some(separators) = &self.separators {
            let text = separators.get_ref();
            if text.is_empty() || !text.chars().all(crate::detect::is_separator) {
                let hint = "of these: space, `-`, `.`, `/`, `:`, `_`";
                check.problem(separators.span(), "E061", format!("`{text}` are no separators"), hint);
            }
        }
        let spans = |forms: &[Spanned<String>]| forms.first().map_or(0..0, Spanned::span);
        if gaps != self.separators.is_some() {
            let hint = "a `-` in a form needs `separators`, and the other way round";
            check.problem(spans(&self.forms), "E061", "forms and `separators` do not go together", hint);
        }
        if self.forms.is_empty() {
            check.problem(0..0, "E060", "a shape without forms", "write at least one, such as `99999999A`");
        }
        Shape {
            forms: self.forms.into_iter().map(Spanned::into_inner).collect(),
            separators: self.separators.map(Spanned::into_inner).unwrap_or_default(),
            separated: self.separated,
        }
    }
}

impl ContextTable {
    pub(super) fn check(self, check: &mut Check<'_>) -> Context {
        if self.words.get_ref().is_empty() {
            check.problem(
                self.words.span(),
                "E062",
                "no context words",
                "name the number as people do, or drop the table",
            );
        }
        for word in self.words.get_ref() {
            if !context::is_phrase(word.get_ref()) {
                let message = format!("`{}` is no context word", word.get_ref());
                let hint = format!("a word of two letters and more, or up to {} words", context::MOST_UNITS);
                check.problem(word.span(), "E062", message, hint);
            }
        }
        if let Some(window) = self.window.as_ref().filter(|window| !(1..=WIDEST).contains(window.get_ref())) {
            let message = format!("a window of {} bytes", window.get_ref());
            check.problem(window.span(), "E062", message, format!("1 to {WIDEST}; without, it is {WINDOW}"));
        }
        Context {
            words: self.words.into_inner().into_iter().map(Spanned::into_inner).collect(),
            required: self.required,
            window: self.window.map_or(WINDOW, Spanned::into_inner),
        }
    }
}
