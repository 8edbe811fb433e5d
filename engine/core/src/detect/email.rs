//! E-mail addresses, by the domains under which names are registered (the Public Suffix List).

use std::ops::Range;

use super::{Detector, Needs};

/// A name, an at sign, and a domain that can have been registered.
#[derive(Debug)]
pub(super) struct EmailAddress;

/// Longest name and longest domain (RFC 5321).
const LONGEST_NAME: usize = 64;
const LONGEST_DOMAIN: usize = 253;

impl Detector for EmailAddress {
    fn name(&self) -> &'static str {
        "email-address"
    }

    fn needs(&self) -> Needs {
        Needs::At
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        for at in memchr::memchr_iter(b'@', text) {
            let before = &text[at.saturating_sub(LONGEST_NAME + 1)..at];
            let name = before.iter().rev().take_while(|byte| is_name(**byte)).count();
            let after = &text[at + 1..(at + 1 + LONGEST_DOMAIN).min(text.len())];
            let domain = after.iter().take_while(|byte| is_domain(**byte)).count();
            let domain = after[..domain].trim_ascii_end();
            let dots = domain.iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count();
            let domain = &domain[..domain.len() - dots];
            let (from, to) = (at - name, at + 1 + domain.len());
            let lead = text[from..at].iter().take_while(|byte| matches!(byte, b'.' | b'-' | b'\'' | b'%')).count();
            let name = &text[from + lead..at];
            // `git@host:path` is a place, `user:password@host` a credential.
            let remote = text.get(to) == Some(&b':') && name == b"git";
            let login = text[..from].ends_with(b":")
                && memchr::memmem::find(&text[from.saturating_sub(80)..from], b"://").is_some();
            let whole =
                !name.is_empty() && name.len() <= LONGEST_NAME && !name.ends_with(b".") && text.get(to) != Some(&b'@');
            if whole && !remote && !login && !is_nobody(name) && is_registered(domain) {
                found(from + lead..to);
            }
        }
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'') || byte >= 0x80
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-') || byte >= 0x80
}

/// Senders that no person reads.
fn is_nobody(name: &[u8]) -> bool {
    ["noreply", "no-reply", "donotreply", "do-not-reply", "git"]
        .iter()
        .any(|nobody| name.eq_ignore_ascii_case(nobody.as_bytes()))
}

/// Whether a domain is one that somebody can have under a suffix that exists.
fn is_registered(domain: &[u8]) -> bool {
    let (mut lower, len) = ([0; LONGEST_DOMAIN], domain.len().min(LONGEST_DOMAIN));
    lower[..len].copy_from_slice(&domain[..len]);
    lower[..len].make_ascii_lowercase();
    let mut labels = lower[..len].split(|byte| *byte == b'.');
    let well_formed =
        labels.clone().all(|label| matches!(label.len(), 1..=63) && !label.starts_with(b"-") && !label.ends_with(b"-"));
    let top = labels.next_back().unwrap_or_default();
    well_formed
        && top.len() >= 2
        && !top.iter().all(u8::is_ascii_digit)
        && psl::domain(&lower[..len]).is_some_and(|domain| domain.suffix().is_known())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Vec<&str> {
        let mut all = Vec::new();
        EmailAddress.find(text.as_bytes(), &mut |place| all.push(&text[place]));
        all
    }

    #[test]
    fn addresses_are_found_in_text() {
        assert_eq!(
            find("Write to Anna.Lind+news@mail.example.co.uk, <bo@example.org>. 'o'neill@example.com'"),
            ["Anna.Lind+news@mail.example.co.uk", "bo@example.org", "o'neill@example.com"]
        );
        assert_eq!(find("mailto:jörg@müller.de?subject=x"), ["jörg@müller.de"]);
    }

    #[test]
    fn what_is_no_address() {
        for text in [
            "icon@2x.png",
            "pkg@1.2.3",
            "@types/node",
            "a@b",
            "git@github.com:a/b.git",
            "x@co.uk",
            "@@",
            "a@.com",
            "a.@example.com",
            "https://user:secret@host.example.com/",
            "noreply@example.com",
            "a@-x-.com",
            "user@localhost",
            "user@host.invalid",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
    }
}
