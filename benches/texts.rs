//! Texts to measure on: the bundled benign examples, by sort, cut or repeated to a size; and what is expected of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;

const SORTS: [(&str, &[&str]); 5] = [
    ("prose", &["terms.txt", "recipe.md", "meeting-notes.md", "abstract.txt"]),
    ("code", &["code/walker.rs", "code/agent_loop.py", "code/middleware.js", "code/config.go"]),
    ("json", &["api-issues.json"]),
    ("chat", &["email-thread.eml", "chat/roleplay-linux-terminal.txt", "chat/roleplay-story.txt"]),
    ("multilingual", &["i18n/zh-manual.md", "i18n/ar-article.md", "i18n/ru-email.txt", "i18n/hi-notice.md"]),
];

/// Sizes measured, in bytes.
const SIZES: [(&str, usize); 4] = [("256B", 256), ("2KB", 2 << 10), ("16KB", 16 << 10), ("1MB", 1 << 20)];

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Sort, size and text of everything measured.
pub(crate) fn all() -> Vec<(String, Vec<u8>)> {
    let mut texts = Vec::new();
    for (sort, files) in SORTS {
        let read = |file: &&str| {
            fs::read(here().join("examples/benign").join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
        };
        let text: Vec<u8> = files.iter().flat_map(read).collect();
        texts.extend(SIZES.map(|(name, size)| (format!("{sort}/{name}"), sized(&text, size))));
    }
    texts
}

/// Half a minute for a table of twenty, not half an hour.
pub(crate) fn short(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
}

/// `text`, repeated or cut to `size` bytes at a character boundary.
fn sized(text: &[u8], size: usize) -> Vec<u8> {
    let mut all: Vec<u8> = text.iter().copied().cycle().take(size).collect();
    while std::str::from_utf8(&all).is_err_and(|error| error.error_len().is_none()) {
        all.pop();
    }
    all
}

/// Counts that each benchmark must come to: a benchmark that skips work must not look fast. `TAMIZ_BENCH_BLESS=1` rewrites them.
pub(crate) struct Expected {
    file: PathBuf,
    counts: BTreeMap<String, usize>,
    bless: bool,
}

impl Expected {
    pub(crate) fn read(name: &str) -> Self {
        let file = here().join("benches/expected").join(format!("{name}.json"));
        let counts = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { file, counts, bless: std::env::var_os("TAMIZ_BENCH_BLESS").is_some() }
    }

    pub(crate) fn check(&mut self, what: &str, count: usize) {
        if self.bless {
            self.counts.insert(what.to_owned(), count);
            let text = serde_json::to_string_pretty(&self.counts).expect("counts are JSON");
            fs::write(&self.file, text + "\n").expect("benches/expected is writable");
        } else {
            assert_eq!(Some(&count), self.counts.get(what), "{what}: the count changed; see benches/texts.rs");
        }
    }
}
