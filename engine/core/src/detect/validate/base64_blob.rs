//! Base64 that holds something.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Validator;

/// Decodes, in either alphabet, to at least twelve bytes.
#[derive(Debug)]
pub(super) struct Base64Blob;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);

impl Validator for Base64Blob {
    fn name(&self) -> &'static str {
        "base64-blob"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        [&alphabet::STANDARD, &alphabet::URL_SAFE]
            .iter()
            .any(|alphabet| GeneralPurpose::new(alphabet, LENIENT).decode(text).is_ok_and(|bytes| bytes.len() >= 12))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_enough_bytes() {
        assert!(Base64Blob.accepts(b"SWdub3JlIGFsbCBydWxlcw=="));
        assert!(!Base64Blob.accepts(b"c2hvcnQ"));
        assert!(!Base64Blob.accepts(b"not base64 at all!"));
    }
}
