//! Ordinary texts to measure on, by sort: the bundled benign examples. They travel in the binary, so that machines compare.

/// A sort of text, and the files it is made of.
pub struct Sort {
    /// Its name in reports.
    pub name: &'static str,
    files: &'static [&'static [u8]],
}

macro_rules! sort {
    ($name:literal: $($file:literal),+) => {
        Sort { name: $name, files: &[$(include_bytes!(concat!("../../examples/benign/", $file))),+] }
    };
}

/// All sorts.
pub static SORTS: &[Sort] = &[
    sort!("prose": "terms.txt", "recipe.md", "meeting-notes.md", "abstract.txt"),
    sort!("code": "code/walker.rs", "code/agent_loop.py", "code/middleware.js", "code/config.go"),
    sort!("json": "api-issues.json"),
    sort!("chat": "email-thread.eml", "chat/roleplay-linux-terminal.txt", "chat/roleplay-story.txt"),
    sort!("multilingual": "i18n/zh-manual.md", "i18n/ar-article.md", "i18n/ru-email.txt", "i18n/hi-notice.md"),
];

/// All text of a sort.
#[must_use]
pub fn whole(sort: &Sort) -> Vec<u8> {
    sort.files.concat()
}

/// The text of a sort, repeated or cut to `size` bytes at a character boundary.
#[must_use]
pub fn sized(sort: &Sort, size: usize) -> Vec<u8> {
    let mut all: Vec<u8> = whole(sort).iter().copied().cycle().take(size).collect();
    while std::str::from_utf8(&all).is_err_and(|error| error.error_len().is_none()) {
        all.pop();
    }
    all
}
