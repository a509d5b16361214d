//! Fresh ids and secrets, and the hash that a secret is kept as.

/// Lower-case base 32 (RFC 4648 section 6): short, and safe in paths, addresses and file names.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A fresh id: 128 random bits, 26 characters.
pub fn fresh() -> String {
    base32(&rand::random::<[u8; 16]>())
}

/// A fresh secret for a cookie, a code or a link: 160 random bits, 32 characters.
pub fn secret() -> String {
    base32(&rand::random::<[u8; 20]>())
}

/// What a secret is kept as: BLAKE3, in hexadecimal. Secrets are random, so that no salt is needed.
pub fn hash(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

/// Base 32 without letters that look or sound like others (crockford.com/base32.html).
const SPOKEN: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A fresh code that a person reads from one screen and types on another: 40 random bits, as `ABCD-EFGH`. Only for what
/// ends soon and counts wrong attempts.
pub fn spoken() -> String {
    let letter = |byte: u8| char::from(SPOKEN[usize::from(byte & 31)]);
    let code: String = rand::random::<[u8; 8]>().map(letter).iter().collect();
    format!("{}-{}", &code[..4], &code[4..])
}

/// What was meant by a code that somebody typed: [`spoken`]'s form, whatever became of case, dashes and look-alikes.
pub fn heard(text: &str) -> String {
    let meant = |letter: char| match letter.to_ascii_uppercase() {
        'O' => Some('0'),
        'I' | 'L' => Some('1'),
        letter if letter.is_ascii_alphanumeric() => Some(letter),
        _ => None,
    };
    let code: String = text.chars().filter_map(meant).take(9).collect();
    if code.len() == 8 { format!("{}-{}", &code[..4], &code[4..]) } else { code }
}

fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    let mut push = |index: u32| out.push(char::from(ALPHABET[(index & 31) as usize]));
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push(buffer >> bits);
        }
    }
    if bits > 0 {
        push(buffer << (5 - bits));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_as_in_the_rfc() {
        assert_eq!(base32(b"foobar"), "mzxw6ytboi");
        assert_eq!(base32(b"f"), "my");
    }

    #[test]
    fn a_code_is_understood_as_people_type_it() {
        let code = spoken();
        assert_eq!((code.len(), heard(&code)), (9, code.clone()));
        assert_eq!(heard(&format!(" {} ", code.replace('-', " ").to_lowercase())), code);
        assert_eq!(heard("oO1l-iI2z"), "0011-112Z");
        assert_ne!(spoken(), code);
    }

    #[test]
    fn ids_differ() {
        assert_eq!(fresh().len(), 26);
        assert_eq!(secret().len(), 32);
        assert_ne!(fresh(), fresh());
    }
}
