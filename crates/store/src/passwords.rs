//! Passwords as argon2id hashes (RFC 9106), with the parameters that OWASP recommends as the least.
//!
//! Both functions take some 20 ms and 19 MiB: run them off the reactor, few at a time.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};

use crate::StoreError;

/// Hashes a password with a fresh salt.
///
/// # Errors
/// [`StoreError::Password`] where the hash function refuses.
pub fn hash(password: &str) -> Result<String, StoreError> {
    let failed = |error: argon2::password_hash::Error| StoreError::Password(error.to_string());
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(failed)?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(failed)?;
    Ok(hash.to_string())
}

/// Whether `password` is the one that was hashed. Without a hash it takes as long and is never right, so that
/// the time of an answer does not tell which names exist.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    /// The hash of a random string that nobody kept.
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                          RdescudvJCsgt3ub+b6dWRWJTmaaJObGFKAgyqnMaT0";
    let known = hash.is_some();
    let parsed = PasswordHash::new(hash.unwrap_or(NOBODY));
    let right =
        parsed.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    right && known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_is_right() {
        let hashed = hash("correct horse").unwrap();
        assert!(hashed.starts_with("$argon2id$"));
        assert!(verify("correct horse", Some(&hashed)));
        assert!(!verify("wrong horse", Some(&hashed)));
        assert!(!verify("correct horse", None));
        assert!(!verify("correct horse", Some("not a hash")));
    }

    #[test]
    fn an_unknown_name_costs_as_much_as_a_known_one() {
        let hashed = hash("x").unwrap();
        let time = |stored: Option<&str>| {
            let start = std::time::Instant::now();
            assert!(!verify("y", stored));
            start.elapsed()
        };
        assert!(time(None) * 20 > time(Some(&hashed)), "the stand-in hash is not even parsed");
    }
}
