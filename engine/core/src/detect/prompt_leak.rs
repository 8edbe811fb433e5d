//! Passages of a registered prompt in what a model says or sends.
//!
//! Of a prompt only *prints* are kept: keyed hashes of runs of [`RUN`] letters and digits (of the folded text, so that case, spaces,
//! punctuation and accents do not matter), one in [`SAMPLE`] of them, chosen by the hash. A text is hashed the same way; where
//! [`FEWEST`] prints of one prompt stand close together, some hundred characters of it are repeated.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Detector, Needs};
use crate::view::fold_phrase;

/// Letters and digits of a print, in bytes: eight English words, sixteen Chinese characters.
const RUN: usize = 48;
/// One hash in so many is a print.
const SAMPLE: u64 = 4;
/// Prints that must be met, none farther than [`GAP`] from the next.
const FEWEST: usize = 8;
/// Letters and digits, in bytes.
const GAP: usize = 2 * RUN;
/// Prints of all prompts together: 4 MB of text.
const MOST_PRINTS: usize = 1 << 20;

/// Prompts whose passages are looked for, as keyed prints. The prompts themselves are not in it.
///
/// ```
/// use tamiz_core::RegisteredPrompts;
/// let mut prompts = RegisteredPrompts::new(None);
/// let prompt = "You are the assistant of the Harbour Museum. Never promise opening hours that are not on the list \
///               below, and send visitors who ask for the lighthouse to the ferry office on the other side of the square.";
/// assert!(prompts.register("museum", prompt).is_ok());
/// assert!(prompts.register("short", "Be nice.").is_err());
/// ```
#[derive(Clone)]
pub struct RegisteredPrompts {
    multiplier: u64,
    salt: u64,
    names: Vec<String>,
    prints: HashMap<u64, u32>,
}

/// Shows no key.
impl std::fmt::Debug for RegisteredPrompts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegisteredPrompts").field("names", &self.names).field("prints", &self.prints.len()).finish()
    }
}

/// Why a prompt cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// It could not be told from other text.
    #[error("the prompt is too short to be told from other text: register one of {} letters and more", 2 * RUN)]
    Short,
    /// Too much was registered.
    #[error("all prompts together are longer than about {} MB", (MOST_PRINTS * SAMPLE as usize) >> 20)]
    Full,
    /// The name is taken.
    #[error("there is a prompt of that name already")]
    Taken,
    /// It was made with another key.
    #[error("the prints were made with another key")]
    Key,
    /// The file is not one of prints.
    #[error("not a file of prompt prints: {0}")]
    Format(String),
}

/// How prints are kept on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    /// Tells a wrong key.
    check: u64,
    prompts: Vec<Stored>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    name: String,
    prints: Vec<u64>,
}

const VERSION: u32 = 1;

impl RegisteredPrompts {
    /// No prompts. Without a key, whoever has the prints can test guesses of the prompt against them.
    #[must_use]
    pub fn new(key: Option<[u8; 32]>) -> Self {
        let derived = blake3::derive_key("tamiz registered prompts 2026", &key.unwrap_or_default());
        let part = |at: usize| derived[at..at + 8].iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
        Self { multiplier: part(0) | 1, salt: part(8), names: Vec::new(), prints: HashMap::new() }
    }

    /// Adds a prompt under a name that reports may show.
    ///
    /// # Errors
    /// When it is too short or too long, or the name is taken.
    pub fn register(&mut self, name: &str, prompt: &str) -> Result<(), PromptError> {
        let mut prints = Vec::new();
        let folded = fold_phrase(prompt);
        let mut letters = 0;
        self.each_run(&folded, |_, print| prints.push(print), &mut letters);
        if letters < 2 * RUN || prints.len() < FEWEST {
            return Err(PromptError::Short);
        }
        self.add(name, prints)
    }

    fn add(&mut self, name: &str, prints: Vec<u64>) -> Result<(), PromptError> {
        if self.names.iter().any(|other| other == name) {
            return Err(PromptError::Taken);
        }
        if self.prints.len() + prints.len() > MOST_PRINTS {
            return Err(PromptError::Full);
        }
        let id = self.names.len() as u32;
        self.names.push(name.to_owned());
        // A passage of two prompts counts for the one that came first.
        for print in prints {
            self.prints.entry(print).or_insert(id);
        }
        Ok(())
    }

    /// The names, in order of registration.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// As text to keep; it holds no part of a prompt.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut prompts: Vec<Stored> =
            self.names.iter().map(|name| Stored { name: name.clone(), prints: Vec::new() }).collect();
        self.prints.iter().for_each(|(print, id)| prompts[*id as usize].prints.push(*print));
        prompts.iter_mut().for_each(|prompt| prompt.prints.sort_unstable());
        let file = File { version: VERSION, check: self.check(), prompts };
        serde_json::to_string(&file).unwrap_or_default()
    }

    /// From what [`RegisteredPrompts::to_json`] made, under the same key.
    ///
    /// # Errors
    /// When the text is something else, or was made with another key.
    pub fn from_json(text: &str, key: Option<[u8; 32]>) -> Result<Self, PromptError> {
        let file: File = serde_json::from_str(text).map_err(|error| PromptError::Format(error.to_string()))?;
        if file.version != VERSION {
            return Err(PromptError::Format(format!("version {}; this reads {VERSION}", file.version)));
        }
        let mut prompts = Self::new(key);
        if file.check != prompts.check() {
            return Err(PromptError::Key);
        }
        for Stored { name, prints } in file.prompts {
            prompts.add(&name, prints)?;
        }
        Ok(prompts)
    }

    fn check(&self) -> u64 {
        mix(self.multiplier ^ self.salt.rotate_left(17))
    }

    /// Calls `print` with the place and the print of each run that is one. Counts letters and digits in `letters`.
    fn each_run(&self, folded: &[u8], mut print: impl FnMut(Range<usize>, u64), letters: &mut usize) {
        let leaving = (0..RUN).fold(1_u64, |power, _| power.wrapping_mul(self.multiplier));
        let (mut hash, mut places, mut bytes) = (0_u64, [0_usize; RUN], [0_u8; RUN]);
        for (at, byte) in folded.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric() || **byte >= 0x80) {
            let slot = *letters % RUN;
            let value = u64::from(*byte) + 1;
            hash = hash.wrapping_mul(self.multiplier).wrapping_add(value);
            if *letters >= RUN {
                hash = hash.wrapping_sub((u64::from(bytes[slot]) + 1).wrapping_mul(leaving));
            }
            (places[slot], bytes[slot]) = (at, *byte);
            *letters += 1;
            if *letters >= RUN {
                let mixed = mix(hash ^ self.salt);
                if mixed.is_multiple_of(SAMPLE) {
                    print(places[*letters % RUN]..at + 1, mixed);
                }
            }
        }
    }

    /// Reports the passages in a folded text.
    pub(crate) fn find(&self, folded: &[u8], mut found: impl FnMut(Range<usize>)) {
        let mut passage: Option<(u32, Range<usize>, usize)> = None;
        let mut end = |passage: Option<(u32, Range<usize>, usize)>| {
            if let Some((_, range, _)) = passage.filter(|(_, _, prints)| *prints >= FEWEST) {
                found(range);
            }
        };
        let known = |place: Range<usize>, print: u64| {
            let Some(id) = self.prints.get(&print) else { return };
            match &mut passage {
                Some((of, range, prints)) if of == id && place.start < range.end + GAP => {
                    range.end = place.end;
                    *prints += 1;
                }
                _ => end(passage.replace((*id, place, 1))),
            }
        };
        self.each_run(folded, known, &mut 0);
        end(passage);
    }
}

/// Spreads the bits of a number over all of it.
fn mix(mut number: u64) -> u64 {
    number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// Names what is found of registered prompts in rules; the engine that has some looks for them itself.
#[derive(Debug)]
pub(super) struct RegisteredPrompt;

impl Detector for RegisteredPrompt {
    fn name(&self) -> &'static str {
        PROMPT_DETECTOR
    }

    fn needs(&self) -> Needs {
        Needs::Prompts
    }

    fn find(&self, _: &[u8], _: &mut dyn FnMut(Range<usize>)) {}
}

/// The name of the detector that rules give.
pub(crate) const PROMPT_DETECTOR: &str = "registered-prompt";

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str = "You are the night porter of the Hotel Aurora. Greet guests by their first name, never mention the \
                          renovation of the east wing, and offer the late breakfast only to members of the Compass club.";

    fn passages(prompts: &RegisteredPrompts, text: &str) -> Vec<String> {
        let (folded, mut all) = (fold_phrase(text), Vec::new());
        prompts.find(&folded, |range| all.push(String::from_utf8_lossy(&folded[range]).into_owned()));
        all
    }

    #[test]
    fn passages_are_found_however_they_are_written() {
        let mut prompts = RegisteredPrompts::new(Some([7; 32]));
        prompts.register("porter", PROMPT).unwrap();
        let said =
            format!("Sure! My instructions are:\n\n> {}\n\nAnything else?", PROMPT.to_uppercase().replace(' ', "\n> "));
        let found = passages(&prompts, &said);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("east"), "{found:?}");
        let part = &PROMPT[40..];
        assert_eq!(passages(&prompts, &format!("He wrote: {part}")).len(), 1);
    }

    #[test]
    fn other_text_is_not() {
        let mut prompts = RegisteredPrompts::new(Some([7; 32]));
        prompts.register("porter", PROMPT).unwrap();
        for text in [
            "You are the night porter of a small hotel in the mountains, and you greet guests by their first name.",
            "The renovation of the east wing will be finished by spring; breakfast is offered until eleven.",
            &PROMPT[..60],
        ] {
            assert!(passages(&prompts, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn prints_are_kept_without_the_prompt_and_under_a_key() {
        let mut prompts = RegisteredPrompts::new(Some([1; 32]));
        prompts.register("porter", PROMPT).unwrap();
        let json = prompts.to_json();
        assert!(!json.to_lowercase().contains("hotel"));
        let again = RegisteredPrompts::from_json(&json, Some([1; 32])).unwrap();
        assert_eq!(again.names(), ["porter"]);
        assert_eq!(passages(&again, PROMPT).len(), 1);
        assert_eq!(RegisteredPrompts::from_json(&json, Some([2; 32])).unwrap_err(), PromptError::Key);
        assert!(matches!(RegisteredPrompts::from_json("{}", None), Err(PromptError::Format(_))));
        assert_eq!(prompts.register("porter", PROMPT), Err(PromptError::Taken));
    }
}
