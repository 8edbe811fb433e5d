//! Keys of transformations: one secret, from which a key for each use and tenant is derived.

use std::fmt;

use aes_gcm_siv::aead::{Aead as _, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit as _};

/// Length of a nonce.
pub(super) const NONCE: usize = 12;
/// What a sealed text is longer than the text: the nonce and the tag.
const OVERHEAD: usize = NONCE + 16;

/// Seals, hashes and makes pseudonyms, for one tenant.
///
/// Keys for the three uses are derived with BLAKE3 from the secret and the tenant's name, so nothing made for one tenant can be
/// opened, or compared, with the key of another. Sealing is AES-256-GCM-SIV (RFC 8452).
#[derive(Clone)]
pub struct TransformKey {
    id: String,
    cipher: Aes256GcmSiv,
    hash: [u8; 32],
    pseudonym: [u8; 32],
}

/// Why a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The id stands in every token, in clear.
    #[error("the id of a key is 1 to 32 lower-case letters, digits and hyphens")]
    Id,
}

impl TransformKey {
    /// The key of a tenant. `id` names the secret and stands in every token made with it.
    ///
    /// # Errors
    /// When the id cannot stand in a token.
    pub fn new(id: &str, secret: &[u8; 32], tenant: &str) -> Result<Self, KeyError> {
        if !is_id(id.as_bytes()) {
            return Err(KeyError::Id);
        }
        let derive = |context: &str| blake3::derive_key(context, &[secret, tenant.as_bytes()].concat());
        Ok(Self {
            id: id.to_owned(),
            cipher: Aes256GcmSiv::new(&derive("tamiz 2026-11 transform: seal").into()),
            hash: derive("tamiz 2026-11 transform: hash"),
            pseudonym: derive("tamiz 2026-11 transform: pseudonym"),
        })
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Nonce and sealed text. `None` for a text of 64 GiB and more.
    pub(super) fn seal(&self, nonce: &[u8; NONCE], text: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload { msg: text, aad: self.id.as_bytes() };
        let sealed = self.cipher.encrypt(&(*nonce).into(), payload).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// The text, if it was sealed with this key and not changed since.
    pub(super) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        if sealed.len() < OVERHEAD {
            return None;
        }
        let (nonce, text) = sealed.split_first_chunk::<NONCE>()?;
        self.cipher.decrypt(&(*nonce).into(), Payload { msg: text, aad: self.id.as_bytes() }).ok()
    }

    /// 64 bits that are the same for the same label and value.
    pub(super) fn hash(&self, label: &str, value: &[u8]) -> [u8; 8] {
        let mut hasher = blake3::Hasher::new_keyed(&self.hash);
        hasher.update(label.as_bytes()).update(&[0]).update(value);
        let mut hash = [0; 8];
        hasher.finalize_xof().fill(&mut hash);
        hash
    }

    /// A stream of bytes that is the same for the same value and attempt.
    pub(super) fn stream(&self, value: &[u8], attempt: u8) -> blake3::OutputReader {
        let mut hasher = blake3::Hasher::new_keyed(&self.pseudonym);
        hasher.update(&[attempt]).update(value);
        hasher.finalize_xof()
    }
}

/// Whether a text can be the id of a key.
pub(super) fn is_id(id: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    (1..=32).contains(&id.len()) && id.iter().all(letter)
}

impl fmt::Debug for TransformKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransformKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_tenant_open() {
        let key = |id, secret, tenant| TransformKey::new(id, &[secret; 32], tenant).unwrap();
        let sealed = key("a", 1, "x").seal(&[7; NONCE], b"hello").unwrap();
        assert_eq!(sealed.len(), 5 + OVERHEAD);
        assert_eq!(key("a", 1, "x").open(&sealed).as_deref(), Some(&b"hello"[..]));
        for other in [key("b", 1, "x"), key("a", 2, "x"), key("a", 1, "y")] {
            assert_eq!(other.open(&sealed), None);
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key("a", 1, "x").open(&changed), None);
        }
        assert_eq!(key("a", 1, "x").open(b"short"), None);
    }

    #[test]
    fn it_shows_only_its_name() {
        let key = TransformKey::new("k-1", &[0xab; 32], "tenant").unwrap();
        assert_eq!(format!("{key:?}"), r#"TransformKey { id: "k-1", .. }"#);
        for wrong in ["", "A", "a b", "a:b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
            assert_eq!(TransformKey::new(wrong, &[0; 32], "").unwrap_err(), KeyError::Id, "{wrong}");
        }
    }
}
