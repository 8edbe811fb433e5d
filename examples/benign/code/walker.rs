//! Walks a directory tree and honours ignore files.
//!
//! The rules of a deeper ignore file override the rules of a higher one. A rule that starts with `!` brings a path back
//! that an earlier rule ignored. Nothing in here follows symbolic links.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What to do with one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Skip it and everything below it.
    Ignore,
    /// Visit it even though a previous rule ignored it.
    Override,
    /// No rule said anything.
    None,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: String,
    negate: bool,
    dir_only: bool,
}

impl Rule {
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (negate, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (dir_only, line) = match line.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        Some(Self { pattern: line.to_owned(), negate, dir_only })
    }

    fn matches(&self, name: &str, is_dir: bool) -> bool {
        if self.dir_only && !is_dir {
            return false;
        }
        match self.pattern.strip_prefix('*') {
            Some(suffix) => name.ends_with(suffix),
            None => name == self.pattern,
        }
    }
}

/// Options of the walk.
#[derive(Debug, Default)]
pub struct Options {
    /// Do not read ignore files at all.
    pub bypass_ignore: bool,
    /// Visit files whose name starts with a dot.
    pub hidden: bool,
    /// Stop after this many files; `None` means unrestricted.
    pub limit: Option<usize>,
}

/// Collects the files below `root`.
///
/// # Errors
/// Forwards the first I/O error, unless it concerns a directory that vanished in between.
pub fn walk(root: &Path, options: &Options) -> io::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    let mut queue = VecDeque::from([(root.to_path_buf(), Vec::<Rule>::new())]);
    while let Some((dir, inherited)) = queue.pop_front() {
        let mut rules = inherited;
        if !options.bypass_ignore {
            if let Ok(text) = fs::read_to_string(dir.join(".ignore")) {
                rules.extend(text.lines().filter_map(Rule::parse));
            }
        }
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            // SAFETY of the tree: someone else may delete it while we look. Ignore that and go on.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !options.hidden && name.starts_with('.') {
                continue;
            }
            let is_dir = entry.file_type()?.is_dir();
            if verdict(&rules, &name, is_dir) == Verdict::Ignore {
                continue;
            }
            if is_dir {
                queue.push_back((entry.path(), rules.clone()));
            } else {
                out.push(entry.path());
                if options.limit.is_some_and(|n| out.len() >= n) {
                    return Ok(out);
                }
            }
        }
    }
    Ok(out)
}

/// The last rule that matches wins, so that new rules override all previous ones.
fn verdict(rules: &[Rule], name: &str, is_dir: bool) -> Verdict {
    rules
        .iter()
        .rev()
        .find(|r| r.matches(name, is_dir))
        .map_or(Verdict::None, |r| if r.negate { Verdict::Override } else { Verdict::Ignore })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_rules_override_previous_rules() {
        let rules: Vec<_> = ["*.log", "!keep.log"].iter().filter_map(|l| Rule::parse(l)).collect();
        assert_eq!(verdict(&rules, "a.log", false), Verdict::Ignore);
        assert_eq!(verdict(&rules, "keep.log", false), Verdict::Override);
        assert_eq!(verdict(&rules, "a.txt", false), Verdict::None);
    }

    #[test]
    #[ignore = "needs a file system that supports 10,000 entries"]
    fn big_directory() {
        unimplemented!();
    }
}
