//! Checks of what an expression matched. To add one: a file here and a line in [`VALIDATORS`].

mod base64_blob;
mod bech32;
mod bip39;
mod checksum;
mod claims;
mod entropy;
mod id;
mod iso7064;
mod jwt;
mod key;
mod key_block;
mod luhn;
mod mod97;
mod published;
mod random;
mod url_data;
mod verhoeff;

use std::fmt::Debug;
use std::ops::Range;

/// Says whether a matched text is what it looks like.
pub(crate) trait Validator: Sync + Debug {
    fn name(&self) -> &'static str;
    fn accepts(&self, text: &[u8]) -> bool;

    /// The same of letters and digits in capitals, with nothing between them.
    fn accepts_compact(&self, text: &[u8]) -> bool {
        self.accepts(text)
    }

    /// The same, knowing what server the text goes to, if the caller declared one.
    fn accepts_for(&self, text: &[u8], _server: Option<&str>) -> bool {
        self.accepts(text)
    }

    /// Where the finding is, if what was matched is accepted: all of `found`, or more of `text` (a view) than an expression can match.
    fn judge(&self, text: &[u8], found: Range<usize>, server: Option<&str>) -> Option<Range<usize>> {
        self.accepts_for(&text[found.clone()], server).then_some(found)
    }
}

const VALIDATORS: &[&dyn Validator] = &[
    &entropy::Entropy,
    &entropy::NotPlaceholder,
    &luhn::Luhn,
    &jwt::Jwt,
    &claims::OtherAudience,
    &claims::LongLived,
    &claims::WideScope,
    &jwt::Jwe,
    &key::Key,
    &key_block::KeyBlock,
    &random::Random,
    &random::Mixed,
    &checksum::Crc32,
    &bech32::Bech32,
    &bip39::Bip39,
    &bip39::Bip39Words,
    &base64_blob::Base64Blob,
    &url_data::UrlData,
];

/// The validators above, and those of numbers in [`id`].
fn all() -> impl Iterator<Item = &'static dyn Validator> {
    let ids = id::ALL.iter().copied().flatten().map(|id| id as &dyn Validator);
    VALIDATORS.iter().copied().chain(ids)
}

pub(crate) fn validator(name: &str) -> Option<&'static dyn Validator> {
    all().find(|validator| validator.name() == name)
}

pub(crate) fn validator_names() -> Vec<&'static str> {
    all().map(|validator| validator.name()).collect()
}
