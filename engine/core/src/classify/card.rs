//! The card of a model: its `model.toml`, checked. What each member means is in `docs/classifier.md`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::content::ContentKind;
use crate::rule::Diagnostic;

/// The version of the format that is read.
const VERSION: u32 = 1;
/// Most labels: they are told in 64 bits.
const MOST_LABELS: usize = 64;
/// Longest window, in tokens.
const LONGEST_WINDOW: usize = 8_192;

/// What a model is, and how its answers are to be read.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ModelCard {
    /// Its id, which is also the name of its folder.
    pub id: String,
    /// One line.
    pub title: String,
    /// What it is for, and what it is not for.
    pub description: String,
    /// What it was trained from.
    pub base: String,
    /// Licence of the weights, as SPDX has it.
    pub licence: String,
    /// Digest of the records it was trained on.
    pub training_data: String,
    /// When, as YYYY-MM-DD.
    pub created: String,
    /// The encoder. A model without one is its linear stage alone.
    pub encoder: Option<EncoderCard>,
    /// The linear stage, if there is one.
    pub linear: Option<LinearCard>,
    /// Figures measured on it, as the file has them.
    pub metrics: toml::Table,
    /// Digest of the whole file.
    pub digest: String,
}

/// The encoder.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EncoderCard {
    /// The tokenizer's file.
    pub tokenizer: ModelFile,
    /// Tokens of a window, with those that mark its start and end.
    pub max_tokens: usize,
    /// Tokens from the start of one window to the start of the next.
    pub stride: usize,
    /// Names of the labels.
    pub kinds: Vec<String>,
    /// The network, once per precision.
    pub graphs: Vec<Graph>,
    /// From logits to probabilities, in the order of [`ContentKind::ALL`].
    pub calibration: [Calibration; 5],
    /// Probabilities at stated false-positive rates.
    pub thresholds: Thresholds,
}

/// A file of a model's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    /// Its name in the folder.
    pub name: String,
    /// Its SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
}

/// One form of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Graph {
    /// `int8`, `fp16` or `fp32`.
    pub precision: String,
    /// The ONNX file.
    pub file: ModelFile,
    /// The execution providers it is meant for.
    pub providers: Vec<String>,
    /// Whether a row's answer is the same whatever else is in its batch. Dynamic quantisation takes its range over the whole batch, so
    /// there it is not, and windows go one by one.
    pub batch_invariant: bool,
}

/// From a logit to a probability: `sigmoid(logit × scale + bias)`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Factor.
    pub scale: f64,
    /// Summand.
    pub bias: f64,
}

/// The linear stage.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LinearCard {
    /// Its weights.
    pub file: ModelFile,
    /// At or below this probability the encoder is not asked.
    pub settle_benign: f64,
    /// At or above this probability the encoder is not asked, if there are thresholds.
    pub settle_attack: f64,
    /// What its probabilities mean. Without them it can settle only what is benign.
    pub thresholds: Option<Thresholds>,
}

/// Probabilities at which so many benign texts would be taken for attacks, for each content kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// For each kind, in the order of [`ContentKind::ALL`]: at 1 %, at 0.5 %, at 0.1 %.
    rates: [[f64; 3]; 5],
}

/// Weight as evidence at the thresholds of 1 %, 0.5 % and 0.1 %. At the first the shipped policy flags. The last rests on few texts, so it does
/// not block by itself: that takes nearly two thirds of what is left from there to certainty, or a rule besides.
const ANCHORS: [f64; 3] = [0.30, 0.45, 0.60];
/// Weight of certainty.
const CERTAIN: f64 = 0.99;

impl Thresholds {
    /// What a probability weighs as evidence, from 0 to 1: a line through the thresholds, and below them nothing, for there honest text with
    /// a weak rule would be flagged. More probability is never less evidence.
    #[must_use]
    pub fn weight(&self, kind: ContentKind, probability: f64) -> f64 {
        let [low, middle, high] = self.rates[kind as usize];
        if probability < low {
            return 0.0;
        }
        let points = [(low, ANCHORS[0]), (middle, ANCHORS[1]), (high, ANCHORS[2]), (1.0, CERTAIN)];
        let mut weight = ANCHORS[0];
        for pair in points.windows(2) {
            let ((from, least), (to, most)) = (pair[0], pair[1]);
            if probability >= to {
                weight = most;
            } else if probability > from {
                weight = least + (most - least) * (probability - from) / (to - from);
            }
        }
        weight
    }
}

impl ModelCard {
    /// Reads a card. `name` is for messages.
    ///
    /// # Errors
    /// The first mistake, with its place and what to do.
    pub fn parse(name: &str, source: &str) -> Result<Self, Box<Diagnostic>> {
        let check = Check { name, source };
        // The version comes first: what another one means is not known here.
        let version: Versioned = toml::from_str(source)
            .map_err(|error| check.at(error.span(), error.message(), "see docs/classifier.md"))?;
        if version.version != VERSION {
            let message = format!("a model of version {}", version.version);
            return Err(check.at(None, &message, &format!("this Tamiz reads version {VERSION}")));
        }
        let file: File = toml::from_str(source)
            .map_err(|error| check.at(error.span(), error.message(), "see docs/classifier.md"))?;
        check.id(&file.id)?;
        let encoder =
            check.encoder(file.tokenizer, file.input, file.labels, file.graphs, file.calibration, file.thresholds)?;
        let linear = file.linear.map(|linear| check.linear(linear)).transpose()?;
        match &linear {
            None if encoder.is_none() => {
                return Err(check.at(None, "neither [[graphs]] nor [linear]", "a model has at least one of them"));
            }
            Some(linear) if encoder.is_none() && linear.thresholds.is_none() => {
                return Err(check.at(None, "no [linear.thresholds]", "a linear stage without an encoder needs them"));
            }
            _ => {}
        }
        Ok(Self {
            id: file.id.into_inner(),
            title: file.title,
            description: file.description,
            base: file.base,
            licence: file.licence,
            training_data: file.training_data,
            created: file.created,
            encoder,
            linear,
            metrics: file.metrics,
            digest: blake3::hash(source.as_bytes()).to_hex()[..32].to_owned(),
        })
    }
}

impl EncoderCard {
    /// The probability that the injection logit stands for, from 0 to 1; none for a logit that is no number.
    #[must_use]
    pub fn probability(&self, kind: ContentKind, logit: f32) -> Option<f32> {
        let Calibration { scale, bias } = self.calibration[kind as usize];
        let score = f64::from(logit) * scale + bias;
        (!score.is_nan()).then(|| (1.0 / (1.0 + (-score).exp())) as f32)
    }

    /// The names of labels, of the bits of [`super::Score::labels`].
    #[must_use]
    pub fn labels(&self, bits: u64) -> Vec<String> {
        let set = |(place, name): (usize, &String)| (bits >> place & 1 == 1).then(|| name.clone());
        self.kinds.iter().enumerate().filter_map(set).collect()
    }
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "version")]
    _version: u32,
    id: Spanned<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    base: String,
    #[serde(default)]
    licence: String,
    #[serde(default)]
    training_data: String,
    #[serde(default)]
    created: String,
    tokenizer: Option<FileTokenizer>,
    input: Option<Input>,
    labels: Option<Labels>,
    #[serde(default)]
    graphs: Vec<FileGraph>,
    calibration: Option<Spanned<BTreeMap<String, Calibration>>>,
    thresholds: Option<Spanned<FileThresholds>>,
    linear: Option<FileLinear>,
    #[serde(default)]
    metrics: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTokenizer {
    file: Spanned<String>,
    sha256: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    max_tokens: Spanned<usize>,
    stride: Spanned<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    kinds: Spanned<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileGraph {
    precision: Spanned<String>,
    file: Spanned<String>,
    sha256: Spanned<String>,
    #[serde(default)]
    providers: Vec<String>,
    batch_invariant: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLinear {
    file: Spanned<String>,
    sha256: Spanned<String>,
    settle_benign: Spanned<f64>,
    settle_attack: Spanned<f64>,
    thresholds: Option<Spanned<FileThresholds>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileThresholds {
    #[serde(rename = "0.01")]
    low: BTreeMap<String, f64>,
    #[serde(rename = "0.005")]
    middle: BTreeMap<String, f64>,
    #[serde(rename = "0.001")]
    high: BTreeMap<String, f64>,
}

struct Check<'f> {
    name: &'f str,
    source: &'f str,
}

impl Check<'_> {
    fn at(&self, span: Option<std::ops::Range<usize>>, message: &str, hint: &str) -> Box<Diagnostic> {
        let message = message.lines().collect::<Vec<_>>().join("; ");
        Box::new(Diagnostic::new(self.name, self.source, span.unwrap_or(0..0), "E080", message).hint(hint))
    }

    fn that<T>(&self, right: bool, value: &Spanned<T>, rule: &str) -> Result<(), Box<Diagnostic>> {
        if right { Ok(()) } else { Err(self.at(Some(value.span()), "a wrong value", rule)) }
    }

    fn id(&self, id: &Spanned<String>) -> Result<(), Box<Diagnostic>> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let right = (1..=64).contains(&id.get_ref().len()) && id.get_ref().bytes().all(plain);
        self.that(right, id, "an id is 1 to 64 letters, digits, `-`, `_` and `.`")
    }

    fn file(&self, name: Spanned<String>, sha256: Spanned<String>) -> Result<ModelFile, Box<Diagnostic>> {
        let text = name.get_ref();
        let inside = !text.is_empty() && !text.contains(['/', '\\', ':', '\0']) && text != "." && text != "..";
        self.that(inside, &name, "the name of a file in the model's own folder")?;
        let digits = sha256.get_ref().len() == 64
            && sha256.get_ref().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        self.that(digits, &sha256, "64 lower-case hexadecimal digits, as `sha256sum` prints them")?;
        Ok(ModelFile { name: name.into_inner(), sha256: sha256.into_inner() })
    }

    /// One value per content kind, and no other.
    fn per_kind<T: Copy>(
        &self,
        table: &BTreeMap<String, T>,
        span: &std::ops::Range<usize>,
    ) -> Result<[T; 5], Box<Diagnostic>> {
        let hint = "a table has prompt, tool-arguments, tool-output, tool-metadata and model-output";
        let of_kind = |kind: ContentKind| {
            let missing = || self.at(Some(span.clone()), &format!("nothing for {}", kind.as_str()), hint);
            table.get(kind.as_str()).copied().ok_or_else(missing)
        };
        if let Some(unknown) = table.keys().find(|name| ContentKind::parse(name).is_none()) {
            return Err(self.at(Some(span.clone()), &format!("`{unknown}` is no content kind"), hint));
        }
        let [a, b, c, d, e] = ContentKind::ALL.map(of_kind);
        Ok([a?, b?, c?, d?, e?])
    }

    fn calibration(&self, table: &Spanned<BTreeMap<String, Calibration>>) -> Result<[Calibration; 5], Box<Diagnostic>> {
        let all = self.per_kind(table.get_ref(), &table.span())?;
        let right = |one: &Calibration| one.scale.is_finite() && one.scale > 0.0 && one.bias.is_finite();
        self.that(all.iter().all(right), table, "scales are above 0, and scales and biases are finite")?;
        Ok(all)
    }

    fn thresholds(&self, file: &Spanned<FileThresholds>) -> Result<Thresholds, Box<Diagnostic>> {
        let span = file.span();
        let rates = [&file.get_ref().low, &file.get_ref().middle, &file.get_ref().high];
        let [low, middle, high] = rates.map(|table| self.per_kind(table, &span));
        let (low, middle, high) = (low?, middle?, high?);
        let rates = std::array::from_fn(|kind| [low[kind], middle[kind], high[kind]]);
        let right = |[low, middle, high]: &[f64; 3]| 0.0 < *low && low <= middle && middle <= high && *high < 1.0;
        let rule = "thresholds are between 0 and 1, and those of a lower false-positive rate are not lower";
        self.that(rates.iter().all(right), file, rule)?;
        Ok(Thresholds { rates })
    }

    /// The encoder, if there are graphs; then all that belongs to it has to be there.
    fn encoder(
        &self,
        tokenizer: Option<FileTokenizer>,
        input: Option<Input>,
        labels: Option<Labels>,
        file_graphs: Vec<FileGraph>,
        calibration: Option<Spanned<BTreeMap<String, Calibration>>>,
        thresholds: Option<Spanned<FileThresholds>>,
    ) -> Result<Option<EncoderCard>, Box<Diagnostic>> {
        if file_graphs.is_empty() {
            return Ok(None);
        }
        let missing = |name: &str| self.at(None, &format!("[[graphs]] and no [{name}]"), "see docs/classifier.md");
        let tokenizer = tokenizer.ok_or_else(|| missing("tokenizer"))?;
        let Input { max_tokens, stride } = input.ok_or_else(|| missing("input"))?;
        let kinds = labels.ok_or_else(|| missing("labels"))?.kinds;
        let calibration = calibration.ok_or_else(|| missing("calibration"))?;
        let thresholds = thresholds.ok_or_else(|| missing("thresholds"))?;
        self.that((8..=LONGEST_WINDOW).contains(max_tokens.get_ref()), &max_tokens, "max_tokens may be 8 to 8192")?;
        let fits = (1..=*max_tokens.get_ref() - 2).contains(stride.get_ref());
        self.that(fits, &stride, "stride may be 1 to max_tokens - 2, or text would be left out between windows")?;
        self.that(kinds.get_ref().len() <= MOST_LABELS, &kinds, "at most 64 labels")?;
        let mut graphs = Vec::new();
        for graph in file_graphs {
            let known = ["int8", "fp16", "fp32"].contains(&graph.precision.get_ref().as_str());
            self.that(known, &graph.precision, "precision is int8, fp16 or fp32")?;
            let precision = graph.precision.into_inner();
            graphs.push(Graph {
                file: self.file(graph.file, graph.sha256)?,
                providers: graph.providers,
                batch_invariant: graph.batch_invariant.unwrap_or(precision != "int8"),
                precision,
            });
        }
        Ok(Some(EncoderCard {
            tokenizer: self.file(tokenizer.file, tokenizer.sha256)?,
            max_tokens: max_tokens.into_inner(),
            stride: stride.into_inner(),
            kinds: kinds.into_inner(),
            graphs,
            calibration: self.calibration(&calibration)?,
            thresholds: self.thresholds(&thresholds)?,
        }))
    }

    fn linear(&self, linear: FileLinear) -> Result<LinearCard, Box<Diagnostic>> {
        let FileLinear { file, sha256, settle_benign, settle_attack, thresholds } = linear;
        let (benign, attack) = (*settle_benign.get_ref(), *settle_attack.get_ref());
        self.that((0.0..1.0).contains(&benign), &settle_benign, "settle_benign is at least 0 and below 1")?;
        let above = attack > benign && attack <= 1.0;
        self.that(above, &settle_attack, "settle_attack is above settle_benign and at most 1")?;
        Ok(LinearCard {
            file: self.file(file, sha256)?,
            settle_benign: benign,
            settle_attack: attack,
            thresholds: thresholds.as_ref().map(|thresholds| self.thresholds(thresholds)).transpose()?,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A card with the linear stage only of note.
    pub(crate) fn source() -> String {
        let all = |value: &str| ContentKind::ALL.map(|kind| format!("{} = {value}", kind.as_str())).join(", ");
        let zeros = "0".repeat(64);
        format!(
            "version = 1\nid = \"test-1\"\n[tokenizer]\nfile = \"tokenizer.json\"\nsha256 = \"{zeros}\"\n\
             [input]\nmax_tokens = 16\nstride = 10\n[labels]\nkinds = [\"direct\", \"indirect\"]\n\
             [[graphs]]\nprecision = \"int8\"\nfile = \"model.onnx\"\nsha256 = \"{zeros}\"\nproviders = [\"cpu\"]\n\
             [calibration]\n{}\n[thresholds]\n\"0.01\" = {{ {} }}\n\"0.005\" = {{ {} }}\n\"0.001\" = {{ {} }}\n\
             [linear]\nfile = \"linear.bin\"\nsha256 = \"{zeros}\"\nsettle_benign = 0.1\nsettle_attack = 0.9\n",
            all("{ scale = 2.0, bias = 1.0 }").replace(", ", "\n").replace("\nbias", ", bias"),
            all("0.5"),
            all("0.6"),
            all("0.8"),
        )
    }

    fn wrong(from: &str, to: &str) -> Diagnostic {
        let changed = source().replacen(from, to, 1);
        assert_ne!(changed, source(), "{from}");
        *ModelCard::parse("model.toml", &changed).expect_err(to)
    }

    #[test]
    fn a_card_is_read() {
        let card = ModelCard::parse("model.toml", &source()).unwrap().encoder.unwrap();
        assert_eq!((card.max_tokens, card.stride, card.graphs.len()), (16, 10, 1));
        assert!(!card.graphs[0].batch_invariant, "int8 is quantised over the batch unless the card says otherwise");
        assert_eq!(card.labels(0b10), ["indirect"]);
        let probability = card.probability(ContentKind::Prompt, -0.5).unwrap();
        assert!((probability - 0.5).abs() < 1e-6);
        assert_eq!(card.probability(ContentKind::Prompt, f32::NAN), None);
    }

    #[test]
    fn mistakes_are_pointed_at() {
        assert!(wrong("version = 1", "version = 2").message.contains("version 2"));
        assert!(wrong("stride = 10", "stride = 15").hint.unwrap().contains("left out"));
        assert!(wrong("tokenizer.json", "../tokenizer.json").hint.unwrap().contains("own folder"));
        assert!(wrong("bias = 1.0", "bias = nan").hint.unwrap().contains("finite"));
        assert!(wrong("prompt = 0.8", "prompt = 0.4").hint.unwrap().contains("not lower"));
        assert!(wrong("prompt = 0.8", "promt = 0.8").message.contains("promt"));
        assert!(wrong("settle_benign = 0.1", "settle_benign = 0.95").hint.unwrap().contains("above settle_benign"));
        assert!(wrong("int8", "int4").hint.unwrap().contains("fp16"));
        assert_eq!(wrong("stride = 10", "strid = 10").line, 8);
        assert!(wrong("sha256 = \"0", "sha256 = \"G").hint.unwrap().contains("hexadecimal"));
    }

    #[test]
    fn more_probability_is_never_less_evidence() {
        let card = ModelCard::parse("model.toml", &source()).unwrap().encoder.unwrap();
        let weight = |probability| card.thresholds.weight(ContentKind::Prompt, probability);
        for (probability, expected) in [(0.0, 0.0), (0.49, 0.0), (0.5, 0.30), (0.6, 0.45), (0.8, 0.60), (1.0, 0.99)] {
            assert!((weight(probability) - expected).abs() < 1e-9, "{probability}: {}", weight(probability));
        }
        let steps: Vec<f64> = (0..=1_000).map(|step| weight(f64::from(step) / 1_000.0)).collect();
        assert!(steps.is_sorted());
    }

    #[test]
    fn a_linear_stage_may_stand_alone_with_thresholds() {
        let whole = source();
        let (head, linear) = (&whole[..whole.find("[tokenizer]").unwrap()], &whole[whole.find("[linear]").unwrap()..]);
        let start = whole.find("[thresholds]").unwrap();
        let thresholds = whole[start..whole.find("[linear]").unwrap()].replace("[thresholds]", "[linear.thresholds]");
        let card = ModelCard::parse("model.toml", &format!("{head}{linear}{thresholds}")).unwrap();
        assert!(card.encoder.is_none() && card.linear.unwrap().thresholds.is_some());
        let without = ModelCard::parse("model.toml", &format!("{head}{linear}")).unwrap_err();
        assert!(without.message.contains("linear.thresholds"));
        assert!(ModelCard::parse("model.toml", head).unwrap_err().message.contains("neither"));
        assert!(wrong("[input]", "[metrics]").message.contains("no [input]"));
    }

    #[test]
    fn thresholds_may_fall_together() {
        let changed = source().replace("0.6", "0.8").replace("= 0.5", "= 0.8");
        let card = ModelCard::parse("model.toml", &changed).unwrap().encoder.unwrap();
        assert!(card.thresholds.weight(ContentKind::Prompt, 0.8) >= 0.60);
        assert!(card.thresholds.weight(ContentKind::Prompt, 0.79) < 0.30);
    }
}
