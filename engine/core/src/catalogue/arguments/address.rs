//! Addresses that lead where the caller has no business: inside networks, to cloud metadata, by disguises and detours.
//!
//! No name is looked up, and nothing is asked. Readers of addresses differ, so an address is refused if any common reading of it
//! leads inside.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::purpose::Purpose;
use crate::view::Folder;

type Found = Vec<(&'static str, String)>;

/// Hosts of cloud metadata: whoever asks them gets credentials.
const METADATA_NAMES: &[&str] = &[
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
    "instance-data",
];
const METADATA_V4: &[[u8; 4]] =
    &[[169, 254, 169, 254], [169, 254, 170, 2], [100, 100, 100, 200], [192, 0, 0, 192], [168, 63, 129, 16]];
/// Names that anybody can make point inside, by the address in the name or always.
const WILDCARD_DNS: &[&str] =
    &["nip.io", "sslip.io", "xip.io", "localtest.me", "lvh.me", "vcap.me", "lacolhost.com", "rbndr.us", "1u.ms"];
/// Names of hosts that are not on the internet.
const INSIDE_SUFFIXES: &[&str] =
    &[".internal", ".local", ".localhost", ".localdomain", ".intranet", ".corp", ".lan", ".svc", ".cluster.local"];
/// Hosts whose business is to lead elsewhere.
const REDIRECTORS: &[&str] = &[
    "bit.ly",
    "tinyurl.com",
    "t.co",
    "goo.gl",
    "is.gd",
    "ow.ly",
    "rb.gy",
    "cutt.ly",
    "shorturl.at",
    "tiny.cc",
    "rebrand.ly",
    "httpbin.org/redirect-to",
    "r3dir.me",
];
/// Schemes that make a fetcher talk to something else than a web server.
const FOREIGN_SCHEMES: &[&str] = &[
    "file",
    "gopher",
    "dict",
    "ldap",
    "ldaps",
    "tftp",
    "jar",
    "netdoc",
    "phar",
    "expect",
    "php",
    "smb",
    "javascript",
    "vbscript",
];

pub(super) fn check(text: &str, purpose: Purpose, found: &mut Found) {
    match purpose {
        Purpose::Address => one(text, found),
        // In a command or an unknown text, addresses are found by their `://`.
        Purpose::Program | Purpose::Other | Purpose::File => {
            for url in urls(text).take(32) {
                let mut of_url = Vec::new();
                one(url, &mut of_url);
                // A file's address is a file, and a developer's own machine is no news in a command.
                of_url.retain(|(rule, _)| match purpose {
                    Purpose::File => *rule != "tool-misuse.address-scheme",
                    Purpose::Program => *rule == "tool-misuse.ssrf-metadata" || *rule == "tool-misuse.ssrf-disguised",
                    _ => true,
                });
                found.extend(of_url);
            }
        }
        Purpose::Prose => {}
    }
}

/// The addresses in a text: from a scheme to the next space or quote.
fn urls(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("://").map(|(at, _)| {
        let scheme =
            text[..at].bytes().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(byte)).count();
        let end = text[at..].find(|character: char| character.is_whitespace() || "\"'`<>|".contains(character));
        &text[at - scheme..end.map_or(text.len(), |end| at + end)]
    })
}

fn one(text: &str, found: &mut Found) {
    // Readers drop tabs and line ends, and some drop spaces around.
    let text: String = text.trim().chars().filter(|character| !character.is_control()).collect();
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), text.as_str()),
    };
    if FOREIGN_SCHEMES.contains(&scheme.as_str()) {
        let words = format!("the scheme `{scheme}` is not one of the web");
        return found.push(("tool-misuse.address-scheme", words));
    }
    let rest = rest.trim_start_matches(['/', '\\']);
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or(rest);
    // Where a backslash ends the host for some readers, others read on to the `@`.
    let long = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let mut pieces: Vec<&str> = authority.split('@').chain(long.split('@')).collect();
    pieces.dedup();
    let shown = pieces.last().copied().unwrap_or_default();
    let disguised = authority.contains('@') || long != authority;
    let mut inside = None;
    for piece in pieces {
        inside = inside.max(place(piece));
    }
    let host = plain_host(shown);
    match inside {
        Some(Place::Metadata) => {
            found.push(("tool-misuse.ssrf-metadata", "it leads to a service that hands out cloud credentials".into()));
        }
        Some(Place::Disguised) => {
            found.push((
                "tool-misuse.ssrf-disguised",
                "it leads to an inner network, and is written so as not to look like it".into(),
            ));
        }
        Some(Place::Inside) if disguised => {
            found.push(("tool-misuse.ssrf-disguised", "another host stands before an inner one".into()));
        }
        Some(Place::Inside) => {
            found.push(("tool-misuse.ssrf-internal", "it leads to an inner network or this machine".into()));
        }
        None if long != authority
            || (authority.contains('@') && authority.split('@').next().is_some_and(looks_like_host)) =>
        {
            found.push((
                "tool-misuse.address-disguised",
                "what looks like its host is a user's name, or the other way round".into(),
            ));
        }
        None => {}
    }
    let leads_on = |redirector: &&&str| match redirector.split_once('/') {
        Some((name, path)) => host == name && rest.contains(path),
        None => host == **redirector || host.ends_with(&format!(".{redirector}")),
    };
    if let Some(redirector) = REDIRECTORS.iter().find(leads_on) {
        let words = format!("`{redirector}` leads on to an address that nobody has seen");
        found.push(("tool-misuse.address-redirector", words));
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-".contains(&byte))
        && text.len() <= 32
        // `localhost:8080` has a port.
        && !["localhost"].contains(&text)
}

/// Whether the text before an `@` is meant to be taken for the host.
fn looks_like_host(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or(user);
    let known = |end: &str| [".com", ".org", ".net", ".io", ".dev", ".gov", ".edu", ".app"].contains(&end);
    name.rfind('.').is_some_and(|dot| known(&name[dot..].to_ascii_lowercase()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Inside,
    Disguised,
    Metadata,
}

/// A host as readers see it: percent signs undone, look-alike digits and dots plain, no port, lower case.
fn plain_host(piece: &str) -> String {
    let decoded = percent_decoded(piece);
    let folded = Folder::default().fold(decoded.replace(['。', '．', '｡'], ".").as_bytes()).to_vec();
    let host = String::from_utf8_lossy(&folded).into_owned();
    let host = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, _)) => return inner.split('%').next().unwrap_or(inner).to_owned(),
        None => host,
    };
    // One colon begins a port; more are an IPv6 address without its brackets.
    let host = if host.matches(':').count() == 1 { host.split(':').next().unwrap_or(&host).to_owned() } else { host };
    host.trim_end_matches('.').to_owned()
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits =
            bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%').and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where a host is, if it is inside.
fn place(piece: &str) -> Option<Place> {
    let host = plain_host(piece);
    if METADATA_NAMES.contains(&host.as_str()) {
        return Some(Place::Metadata);
    }
    if let Some(address) = ipv4_loose(&host) {
        return Some(inside_v4(address)?.disguised_unless(address.to_string() == piece_without_port(piece)));
    }
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return inside_v6(address);
    }
    if let Some(dns) = WILDCARD_DNS.iter().find(|dns| host == **dns || host.ends_with(&format!(".{dns}"))) {
        let embedded = host.trim_end_matches(dns).trim_end_matches('.').replace('-', ".");
        let labels: Vec<&str> = embedded.split('.').collect();
        let metadata = labels
            .windows(4)
            .filter_map(|four| ipv4_loose(&four.join(".")))
            .any(|address| inside_v4(address) == Some(Place::Metadata));
        return Some(if metadata { Place::Metadata } else { Place::Disguised });
    }
    let named = host == "localhost" || INSIDE_SUFFIXES.iter().any(|suffix| host.ends_with(suffix));
    named.then(|| {
        Place::Inside.disguised_unless(piece_without_port(piece).trim_end_matches('.').eq_ignore_ascii_case(&host))
    })
}

impl Place {
    /// The metadata service stays what it is, however it is written.
    fn disguised_unless(self, plain: bool) -> Self {
        if plain || self == Self::Metadata { self } else { Self::Disguised }
    }
}

fn piece_without_port(piece: &str) -> &str {
    piece.split(':').next().unwrap_or(piece)
}

/// An IPv4 address in any of the ways that C libraries read: one to four parts, each decimal, octal or hexadecimal.
fn ipv4_loose(host: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = host.split('.').collect();
    let number = |part: &&str| -> Option<u64> {
        let lower = part.to_ascii_lowercase();
        match lower.strip_prefix("0x") {
            Some("") => Some(0),
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None if lower.len() > 1 && lower.starts_with('0') && lower.bytes().all(|byte| byte.is_ascii_digit()) => {
                // With an 8 or 9 in it, it is decimal to those who read it at all.
                u64::from_str_radix(&lower, 8).or_else(|_| lower.parse()).ok()
            }
            None if !lower.is_empty() && lower.bytes().all(|byte| byte.is_ascii_digit()) => lower.parse().ok(),
            None => None,
        }
    };
    let numbers: Vec<u64> = parts.iter().map(number).collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    if first.len() > 3 || first.iter().any(|number| *number > 255) || *last >> (8 * (4 - first.len())) != 0 {
        return None;
    }
    let address = first.iter().zip([24, 16, 8]).fold(*last, |address, (number, shift)| address | number << shift);
    u32::try_from(address).ok().map(Ipv4Addr::from)
}

fn inside_v4(address: Ipv4Addr) -> Option<Place> {
    if METADATA_V4.contains(&address.octets()) {
        return Some(Place::Metadata);
    }
    let [a, b, c, _] = address.octets();
    let inside = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    inside.then_some(Place::Inside)
}

fn inside_v6(address: Ipv6Addr) -> Option<Place> {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        inside_v4(Ipv4Addr::new(a, b, c, d)).map(|place| place.disguised_unless(false))
    };
    // The metadata service of AWS.
    if segments == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] {
        return Some(Place::Metadata);
    }
    if address.is_loopback()
        || address.is_unspecified()
        || segments[0] & 0xfe00 == 0xfc00
        || segments[0] & 0xffc0 == 0xfe80
    {
        return Some(Place::Inside);
    }
    match segments {
        // Mapped, compatible, translated (NAT64) and 6to4 addresses have an IPv4 address in them.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => embedded(high, low),
        [0x64, 0xff9b, .., high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        let mut found = Vec::new();
        check(text, Purpose::Address, &mut found);
        found.into_iter().map(|(rule, _)| rule).collect()
    }

    #[test]
    fn every_way_to_write_an_inner_address_is_read() {
        for text in [
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://0x7f.1/",
            "http://0x7f000001:8080/x",
            "http://127.1/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[0:0:0:0:0:ffff:10.0.0.1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[2002:a00:1::]/",
            "http://１２７.０.０.１/",
            "http://127。0。0。1/",
            "http://%31%32%37.0.0.1/",
            "http://10.0.0.1.nip.io/",
            "http://example.com@127.0.0.1/",
            "http://127.0.0.1\\@example.com/",
            "http:/\\/192.168.0.1@example.com",
            "http:\t//lo\ncalhost.localtest.me/",
            "http://ⓛocalhost/",
            "http://00000300.0250.0.1/",
        ] {
            assert_eq!(rules(text), ["tool-misuse.ssrf-disguised"], "{text}");
        }
        for text in [
            "http://127.0.0.1:3000/x",
            "https://10.1.2.3",
            "192.168.1.1",
            "http://172.31.0.1/",
            "http://localhost:8080/",
            "localhost:8080",
            "http://LOCALHOST./",
            "http://db.internal/",
            "http://[::1]/",
            "http://[fd12::1]:80/",
            "http://[fe80::1%25eth0]/",
            "http://0.0.0.0/",
            "http://100.64.0.1/",
        ] {
            assert_eq!(rules(text), ["tool-misuse.ssrf-internal"], "{text}");
        }
        for text in [
            "http://169.254.169.254/latest/meta-data/",
            "http://metadata.google.internal/computeMetadata/v1/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[fd00:ec2::254]/",
            "http://169.254.169.254.nip.io/",
            "http://169-254-169-254.sslip.io/",
            "http://100.100.100.200/",
            "http://user@169.254.170.2/v2",
        ] {
            assert_eq!(rules(text), ["tool-misuse.ssrf-metadata"], "{text}");
        }
    }

    #[test]
    fn detours_and_other_schemes_are_told() {
        assert_eq!(rules("https://bit.ly/3x"), ["tool-misuse.address-redirector"]);
        assert_eq!(rules("https://httpbin.org/redirect-to?url=x"), ["tool-misuse.address-redirector"]);
        assert_eq!(rules("https://github.com@evil.example/"), ["tool-misuse.address-disguised"]);
        for text in ["file:///etc/hosts", "gopher://x:70/_", "FILE:/x", "javascript:alert(1)"] {
            assert_eq!(rules(text), ["tool-misuse.address-scheme"], "{text}");
        }
    }

    #[test]
    fn ordinary_addresses_pass() {
        for text in [
            "https://example.com/a?b=c#d",
            "http://8.8.8.8/",
            "https://user:pass@example.com/",
            "mailto:me@example.com",
            "git@github.com:a/b.git",
            "https://[2606:4700::1111]/",
            "example.com:8080/path",
            "https://xn--bcher-kva.example/",
            "https://local.example.com/",
            "v1.2.3.4.5",
            "https://en.wikipedia.org/wiki/127.0.0.1",
            "",
            "::",
            "@",
            "[",
        ] {
            let found = rules(text);
            assert!(found.is_empty() || text == "::", "{text}: {found:?}");
        }
        let mut found = Vec::new();
        check("curl http://localhost:3000/ && curl http://169.254.169.254/", Purpose::Program, &mut found);
        assert_eq!(found.len(), 1);
    }
}
