//! Addresses of networks: IPv4 and IPv6, apart by whether the whole internet reaches them, and those of network cards.

// Types for addresses alone; what opens connections is in std.
use core::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::{Detector, Needs};

/// Addresses that the internet reaches: they lead to a person's connection.
#[derive(Debug)]
pub(super) struct PublicAddress;

/// Addresses that only an organisation's own networks know: they tell how these are built.
#[derive(Debug)]
pub(super) struct PrivateAddress;

/// Hardware addresses of network cards.
#[derive(Debug)]
pub(super) struct MacAddress;

/// Who reaches an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Public,
    Private,
    /// The machine itself, all machines, or nobody: examples of documentation.
    None,
}

impl Detector for PublicAddress {
    fn name(&self) -> &'static str {
        "ip-public"
    }

    fn needs(&self) -> Needs {
        Needs::Address
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        each_of(self, text, found);
    }

    fn is_address(&self, word: &[u8]) -> bool {
        address(word) == Some(Reach::Public)
    }
}

impl Detector for PrivateAddress {
    fn name(&self) -> &'static str {
        "ip-private"
    }

    fn needs(&self) -> Needs {
        Needs::Address
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        each_of(self, text, found);
    }

    fn is_address(&self, word: &[u8]) -> bool {
        address(word) == Some(Reach::Private)
    }
}

impl Detector for MacAddress {
    fn name(&self) -> &'static str {
        "mac-address"
    }

    fn needs(&self) -> Needs {
        Needs::Address
    }

    fn find(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
        each_of(self, text, found);
    }

    fn is_address(&self, word: &[u8]) -> bool {
        is_mac(word)
    }
}

/// Longest of them written out.
const LONGEST: usize = 45;

/// Reports the words that are addresses of `detector`.
fn each_of(detector: &dyn Detector, text: &[u8], found: &mut dyn FnMut(Range<usize>)) {
    each(text, |place, word| {
        if detector.is_address(word) {
            found(place);
        }
    });
}

/// Goes through the words of hexadecimal digits, full stops, colons and hyphens that stand alone.
pub(super) fn each(text: &[u8], mut seen: impl FnMut(Range<usize>, &[u8])) {
    let member = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'-');
    let inside = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit() || *byte == b':');
    let mut at = 0;
    for mark in memchr::memchr3_iter(b'.', b':', b'-', text) {
        // Most full stops and hyphens stand at the end of a word, or between letters that are no digits.
        if mark < at || !inside(text.get(mark + 1)) || !inside(mark.checked_sub(1).and_then(|before| text.get(before)))
        {
            continue;
        }
        let start = mark - text[at..mark].iter().rev().take_while(|byte| member(byte)).count();
        let len = text[start..].iter().take_while(|byte| member(byte)).count();
        at = start + len;
        let joined = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if joined(start.checked_sub(1).and_then(|before| text.get(before))) || joined(text.get(at)) {
            continue;
        }
        let mut word = &text[start..at];
        let mut from = start;
        // A sentence may end here, and `host:` or a port stand beside it.
        while let [b'.' | b':' | b'-', rest @ ..] = word
            && !word.starts_with(b"::")
        {
            (word, from) = (rest, from + 1);
        }
        while let [rest @ .., b'.' | b':' | b'-'] = word
            && !word.ends_with(b"::")
        {
            word = rest;
        }
        if word.contains(&b'.') && word.iter().filter(|byte| **byte == b':').count() == 1 {
            word = word.split(|byte| *byte == b':').next().unwrap_or(word);
        }
        if (7..=LONGEST).contains(&word.len()) {
            seen(from..from + word.len(), word);
        }
    }
}

fn address(word: &[u8]) -> Option<Reach> {
    // Most words are dates and times.
    let count = |mark: u8| word.iter().filter(|byte| **byte == mark).count();
    if count(b'.') != 3 && count(b':') < 2 {
        return None;
    }
    let text = std::str::from_utf8(word).ok()?;
    let colons = count(b':');
    if colons == 0 {
        let four = text.parse::<Ipv4Addr>().ok()?;
        // Four small numbers are a version sooner than an address.
        let version = four.octets().iter().all(|octet| *octet < 10);
        return (!version).then(|| reach4(four));
    }
    if colons < 6 && memchr::memmem::find(word, b"::").is_none() {
        return None;
    }
    let groups = text.split(':').filter(|group| !group.is_empty()).count();
    text.parse::<Ipv6Addr>().ok().filter(|_| groups >= 3).map(reach6)
}

fn reach4(address: Ipv4Addr) -> Reach {
    let shared = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
    if address.is_private() || address.is_link_local() || shared {
        Reach::Private
    } else if address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_documentation()
        || address.octets()[0] >= 240
        || address.octets()[0] == 0
        // Masks.
        || address.octets()[0] == 255
    {
        Reach::None
    } else {
        Reach::Public
    }
}

fn reach6(address: Ipv6Addr) -> Reach {
    let [first, second, ..] = address.segments();
    if let Some(four) = address.to_ipv4_mapped() {
        reach4(four)
    } else if address.is_unique_local() || address.is_unicast_link_local() {
        Reach::Private
    } else if address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || (first, second) == (0x2001, 0xdb8)
    {
        Reach::None
    } else {
        Reach::Public
    }
}

/// Six pairs of hexadecimal digits with hyphens or colons, or three groups of four with full stops.
fn is_mac(word: &[u8]) -> bool {
    let groups = |separator: u8, count: usize, len: usize| {
        let mut all = word.split(|byte| *byte == separator);
        all.clone().count() == count && all.all(|group| group.len() == len && group.iter().all(u8::is_ascii_hexdigit))
    };
    let right = match word.len() {
        17 => groups(b':', 6, 2) || groups(b'-', 6, 2),
        14 => groups(b'.', 3, 4) && word.iter().any(|byte| byte.is_ascii_alphabetic()),
        _ => false,
    };
    let mut digits = word.iter().filter(|byte| byte.is_ascii_hexdigit()).map(u8::to_ascii_lowercase);
    let first = digits.next();
    right && digits.any(|byte| Some(byte) != first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'t>(detector: &dyn Detector, text: &'t str) -> Vec<&'t str> {
        let mut all = Vec::new();
        detector.find(text.as_bytes(), &mut |place| all.push(&text[place]));
        all
    }

    #[test]
    fn public_and_private_addresses_are_told_apart() {
        let text = "from 81.2.69.142:8080, [2a02:26f0:fe00:1::5], 10.20.30.40/8 and fe80::1ff:fe23:4567:890a. Not 127.0.0.1,\
                    192.0.2.17, 255.255.255.0, 2001:db8::12:34, 1.2.3.4, 12:20:39, 300.1.2.33, 1.22.33.44.55.";
        assert_eq!(find(&PublicAddress, text), ["81.2.69.142", "2a02:26f0:fe00:1::5"]);
        assert_eq!(find(&PrivateAddress, text), ["10.20.30.40", "fe80::1ff:fe23:4567:890a"]);
    }

    #[test]
    fn hardware_addresses() {
        let text = "00:1A:2b:3c:4d:5e 00-1a-2b-3c-4d-5e, 001a.2b3c.4d5e; ff:ff:ff:ff:ff:ff 00:1a:2b:3c:4d 1234.5678.9012 \
                    00:1a:2b:3c:4d:5e:6f";
        assert_eq!(find(&MacAddress, text), ["00:1A:2b:3c:4d:5e", "00-1a-2b-3c-4d-5e", "001a.2b3c.4d5e"]);
    }
}
