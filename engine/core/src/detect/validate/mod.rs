//! Checks of what an expression matched. To add one: a file here and a line in [`VALIDATORS`].

mod base64_blob;
mod bech32;
mod bip39;
mod checksum;
mod entropy;
mod jwt;
mod key;
mod key_block;
pub(crate) mod luhn;
mod published;
mod random;
mod url_data;

use std::fmt::Debug;
use std::ops::Range;

/// Says whether a matched text is what it looks like.
pub(crate) trait Validator: Sync + Debug {
    fn name(&self) -> &'static str;
    fn accepts(&self, text: &[u8]) -> bool;

    /// Where the finding is, if what was matched is accepted: all of `found`, or more of `text` (a view) than an expression can match.
    fn judge(&self, text: &[u8], found: Range<usize>) -> Option<Range<usize>> {
        self.accepts(&text[found.clone()]).then_some(found)
    }
}

const VALIDATORS: &[&dyn Validator] = &[
    &entropy::Entropy,
    &entropy::NotPlaceholder,
    &luhn::Luhn,
    &jwt::Jwt,
    &jwt::Jwe,
    &key::Key,
    &key_block::KeyBlock,
    &random::Random,
    &random::Mixed,
    &checksum::Crc32,
    &bech32::Bech32,
    &bip39::Bip39,
    &base64_blob::Base64Blob,
    &url_data::UrlData,
];

pub(crate) fn validator(name: &str) -> Option<&'static dyn Validator> {
    VALIDATORS.iter().copied().find(|validator| validator.name() == name)
}

pub(crate) fn validator_names() -> Vec<&'static str> {
    VALIDATORS.iter().map(|validator| validator.name()).collect()
}
