//! Marking a text that arrives in pieces.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::datamark::{Datamark, State};
use super::{Kind, MarkEncoding, Marker, SpotlightError, begin, end, rot13, write_encoded};

/// Marks a plain text in chunks. However it is cut, the output together is that of the whole text.
///
/// A few bytes are held back where a chunk ends within a character or a group of base64.
///
/// ```
/// use tamiz_core::{Marker, Placement, SpotlightStream};
/// let marker = Marker::datamark(&[7; 16], 2, Placement::Whitespace);
/// let (mut stream, mut out) = (SpotlightStream::new(marker.clone()), Vec::new());
/// stream.push("two wör".as_bytes(), &mut out)?;
/// stream.push(b"ds", &mut out)?;
/// stream.finish(&mut out)?;
/// assert_eq!(marker.undo(&out)?, "two wörds".as_bytes());
/// # Ok::<(), tamiz_core::SpotlightError>(())
/// ```
pub struct SpotlightStream {
    marker: Marker,
    state: State,
    /// The end of what came, which may go on.
    held: Vec<u8>,
    /// The last bytes that were written, to see a delimiter that is cut in two; for base64, the beginning of a group of three.
    tail: Vec<u8>,
    begun: bool,
}

impl std::fmt::Debug for SpotlightStream {
    /// Shows sizes, never the text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpotlightStream").field("held_bytes", &self.held.len()).finish_non_exhaustive()
    }
}

impl SpotlightStream {
    /// A stream at its beginning.
    #[must_use]
    pub fn new(marker: Marker) -> Self {
        Self { marker, state: State::default(), held: Vec::new(), tail: Vec::new(), begun: false }
    }

    /// Adds what can be said of the next piece to `out`.
    ///
    /// # Errors
    /// When it is not UTF-8, or the delimiter comes up in it. The stream is of no use then.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), SpotlightError> {
        let joined;
        let text = if self.held.is_empty() {
            chunk
        } else {
            joined = [&self.held, chunk].concat();
            &joined
        };
        let whole = match simdutf8::compat::from_utf8(text) {
            Ok(_) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Err(SpotlightError::NotUtf8),
        };
        let keep = match &self.marker.kind {
            // The beginning of `\u{`.
            Kind::Datamark { .. } if text[..whole].ends_with(b"\\") => 1,
            Kind::Datamark { .. } if text[..whole].ends_with(b"\\u") => 2,
            _ => 0,
        };
        let (now, later) = text.split_at(whole - keep);
        self.write(now, out)?;
        self.held = later.to_vec();
        Ok(())
    }

    /// Adds the end. The stream is at its beginning again.
    ///
    /// # Errors
    /// When the text ended within a character.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), SpotlightError> {
        let held = std::mem::take(&mut self.held);
        if std::str::from_utf8(&held).is_err() {
            return Err(SpotlightError::NotUtf8);
        }
        self.write(&held, out)?;
        match &self.marker.kind {
            Kind::Delimit { id } => out.extend_from_slice(end(id).as_bytes()),
            Kind::Encode(MarkEncoding::Base64) => out.extend_from_slice(STANDARD.encode(&self.tail).as_bytes()),
            _ => {}
        }
        *self = Self::new(self.marker.clone());
        Ok(())
    }

    fn write(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), SpotlightError> {
        match &self.marker.kind {
            Kind::Delimit { id } => {
                let seen = [&self.tail, text].concat();
                if memchr::memmem::find(&seen, id.as_bytes()).is_some() {
                    return Err(SpotlightError::Collision);
                }
                self.tail = seen[seen.len().saturating_sub(id.len() - 1)..].to_vec();
                if !self.begun {
                    out.extend_from_slice(begin(id).as_bytes());
                }
                out.extend_from_slice(text);
            }
            Kind::Datamark { marker, placement } => {
                let datamark = Datamark { marker: marker.as_bytes(), placement: *placement, json: false };
                datamark.mark(text, &mut self.state, out);
            }
            Kind::Encode(MarkEncoding::Base64) => {
                let text = [&self.tail, text].concat();
                let (groups, rest) = text.split_at(text.len() / 3 * 3);
                out.extend_from_slice(STANDARD.encode(groups).as_bytes());
                self.tail = rest.to_vec();
            }
            Kind::Encode(MarkEncoding::Rot13) => out.extend(rot13(text, false)),
            Kind::Encode(encoding) => write_encoded(*encoding, text, out),
        }
        self.begun = true;
        Ok(())
    }
}
