//! URLs that carry data rather than name a page.

use super::Validator;

/// A URL with a template placeholder, or with a long token as a query value or path segment.
#[derive(Debug)]
pub(super) struct UrlData;

/// A value this long is no page number or language.
const LONG: usize = 24;

impl Validator for UrlData {
    fn name(&self) -> &'static str {
        "url-data"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        let Some(scheme) = memchr::memmem::find(text, b"://") else { return false };
        let rest = &text[scheme + 3..];
        let Some(path) = rest.iter().position(|byte| matches!(byte, b'/' | b'?')) else { return false };
        let rest = &rest[path..];
        let query_at = memchr::memchr(b'?', rest).unwrap_or(rest.len());
        let placeholder = |open: &[u8]| memchr::memmem::find(rest, open).is_some();
        if placeholder(b"{") || placeholder(b"%7B") || placeholder(b"<") || placeholder(b"[") {
            return true;
        }
        let values = rest[query_at..].split(|byte| matches!(byte, b'?' | b'&' | b'=' | b'#' | b')' | b'"'));
        let segments = rest[..query_at].split(|byte| matches!(byte, b'/' | b')' | b'"'));
        values.into_iter().chain(segments).any(carries_data)
    }
}

/// Long, of token characters only, with letters of both cases and digits, or escaped text.
fn carries_data(value: &[u8]) -> bool {
    if value.len() < LONG {
        return false;
    }
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    let random = has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let token =
        value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'_' | b'=' | b'%'));
    let escaped = value.iter().filter(|byte| matches!(byte, b'%' | b'+')).count() >= 4;
    token && (random || escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_not_data() {
        for page in [
            "https://example.com/docs/intro?lang=en",
            "https://img.shields.io/badge/build-passing-green",
            "https://example.com",
        ] {
            assert!(!UrlData.accepts(page.as_bytes()), "{page}");
        }
        for data in [
            "https://x.test/p?d={{secret}}",
            "https://x.test/?q=QmFzZTY0RGF0YUdvZXNIZXJlMTIz",
            "https://x.test/?q=my+pass+word+is+hunter2+ok+then",
        ] {
            assert!(UrlData.accepts(data.as_bytes()), "{data}");
        }
    }
}
