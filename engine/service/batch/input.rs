//! Where contents come from: files, directories, standard input; plain, gzip or zstd; whole, or one per line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ignore::WalkBuilder;
use tamiz_core::Format;

/// Contents handed out together.
const BATCH_COUNT: usize = 512;
/// Bytes handed out together.
const BATCH_BYTES: usize = 32 << 20;
/// A compressed file may grow by this much, and by no more once it is larger than [`FREE_BYTES`].
const LARGEST_RATIO: u64 = 1_000;
const FREE_BYTES: u64 = 256 << 20;

/// How to read inputs.
#[derive(Debug, Clone)]
pub struct InputOptions {
    /// The format, or `Auto`: by name and content.
    pub format: Format,
    /// Whether `.gitignore` and the like are honoured in directories.
    pub honour_ignore: bool,
    /// Longest record of a JSON Lines file, in bytes.
    pub longest_record: usize,
}

/// One content to be read and inspected.
#[derive(Debug)]
pub struct Input {
    label: String,
    source: Source,
    format: Format,
}

#[derive(Debug)]
enum Source {
    File { path: PathBuf, found_in_directory: bool },
    Record { body: Vec<u8>, base: usize, cut_short: Option<String> },
    Problem(String),
}

/// A content in memory.
#[derive(Debug)]
pub struct Loaded {
    /// What to call it.
    pub label: String,
    /// Its bytes, decompressed.
    pub body: Vec<u8>,
    /// Where these start in the file.
    pub base: usize,
    /// How it is written.
    pub format: Format,
    /// Why there is more of it than `body`.
    pub cut_short: Option<String>,
}

impl Input {
    /// Reads it, up to one byte more than `limit`. `None`: a binary file that nobody asked for by name.
    ///
    /// # Errors
    /// A message with the place and the reason.
    pub fn load(self, limit: usize) -> Result<Option<Loaded>, String> {
        let Self { label, source, format } = self;
        let (body, base, cut_short) = match source {
            Source::Problem(message) => return Err(message),
            Source::Record { body, base, cut_short } => (body, base, cut_short),
            Source::File { path, found_in_directory } => {
                let mut reader = open(&path).map_err(|error| format!("{label}: {}", explain(&error)))?;
                let (body, cut_short) = read_up_to(&mut reader, limit + 1);
                if let (true, Some(why)) = (body.is_empty(), &cut_short) {
                    return Err(format!("{label}: {why}"));
                }
                if found_in_directory && is_binary(&body) {
                    return Ok(None);
                }
                (body, 0, cut_short)
            }
        };
        Ok(Some(Loaded { label, body, base, format, cut_short }))
    }
}

/// All contents of some paths, in batches.
#[derive(Debug)]
pub struct Inputs {
    files: std::vec::IntoIter<Found>,
    lines: Option<Lines>,
    options: InputOptions,
    /// Files whose contents have been handed out.
    done: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Found {
    File { path: PathBuf, in_directory: bool },
    Stdin,
    Problem(String),
}

impl Inputs {
    /// Finds the files under `paths`; `-` is standard input. What cannot be listed becomes a problem in its place.
    #[must_use]
    pub fn find(paths: &[PathBuf], options: InputOptions) -> Self {
        let mut found = Vec::new();
        for path in paths {
            if path.as_os_str() == "-" {
                found.push(Found::Stdin);
            } else if path.is_dir() {
                found.extend(walk(path, options.honour_ignore));
            } else {
                found.push(Found::File { path: path.clone(), in_directory: false });
            }
        }
        Self { files: found.into_iter(), lines: None, options, done: Arc::default() }
    }

    /// Files still to be handed out.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is nothing to inspect.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.len() == 0 && self.lines.is_none()
    }

    /// A counter of files handed out, for showing progress.
    #[must_use]
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.done)
    }

    fn next_input(&mut self) -> Option<Input> {
        loop {
            if let Some(lines) = &mut self.lines {
                if let Some(record) = lines.next_record(self.options.longest_record) {
                    return Some(record);
                }
                self.lines = None;
            }
            let file = self.files.next()?;
            self.done.fetch_add(1, Ordering::Relaxed);
            let problem = |label: &str, message: String| {
                Some(Input { label: label.to_owned(), source: Source::Problem(message), format: Format::Text })
            };
            match file {
                Found::Problem(message) => return problem("", message),
                Found::File { path, in_directory } => {
                    let label = path.display().to_string();
                    if !self.by_line(&path) {
                        let format = self.format_of(&path);
                        return Some(Input {
                            label,
                            source: Source::File { path, found_in_directory: in_directory },
                            format,
                        });
                    }
                    match open(&path) {
                        Ok(reader) => self.lines = Some(Lines::new(label, reader)),
                        Err(error) => return problem(&label, format!("{label}: {}", explain(&error))),
                    }
                }
                Found::Stdin if self.options.format == Format::Jsonl => match decompress(Box::new(io::stdin())) {
                    Ok(reader) => self.lines = Some(Lines::new("<stdin>".into(), reader)),
                    Err(error) => return problem("<stdin>", format!("<stdin>: {}", explain(&error))),
                },
                Found::Stdin => {
                    let read = decompress(Box::new(io::stdin()));
                    // One byte more than the limit tells the engine that there was more.
                    let (body, cut_short) = match read {
                        Ok(mut reader) => read_up_to(&mut reader, self.options.longest_record + 1),
                        Err(error) => return problem("<stdin>", format!("<stdin>: {}", explain(&error))),
                    };
                    let source = Source::Record { body, base: 0, cut_short };
                    return Some(Input { label: "<stdin>".into(), source, format: self.options.format });
                }
            }
        }
    }

    /// Whether a file has one content per line.
    fn by_line(&self, path: &Path) -> bool {
        match self.options.format {
            Format::Jsonl => true,
            Format::Auto => matches!(inner_extension(path).as_deref(), Some("jsonl" | "ndjson")),
            _ => false,
        }
    }

    /// A file named .json promises JSON: if it is broken, that is worth saying.
    fn format_of(&self, path: &Path) -> Format {
        match (self.options.format, inner_extension(path).as_deref()) {
            (Format::Auto, Some("json")) => Format::Json,
            (format, _) => format,
        }
    }
}

impl Iterator for Inputs {
    type Item = Vec<Input>;

    fn next(&mut self) -> Option<Vec<Input>> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < BATCH_COUNT && bytes < BATCH_BYTES {
            let Some(input) = self.next_input() else { break };
            bytes += match &input.source {
                Source::Record { body, .. } => body.len(),
                // What it will take in memory, but for compression.
                Source::File { path, .. } => path.metadata().map_or(0, |data| data.len() as usize),
                Source::Problem(_) => 0,
            };
            batch.push(input);
        }
        (!batch.is_empty()).then_some(batch)
    }
}

/// The extension under `.gz` or `.zst`, in lower case.
fn inner_extension(path: &Path) -> Option<String> {
    let lower = |path: &Path| Some(path.extension()?.to_str()?.to_ascii_lowercase());
    match lower(path)?.as_str() {
        "gz" | "zst" => lower(Path::new(path.file_stem()?)),
        other => Some(other.to_owned()),
    }
}

fn walk(root: &Path, honour_ignore: bool) -> Vec<Found> {
    let walker = WalkBuilder::new(root)
        .standard_filters(honour_ignore)
        // Hidden files are where secrets live.
        .hidden(false)
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .sort_by_file_name(Ord::cmp)
        .build();
    walker
        .filter_map(|entry| match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                Some(Found::File { path: entry.into_path(), in_directory: true })
            }
            Ok(_) => None,
            Err(error) => Some(Found::Problem(error.to_string())),
        })
        .collect()
}

/// The records of a JSON Lines file.
struct Lines {
    label: String,
    reader: Box<dyn BufRead + Send>,
    number: usize,
    base: usize,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("label", &self.label).field("number", &self.number).finish_non_exhaustive()
    }
}

impl Lines {
    fn new(label: String, reader: Box<dyn BufRead + Send>) -> Self {
        Self { label, reader, number: 0, base: 0 }
    }

    /// The next line that is not blank. A line longer than `longest` is cut there, said to be, and read past.
    fn next_record(&mut self, longest: usize) -> Option<Input> {
        loop {
            let mut body = Vec::new();
            let base = self.base;
            let read = (&mut self.reader).take(longest as u64 + 1).read_until(b'\n', &mut body);
            self.number += 1;
            self.base += body.len();
            let label = format!("{}:{}", self.label, self.number);
            let problem =
                |message| Some(Input { label: label.clone(), source: Source::Problem(message), format: Format::Json });
            if let Err(error) = read {
                // What came before the break is lost to this line only; a reader that failed once gives nothing more.
                self.reader = Box::new(io::empty());
                return problem(format!("{label}: {}", explain(&error)));
            }
            if body.is_empty() {
                return None;
            }
            let mut cut_short = None;
            if body.last() == Some(&b'\n') {
                body.pop();
            } else if body.len() > longest {
                body.truncate(longest);
                let skipped = self.skip_line();
                self.base += skipped;
                cut_short = Some(format!("the line is longer than max_content_bytes ({longest})"));
            }
            if body.trim_ascii().is_empty() {
                continue;
            }
            return Some(Input { label, source: Source::Record { body, base, cut_short }, format: Format::Json });
        }
    }

    fn skip_line(&mut self) -> usize {
        let mut skipped = 0;
        while let Ok(buffer) = self.reader.fill_buf() {
            let (len, end) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(newline) => (newline + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.reader.consume(len);
            skipped += len;
            if end {
                break;
            }
        }
        skipped
    }
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    if !path.exists() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no such file or directory"));
    }
    decompress(Box::new(File::open(path)?))
}

/// A reader that undoes gzip or zstd, told by the first bytes.
fn decompress(reader: Box<dyn Read + Send>) -> io::Result<Box<dyn BufRead + Send>> {
    let counted = Counted { inner: reader, count: Arc::default() };
    let count = Arc::clone(&counted.count);
    let mut reader = BufReader::with_capacity(256 << 10, counted);
    let bounded = |inner: Box<dyn Read + Send>| {
        Box::new(BufReader::with_capacity(256 << 10, Bounded { inner, compressed: count, given: 0 }))
    };
    // `fill_buf` may return few bytes from a pipe; magic numbers are four at most and come with the first write.
    Ok(match reader.fill_buf()? {
        [0x1f, 0x8b, ..] => bounded(Box::new(flate2::bufread::MultiGzDecoder::new(reader))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => bounded(Box::new(zstd::stream::read::Decoder::with_buffer(reader)?)),
        _ => Box::new(reader),
    })
}

/// Counts the bytes read.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        self.count.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}

/// Stops a stream that grows out of all proportion.
struct Bounded {
    inner: Box<dyn Read + Send>,
    compressed: Arc<AtomicU64>,
    given: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given > FREE_BYTES && self.given / LARGEST_RATIO > self.compressed.load(Ordering::Relaxed) {
            return Err(io::Error::other(format!(
                "it decompresses to more than {LARGEST_RATIO} times its size; stopped after {} bytes",
                self.given
            )));
        }
        let len = self.inner.read(buffer)?;
        self.given += len as u64;
        Ok(len)
    }
}

/// As much as there is, up to `most` bytes; and why there may be more, if reading broke off.
fn read_up_to(reader: &mut dyn Read, most: usize) -> (Vec<u8>, Option<String>) {
    let mut body = Vec::new();
    let cut_short = reader.take(most as u64).read_to_end(&mut body).err().map(|error| explain(&error));
    (body, cut_short)
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".into(),
        io::ErrorKind::PermissionDenied => "permission denied; run as a user who may read it".into(),
        io::ErrorKind::UnexpectedEof => "the compressed data ends too early; fetch the file again".into(),
        _ => format!("cannot be read: {error}"),
    }
}

/// Zero bytes early on, and no UTF-16 or UTF-32 mark.
fn is_binary(body: &[u8]) -> bool {
    let head = &body[..body.len().min(8 << 10)];
    head.contains(&0) && !head.starts_with(&[0xff, 0xfe]) && !head.starts_with(&[0xfe, 0xff])
}
