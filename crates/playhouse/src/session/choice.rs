//! What is wanted of a picture: the session's own, what a peer chose, and what spectators share.

use playhouse_media::frame::Size;
use playhouse_play::control::SessionSpec;
use playhouse_play::rate::Wanted;

/// Frames per second of the spectators' quality at most: they do not steer, and on a narrow path each frame of half
/// as many looks better.
const SPECTATORS_RATE: u32 = 30;

/// The session's own quality, moved as the path allows.
pub(super) fn whole(spec: &SessionSpec) -> Wanted {
    Wanted { bitrate: spec.bitrate, rate: spec.rate, size: spec.size, automatic: true }
}

/// What a peer chose, within what the session has as a whole; zeros leave the choice to us.
pub(super) fn chosen(whole: Wanted, size: Size, rate: u32, kbps: u32) -> Wanted {
    let fits =
        (160..=whole.size.width).contains(&size.width) && (90..=whole.size.height).contains(&size.height);
    Wanted {
        bitrate: if kbps == 0 { whole.bitrate } else { kbps.saturating_mul(1000).min(whole.bitrate) },
        rate: if rate == 0 { whole.rate } else { rate.clamp(5, whole.rate) },
        size: if fits { size.even() } else { whole.size },
        automatic: !fits && rate == 0,
    }
}

/// Whether a choice is for so much less than the whole that it is worth an encode: fewer frames or pixels, or less
/// than half of the bitrate.
pub(super) fn is_modest(wanted: Wanted, whole: Wanted) -> bool {
    wanted.rate < whole.rate || wanted.size.even() != whole.size.even() || wanted.bitrate < whole.bitrate / 2
}

/// What spectators share: never more than the players want, nor than any of those chose who share it.
pub(super) fn shared<'a>(players: Wanted, limits: impl Iterator<Item = &'a Wanted>) -> Wanted {
    let most = Wanted { rate: players.rate.min(SPECTATORS_RATE), automatic: true, ..players };
    limits.fold(most, |most, limit| Wanted {
        bitrate: most.bitrate.min(limit.bitrate),
        rate: most.rate.min(limit.rate),
        size: if limit.size.height < most.size.height { limit.size } else { most.size },
        automatic: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Wanted =
        Wanted { bitrate: 8_000_000, rate: 60, size: Size::new(1280, 720), automatic: true };
    const NO_SIZE: Size = Size::new(0, 0);

    #[test]
    fn a_choice_of_nothing_is_left_to_us() {
        assert_eq!(chosen(WHOLE, NO_SIZE, 0, 0), WHOLE);
        assert!(!is_modest(chosen(WHOLE, NO_SIZE, 0, 0), WHOLE));
    }

    #[test]
    fn who_chooses_the_sessions_own_picture_is_sent_what_players_see() {
        assert!(!is_modest(chosen(WHOLE, Size::new(1280, 720), 60, 6000), WHOLE));
        assert!(!is_modest(chosen(WHOLE, Size::new(1920, 1080), 60, 10_000), WHOLE));
    }

    #[test]
    fn fewer_frames_fewer_pixels_and_far_fewer_bits_are_less() {
        assert!(is_modest(chosen(WHOLE, Size::new(1280, 720), 30, 6000), WHOLE));
        assert!(is_modest(chosen(WHOLE, Size::new(854, 480), 60, 6000), WHOLE));
        assert!(is_modest(chosen(WHOLE, NO_SIZE, 0, 1000), WHOLE));
    }

    #[test]
    fn spectators_share_the_least_that_one_of_them_chose() {
        let limits = [chosen(WHOLE, Size::new(854, 480), 60, 0), chosen(WHOLE, NO_SIZE, 24, 3000)];
        let least = Wanted { bitrate: 3_000_000, rate: 24, size: Size::new(854, 480), automatic: true };
        assert_eq!(shared(WHOLE, limits.iter()), least);
        assert_eq!(shared(WHOLE, [].iter()), Wanted { rate: 30, ..WHOLE });
        let players = chosen(WHOLE, Size::new(640, 360), 20, 900);
        assert_eq!(shared(players, [WHOLE].iter()), Wanted { automatic: true, ..players });
    }
}
