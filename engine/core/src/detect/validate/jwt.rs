//! JSON Web Tokens by their header.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Validator;

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
        let object = |part: &[u8]| {
            let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes).ok()
        };
        object(header).is_some_and(|header| header.contains_key("alg")) && object(payload).is_some()
    }
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
}
