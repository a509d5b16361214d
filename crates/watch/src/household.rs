//! A household: how many share an account, and what a profile with an age limit sees.

/// Profiles of one account: a family with its guests.
pub const MOST_PROFILES: u32 = 8;

/// The oldest that a film can ask for, and that a limit can let through.
pub const OLDEST: u8 = 21;

/// Digits of a PIN: enough to slow a child down together with throttled attempts, few enough for a remote control.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=8;

/// Whether a profile may see a film. What is of unknown age is for nobody who has a limit.
pub fn may_see(age_limit: Option<u8>, age: Option<u8>) -> bool {
    match (age_limit, age) {
        (None, _) => true,
        (Some(limit), Some(age)) => age <= limit,
        (Some(_), None) => false,
    }
}

/// Whether somebody can choose these digits as a PIN.
pub fn is_pin(text: &str) -> bool {
    PIN_DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_sees_what_is_known_to_be_for_children() {
        assert!(may_see(None, Some(18)) && may_see(None, None));
        assert!(may_see(Some(6), Some(6)) && may_see(Some(6), Some(0)));
        assert!(!may_see(Some(6), Some(12)) && !may_see(Some(6), None));
    }

    #[test]
    fn a_pin_has_digits() {
        assert!(is_pin("0000") && is_pin("12345678"));
        for wrong in ["", "123", "123456789", "12a4", "１２３４"] {
            assert!(!is_pin(wrong), "{wrong}");
        }
    }
}
