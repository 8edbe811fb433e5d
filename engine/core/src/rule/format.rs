//! The rule file: what may be in it, and what it becomes.

use std::collections::BTreeMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::class::{DataCategory, Sensitivity};
use super::literals::required;
use super::plan::{self, PatternView, RulePlan, SHORTEST, plan};
use super::shape::{Context, ContextTable, Shape, ShapeTable};
use super::{Confidence, Diagnostic, MAX_MATCH_LEN, Severity, closest, compile, phrase};
use crate::content::ContentKind;
use crate::detect::{detector_names, detects_digits, detects_whole_texts, is_beside, validator_names};
use crate::view::fold_phrase;

/// Shortest phrase, in bytes after folding.
const SHORTEST_PHRASE: usize = 5;
/// Fewest examples of either sort.
const FEWEST_EXAMPLES: usize = 2;

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Orders that replace, override, extract or impersonate instructions.
    Injection,
    /// Personas and frameworks that talk a model out of its rules.
    Jailbreak,
    /// Text a person does not see and a model does.
    HiddenText,
    /// Channels that carry data out.
    Exfiltration,
    /// Orders hidden in tool metadata.
    ToolPoisoning,
    /// Calls, arguments and messages that no honest use of a tool needs.
    ToolMisuse,
    /// Credentials.
    Secret,
    /// Personal data with a checkable form.
    Pii,
}

/// Families whose evidence adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Something tries to steer the model.
    Injection,
    /// Something gets out that should not.
    Leak,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 8] = [
        Self::Injection,
        Self::Jailbreak,
        Self::HiddenText,
        Self::Exfiltration,
        Self::ToolPoisoning,
        Self::ToolMisuse,
        Self::Secret,
        Self::Pii,
    ];

    /// The name in rule ids, policies and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Injection => "injection",
            Self::Jailbreak => "jailbreak",
            Self::HiddenText => "hidden-text",
            Self::Exfiltration => "exfiltration",
            Self::ToolPoisoning => "tool-poisoning",
            Self::ToolMisuse => "tool-misuse",
            Self::Secret => "secret",
            Self::Pii => "pii",
        }
    }

    /// The family of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == name)
    }

    /// Whether its findings are orders to a model, which a text may quote to talk about them.
    #[must_use]
    pub fn is_order(self) -> bool {
        matches!(self, Self::Injection | Self::Jailbreak | Self::ToolPoisoning)
    }

    /// Whose evidence it adds to.
    #[must_use]
    pub fn group(self) -> Group {
        match self {
            Self::Secret | Self::Pii => Group::Leak,
            _ => Group::Injection,
        }
    }
}

/// Where a finding stands in the field's lists; each entry names its edition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Taxonomy {
    /// OWASP Top 10 for LLM applications, as `LLM01:2025`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owasp_llm: Vec<String>,
    /// OWASP MCP Top 10, as `MCP03:2025`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owasp_mcp: Vec<String>,
    /// MITRE ATLAS techniques, as `AML.T0051.001`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub atlas: Vec<String>,
    /// Common Weakness Enumeration, as `CWE-1427`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cwe: Vec<String>,
}

impl Taxonomy {
    /// Name of the list and its ids, for those that are not empty.
    pub fn lists(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let all = [
            ("OWASP LLM", &self.owasp_llm),
            ("OWASP MCP", &self.owasp_mcp),
            ("ATLAS", &self.atlas),
            ("CWE", &self.cwe),
        ];
        all.into_iter().filter(|(_, ids)| !ids.is_empty()).map(|(name, ids)| (name, ids.as_slice()))
    }
}

/// What a caller is supposed to have said about the examples of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Given {
    /// The server that they go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The prompt that was registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

/// One rule, parsed and valid.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Rule {
    /// `<family>.<name>`.
    pub id: String,
    /// Its family.
    pub family: Family,
    /// One line.
    pub title: String,
    /// How bad it is if it is real.
    pub severity: Severity,
    /// How often it is real.
    pub confidence: Confidence,
    /// What it catches.
    pub description: String,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub remedy: String,
    /// Contents it applies to.
    pub content_kinds: Vec<ContentKind>,
    /// Phrases as they are written, with alternatives in braces; [`Rule::expanded_phrases`] has each by itself.
    pub phrases: Vec<String>,
    /// Expressions.
    pub patterns: Vec<String>,
    pub(crate) views: Vec<PatternView>,
    /// Check of what a pattern matched, by name.
    pub validator: Option<String>,
    /// Detector in Rust, by name.
    pub detector: Option<String>,
    pub(crate) shape: Option<Shape>,
    pub(crate) context: Option<Context>,
    /// Who may see what it finds; none if it finds no data.
    pub sensitivity: Option<Sensitivity>,
    /// What sorts of data it finds.
    pub data: Vec<DataCategory>,
    /// Texts it must find.
    pub examples: Vec<String>,
    /// Texts it must not find.
    pub negative_examples: Vec<String>,
    /// What its examples suppose.
    pub given: Given,
    /// Its place in the field's lists.
    pub taxonomy: Taxonomy,
    /// The file it came from.
    #[serde(skip)]
    pub file: String,
    /// The file's text.
    #[serde(skip)]
    pub source: String,
    /// How it is looked for, if that was chosen when the program was built.
    #[serde(skip)]
    pub(crate) planned: Option<&'static [u8]>,
    /// Where the examples stand in the file, for diagnostics: of `examples`, then of `negative_examples`.
    #[serde(skip)]
    pub(crate) example_spans: [Vec<Range<usize>>; 2],
}

impl Rule {
    /// Evidence that one match is, from 0 to 1: severity × confidence.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.severity.weight() * self.confidence.factor()
    }

    /// Whether it is about a text as a whole, and so about no part of it.
    pub(crate) fn is_about_whole_texts(&self) -> bool {
        self.detector.as_deref().is_some_and(detects_whole_texts)
    }

    /// How it is looked for.
    pub(crate) fn plan(&self) -> RulePlan {
        let Self { phrases, patterns, views, .. } = self;
        let ready = self.planned.and_then(|bytes| RulePlan::read(bytes, phrases, patterns, views));
        ready.unwrap_or_else(|| RulePlan::new(phrases, patterns, views))
    }

    /// Each phrase by itself, alternatives written out.
    #[must_use]
    pub fn expanded_phrases(&self) -> Vec<String> {
        self.phrases.iter().flat_map(|template| phrase::expand(template).unwrap_or_default()).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    id: Spanned<String>,
    title: Spanned<String>,
    severity: Severity,
    confidence: Confidence,
    description: Spanned<String>,
    why: Spanned<String>,
    remedy: Spanned<String>,
    #[serde(default)]
    content_kinds: Vec<ContentKind>,
    #[serde(default)]
    phrases: Vec<Spanned<String>>,
    #[serde(default)]
    patterns: Vec<Spanned<String>>,
    #[serde(default)]
    views: Vec<PatternView>,
    validator: Option<Spanned<String>>,
    detector: Option<Spanned<String>>,
    shape: Option<ShapeTable>,
    context: Option<ContextTable>,
    sensitivity: Option<Sensitivity>,
    data: Option<Vec<DataCategory>>,
    examples: Spanned<Vec<Spanned<String>>>,
    negative_examples: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    given: Given,
    #[serde(default)]
    taxonomy: Taxonomy,
}

/// Members of a rule file, for "did you mean".
const MEMBERS: [&str; 27] = [
    "id",
    "title",
    "severity",
    "confidence",
    "description",
    "why",
    "remedy",
    "content_kinds",
    "phrases",
    "patterns",
    "views",
    "validator",
    "detector",
    "shape",
    "forms",
    "separators",
    "separated",
    "context",
    "words",
    "required",
    "window",
    "sensitivity",
    "data",
    "examples",
    "negative_examples",
    "given",
    "taxonomy",
];

/// Parses and validates one file. Of the built-in files (those that are `planned`) phrases and expressions are not looked at again:
/// the test suite does that, and it would be most of the time to start.
pub(crate) fn parse(name: &str, source: &str, planned: Option<&'static [u8]>) -> Result<Rule, Vec<Diagnostic>> {
    let file: RuleFile = toml::from_str(source).map_err(|error| vec![toml_problem(name, source, &error, &MEMBERS)])?;
    let mut check = Check { name, source, problems: Vec::new() };
    let family = check.id(&file.id);
    for text in [&file.title, &file.description, &file.why, &file.remedy] {
        if text.get_ref().trim().is_empty() {
            check.problem(text.span(), "E005", "empty text", "say it in a sentence");
        }
    }
    file.phrases.iter().filter(|_| planned.is_none()).for_each(|phrase| check.phrase(phrase));
    let phrases: Vec<String> = file.phrases.iter().map(|phrase| phrase.get_ref().clone()).collect();
    let views = if file.views.is_empty() { vec![PatternView::Raw] } else { file.views.clone() };
    for pattern in file.patterns.iter().filter(|_| planned.is_none()) {
        check.pattern(pattern, &views);
    }
    check.name_known(file.validator.as_ref(), "validator", &validator_names());
    check.name_known(file.detector.as_ref(), "detector", &detector_names());
    let shape = file.shape.map(|shape| shape.check(&mut check));
    let context = file.context.map(|context| context.check(&mut check));
    let ways = [!(phrases.is_empty() && file.patterns.is_empty()), file.detector.is_some(), shape.is_some()]
        .into_iter()
        .filter(|way| *way);
    if ways.count() != 1 && check.problems.is_empty() {
        let hint = "give `phrases`, `patterns` or both; or `detector` alone; or `shape` alone";
        check.problem(file.id.span(), "E006", "a rule needs something to look for, in one way", hint);
    }
    if !file.views.is_empty() && file.patterns.is_empty() {
        check.problem(file.id.span(), "E007", "`views` without `patterns`", "phrases always look at folded text");
    }
    let of_digits = file.detector.as_ref().is_some_and(|name| detects_digits(name.get_ref()));
    if context.is_some() && shape.is_none() && !of_digits && check.problems.is_empty() {
        let hint = "words near a match are looked at for a `shape` or a detector of numbers; put them into the pattern";
        check.problem(file.id.span(), "E063", "`context` without a shape", hint);
    }
    if shape.is_some() && file.validator.is_none() && !context.as_ref().is_some_and(|context| context.required) {
        let hint = "name a `validator`, or words in `context` with `required = true`";
        check.problem(file.id.span(), "E064", "a shape alone is no evidence", hint);
    }
    // What is found beside a scan has no text to show for it.
    let beside = file.detector.as_ref().is_some_and(|name| is_beside(name.get_ref()));
    for (what, examples) in [("examples", &file.examples), ("negative_examples", &file.negative_examples)] {
        if examples.get_ref().len() < FEWEST_EXAMPLES && !beside {
            let message = format!("`{what}` has {} of at least {FEWEST_EXAMPLES}", examples.get_ref().len());
            check.problem(examples.span(), "E030", message, "an example is what proves the rule; add one");
        }
    }
    let Some(family) = family.filter(|_| check.problems.is_empty()) else {
        return Err(check.problems);
    };
    let spans = |examples: &Spanned<Vec<Spanned<String>>>| examples.get_ref().iter().map(Spanned::span).collect();
    let example_spans = [spans(&file.examples), spans(&file.negative_examples)];
    let texts = |examples: Vec<Spanned<String>>| examples.into_iter().map(Spanned::into_inner).collect();
    Ok(Rule {
        id: file.id.into_inner(),
        family,
        title: file.title.into_inner(),
        severity: file.severity,
        confidence: file.confidence,
        description: file.description.into_inner(),
        why: file.why.into_inner(),
        remedy: file.remedy.into_inner(),
        content_kinds: if file.content_kinds.is_empty() { ContentKind::ALL.to_vec() } else { file.content_kinds },
        phrases,
        patterns: texts(file.patterns),
        views,
        validator: file.validator.map(Spanned::into_inner),
        detector: file.detector.map(Spanned::into_inner),
        shape,
        context,
        sensitivity: file.sensitivity.or(Sensitivity::of(family)),
        data: file.data.unwrap_or_else(|| DataCategory::of(family)),
        examples: texts(file.examples.into_inner()),
        negative_examples: texts(file.negative_examples.into_inner()),
        given: file.given,
        taxonomy: file.taxonomy,
        file: name.to_owned(),
        source: source.to_owned(),
        planned,
        example_spans,
    })
}

/// A TOML error as a diagnostic; an unknown member gets the closest known one as its hint.
pub(crate) fn toml_problem(name: &str, source: &str, error: &toml::de::Error, members: &[&str]) -> Diagnostic {
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    let diagnostic = Diagnostic::new(name, source, error.span().unwrap_or(0..0), "E001", &message);
    let quoted = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    match quoted.and_then(|member| closest(member, members.iter().copied())) {
        Some(known) => diagnostic.hint(format!("did you mean `{known}`?")),
        None => diagnostic,
    }
}

pub(super) struct Check<'f> {
    name: &'f str,
    source: &'f str,
    problems: Vec<Diagnostic>,
}

impl Check<'_> {
    pub(super) fn problem(
        &mut self,
        span: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.push(Diagnostic::new(self.name, self.source, span, code, message).hint(hint));
    }

    fn id(&mut self, id: &Spanned<String>) -> Option<Family> {
        let well_formed =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let Some((family, name)) = id.get_ref().split_once('.').filter(|(a, b)| well_formed(a) && well_formed(b))
        else {
            let hint = "write <family>.<name> in lower case, digits and hyphens, such as injection.my-rule";
            self.problem(id.span(), "E002", format!("`{}` is no rule id", id.get_ref()), hint);
            return None;
        };
        let Some(known) = Family::parse(family) else {
            let all = Family::ALL.map(Family::as_str);
            let near = closest(family, all).map_or(String::new(), |near| format!("did you mean `{near}.{name}`? "));
            let hint = format!("{near}families: {}", all.join(", "));
            self.problem(id.span(), "E003", format!("unknown family `{family}`"), hint);
            return None;
        };
        Some(known)
    }

    fn phrase(&mut self, template: &Spanned<String>) {
        match phrase::expand(template.get_ref()) {
            Ok(phrases) => {
                if let Some(short) = phrases.iter().find(|phrase| fold_phrase(phrase).len() < SHORTEST_PHRASE) {
                    let message = format!("the phrase `{short}` is shorter than {SHORTEST_PHRASE} bytes");
                    self.problem(template.span(), "E010", message, "short phrases match everywhere; add a word");
                }
            }
            Err(why) => {
                self.problem(template.span(), "E011", why, "alternatives are written {one|two|}, not nested");
            }
        }
    }

    fn pattern(&mut self, pattern: &Spanned<String>, views: &[PatternView]) {
        let span = pattern.span();
        let hir = match plan::parse(pattern.get_ref()) {
            Ok(hir) => hir,
            Err(why) => {
                return self.problem(span, "E022", why, "expressions are those of the Rust regex crate, over bytes");
            }
        };
        match hir.properties().maximum_len() {
            Some(0) => {
                self.problem(span.clone(), "E023", "the expression matches nothing but places", "match some text")
            }
            Some(len) if len <= MAX_MATCH_LEN => {}
            Some(len) => {
                let message = format!("a match can be {len} bytes long; at most {MAX_MATCH_LEN} are allowed");
                self.problem(span.clone(), "E021", message, "lower the upper bounds of its repetitions");
            }
            None => {
                let hint = "replace `*`, `+` and `{n,}` by a bounded repetition such as `{0,200}`";
                self.problem(span.clone(), "E021", "a match can be of any length", hint);
            }
        }
        // An expression that cannot be compiled later would find nothing, and nobody would know.
        if hir.properties().maximum_len().is_some_and(|len| len <= MAX_MATCH_LEN)
            && compile::build(pattern.get_ref()).is_err()
        {
            let hint = "lower the bounds of its repetitions, or use fewer alternatives";
            self.problem(span.clone(), "E024", "the expression takes more than 4 MB when compiled", hint);
        }
        if hir.properties().minimum_len() == Some(0) {
            self.problem(
                span.clone(),
                "E023",
                "the expression matches the empty text",
                "make some part of it required",
            );
        }
        let required = required(&hir);
        if views.iter().any(|view| plan(&required, *view).is_none()) {
            let message = format!("no usable literal: not every match contains a fixed text of {SHORTEST} bytes");
            let hint =
                "put a fixed word into every alternative, or write a detector in Rust and name it with `detector`";
            self.problem(span, "E020", message, hint);
        }
    }

    fn name_known(&mut self, name: Option<&Spanned<String>>, what: &str, known: &[&str]) {
        let Some(name) = name.filter(|name| !known.contains(&name.get_ref().as_str())) else { return };
        let near = closest(name.get_ref(), known.iter().copied());
        let near = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
        let hint = format!("{near}known: {}", known.join(", "));
        self.problem(name.span(), "E008", format!("unknown {what} `{}`", name.get_ref()), hint);
    }
}

/// Counts per family, for information.
pub(crate) fn count_by_family(rules: &[Rule]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for rule in rules {
        *counts.entry(rule.family.as_str()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_too_large_to_compile_is_refused_when_it_is_read() {
        let branch: String = (0..400).map(|n| format!("|x{n}[a-z]{{0,1000}}")).collect();
        let source = format!(
            "id = 'secret.x'\ntitle = 't'\nseverity = 'low'\nconfidence = 'low'\ndescription = 'd'\nwhy = 'w'\nremedy = 'r'\n\
             patterns = ['needle(?:y{branch})']\nexamples = ['a', 'b']\nnegative_examples = ['c', 'd']\n"
        );
        let problems = parse("x.toml", &source, None).expect_err("too large");
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["E024"], "{problems:?}");
    }
}
