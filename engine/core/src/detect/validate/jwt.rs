//! JSON Web Tokens by their header.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Validator;
use super::published::is_published;

/// Three base64url parts, the first a JSON object with `alg`.
#[derive(Debug)]
pub(super) struct Jwt;

impl Validator for Jwt {
    fn name(&self) -> &'static str {
        "jwt"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        let parts: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
        let [header, payload, _signature] = parts[..] else { return false };
        object(header).is_some_and(|header| header.contains_key("alg"))
            && object(payload).is_some()
            && !is_published(text)
    }
}

/// Five base64url parts, the first a JSON object with `alg` and `enc` (RFC 7516).
#[derive(Debug)]
pub(super) struct Jwe;

impl Validator for Jwe {
    fn name(&self) -> &'static str {
        "jwe"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        let parts: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
        let [header, _key, _iv, _text, _tag] = parts[..] else { return false };
        object(header).is_some_and(|header| header.contains_key("alg") && header.contains_key("enc"))
    }
}

fn object(part: &[u8]) -> Option<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_at_the_header() {
        // Made up: {"alg":"HS256"} . {"sub":"a"} . "sig"
        assert!(Jwt.accepts(b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"));
        assert!(!Jwt.accepts(b"eyJhbGciOiJIUzI1NiJ9.bm90IGpzb24.c2ln"));
        assert!(!Jwt.accepts(b"www.example.org"));
    }

    #[test]
    fn an_encrypted_token_names_its_cipher() {
        // Made up: {"alg":"dir","enc":"A256GCM"}, no key.
        assert!(Jwe.accepts(b"eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..a1b2.c3d4.e5f6"));
        assert!(!Jwe.accepts(b"eyJhbGciOiJIUzI1NiJ9..a1b2.c3d4.e5f6"));
        assert!(!Jwe.accepts(b"eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.a1b2.c3d4"));
    }
}
