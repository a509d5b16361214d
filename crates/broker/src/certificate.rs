//! Name, serial number and end of a certificate whose signature was verified already: the few fields that are asked for,
//! without a parser of all of X.509 (RFC 5280, section 4.1).

use crate::rights::CertifiedPeer;

const INTEGER: u8 = 0x02;
const OID: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// What the broker's rights are shown of a certificate (DER); `None` if it has no common name or is none.
pub fn read(certificate: &[u8]) -> Option<CertifiedPeer> {
    let mut outer = Der(certificate);
    let mut certificate = Der(outer.expect(SEQUENCE)?);
    let mut body = Der(certificate.expect(SEQUENCE)?);
    if body.0.first() == Some(&VERSION) {
        body.any()?;
    }
    let serial = body.expect(INTEGER)?;
    // Algorithm of the signature, issuer.
    body.expect(SEQUENCE)?;
    body.expect(SEQUENCE)?;
    let mut validity = Der(body.expect(SEQUENCE)?);
    validity.any()?;
    let (tag, end) = validity.any()?;
    let expires = time(tag, end)?;
    let name = common_name(body.expect(SEQUENCE)?)?;
    let first = serial.iter().position(|&byte| byte != 0).unwrap_or(serial.len());
    let digits = serial[first..].iter().flat_map(|&byte| [byte >> 4, byte & 0x0f]);
    let serial = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    Some(CertifiedPeer { name, serial, expires })
}

fn common_name(subject: &[u8]) -> Option<String> {
    let mut subject = Der(subject);
    while !subject.0.is_empty() {
        let mut set = Der(subject.expect(SET)?);
        while !set.0.is_empty() {
            let mut attribute = Der(set.expect(SEQUENCE)?);
            let is_name = attribute.expect(OID)? == COMMON_NAME;
            let (tag, value) = attribute.any()?;
            if is_name {
                let text = matches!(tag, UTF8_STRING | PRINTABLE_STRING | IA5_STRING);
                let name = text.then(|| str::from_utf8(value).ok()).flatten()?;
                return (!name.is_empty() && !name.contains('\0')).then(|| name.to_owned());
            }
        }
    }
    None
}

/// Seconds since 1970 of a time as certificates have it: `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` (section 4.1.2.5).
fn time(tag: u8, text: &[u8]) -> Option<u64> {
    let digits = text.strip_suffix(b"Z")?;
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_u64, |n, &d| d.is_ascii_digit().then(|| n * 10 + u64::from(d - b'0')))
    };
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year = number(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (number(year)?, rest)
        }
        _ => return None,
    };
    let pair = |at: usize| number(rest.get(at..at + 2)?);
    let (month, day, hour, minute, second) = (pair(0)?, pair(2)?, pair(4)?, pair(6)?, pair(8)?);
    if rest.len() != 10 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || year < 1970 {
        return None;
    }
    // Days since 1970 by the calendar's 400-year cycle, with years that begin in March.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = (year * 365 + year / 4 - year / 100 + year / 400 + day_of_year).checked_sub(719_468)?;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Reads DER from its front.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&short, rest) = rest.split_first()?;
        let (length, rest) = if short < 0x80 {
            (usize::from(short), rest)
        } else {
            // Up to four bytes of length: no certificate is longer.
            let count = usize::from(short & 0x7f);
            let (bytes, rest) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count))?;
            (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }
}
