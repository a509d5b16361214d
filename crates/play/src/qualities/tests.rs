//! What players and spectators notice of who is sent what, in virtual time.

use proptest::prelude::*;

use super::*;
use crate::queue::Load;

/// Reports come this often.
const TICK: Duration = Duration::from_millis(200);

/// What the players' quality takes.
const BITRATE: u32 = 6_000_000;

/// A session and its clock.
struct House {
    qualities: Qualities,
    now: Timestamp,
}

impl House {
    fn new() -> Self {
        Self { qualities: Qualities::new(), now: Timestamp::from_micros(1_000_000) }
    }

    /// A house in which `player` plays and `spectator` watches.
    fn with_both() -> Self {
        let mut house = Self::new();
        house.qualities.join("player", true, house.now);
        house.qualities.join("spectator", false, house.now);
        house
    }

    fn report(&mut self, peer: &str, estimate: u32) {
        let report = Report { estimate, loss: 0.0, rtt: Duration::from_millis(40), load: Load::Clear };
        self.qualities.report(peer, report, BITRATE, self.now);
    }

    /// The spectator's path carries so much for so long.
    fn carry(&mut self, span: Duration, estimate: u32) -> u8 {
        let end = self.now + span;
        while self.now < end {
            self.now = self.now + TICK;
            self.report("spectator", estimate);
        }
        self.qualities.of("spectator")
    }

    /// How long the path has to be wide until the spectator is back.
    fn comes_back_after(&mut self) -> Duration {
        let begin = self.now;
        while self.carry(TICK, 20_000_000) == SPECTATORS {
            assert!(self.now.since(begin) < Duration::from_mins(10), "it never comes back");
        }
        self.now.since(begin)
    }
}

#[test]
fn a_spectator_on_a_narrow_path_gets_a_picture_of_its_own_and_the_player_keeps_his() {
    let mut house = House::with_both();
    house.report("player", 1_000_000);
    assert_eq!(house.carry(Duration::from_secs(2), 1_000_000), SPECTATORS);
    assert_eq!(house.qualities.of("player"), PLAYERS);
    assert_eq!(house.qualities.members(SPECTATORS).collect::<Vec<_>>(), ["spectator"]);
}

#[test]
fn a_short_dip_changes_nothing() {
    let mut house = House::with_both();
    for _ in 0..20 {
        assert_eq!(house.carry(Duration::from_millis(800), 1_000_000), PLAYERS);
        assert_eq!(house.carry(TICK, 8_000_000), PLAYERS);
    }
}

#[test]
fn a_path_that_becomes_wide_gets_the_players_picture_back() {
    let mut house = House::with_both();
    house.carry(Duration::from_secs(2), 1_000_000);
    assert_eq!(house.carry(Duration::from_secs(3), 20_000_000), SPECTATORS);
    assert_eq!(house.carry(Duration::from_secs(2), 20_000_000), PLAYERS);
}

#[test]
fn a_path_as_wide_as_the_players_own_is_wide_enough() {
    let wanted = crate::rate::Wanted {
        bitrate: 20_000_000,
        rate: 60,
        size: playhouse_media::frame::Size::new(1280, 720),
        automatic: true,
    };
    let report = |estimate| Report { estimate, loss: 0.0, rtt: Duration::from_millis(40), load: Load::Clear };
    for estimate in [1_000_000, 4_000_000, 12_000_000] {
        let mut controller = crate::rate::Controller::new(wanted, wanted.bitrate, Timestamp::ZERO);
        let bitrate = controller.report(report(estimate), Timestamp::ZERO).bitrate;
        assert!(is_wide(report(estimate), bitrate));
        assert!(!is_narrow(report(estimate), bitrate));
    }
}

#[test]
fn each_return_that_fails_makes_the_next_one_wait_longer_and_a_good_one_forgets_it() {
    let mut house = House::with_both();
    house.carry(Duration::from_secs(2), 1_000_000);
    let mut waits = Vec::new();
    for _ in 0..7 {
        waits.push(house.comes_back_after().as_secs());
        house.carry(Duration::from_secs(2), 1_000_000);
    }
    assert_eq!(waits, [4, 8, 16, 32, 64, 64, 64]);
    house.comes_back_after();
    house.carry(SUCCESS + Duration::from_secs(1), 20_000_000);
    house.carry(Duration::from_secs(2), 1_000_000);
    assert_eq!(house.comes_back_after().as_secs(), 4);
}

#[test]
fn who_takes_a_seat_has_the_players_picture_at_once() {
    let mut house = House::with_both();
    house.carry(Duration::from_secs(2), 1_000_000);
    house.qualities.join("spectator", true, house.now);
    assert_eq!(house.qualities.of("spectator"), PLAYERS);
    assert_eq!(house.carry(Duration::from_secs(10), 1_000_000), PLAYERS);
}

#[test]
fn nothing_is_encoded_for_spectators_who_have_left() {
    let mut house = House::with_both();
    house.carry(Duration::from_secs(2), 1_000_000);
    house.qualities.leave("spectator", house.now);
    assert_eq!(house.qualities.members(SPECTATORS).count(), 0);
}

#[test]
fn a_player_who_loads_the_page_again_finds_the_spectator_where_it_was() {
    let mut house = House::with_both();
    house.carry(Duration::from_secs(2), 1_000_000);
    house.qualities.leave("player", house.now);
    assert_eq!(house.carry(Duration::from_secs(5), 1_000_000), SPECTATORS);
    house.qualities.join("player", true, house.now);
    assert_eq!(house.carry(Duration::from_secs(20), 1_000_000), SPECTATORS);
}

#[test]
fn where_nobody_plays_all_share_one_picture() {
    let mut house = House::with_both();
    house.carry(Duration::from_secs(2), 1_000_000);
    house.qualities.leave("player", house.now);
    assert_eq!(house.carry(EMPTY_SEATS + TICK, 1_000_000), PLAYERS);
    let mut house = House::new();
    house.qualities.join("spectator", false, house.now);
    assert_eq!(house.carry(Duration::from_mins(1), 1_000_000), PLAYERS);
}

#[test]
fn a_spectator_who_wants_less_gets_it_however_wide_its_path_is() {
    let mut house = House::with_both();
    house.qualities.wish("spectator", true, house.now);
    assert_eq!(house.qualities.of("spectator"), SPECTATORS);
    assert_eq!(house.carry(Duration::from_mins(5), 20_000_000), SPECTATORS);
    house.qualities.wish("spectator", false, house.now);
    assert_eq!(house.carry(Duration::from_secs(5), 20_000_000), PLAYERS);
}

#[test]
fn without_a_second_encoder_everybody_sees_the_players_picture() {
    let mut house = House::with_both();
    house.carry(Duration::from_secs(2), 1_000_000);
    house.qualities.close_second();
    assert_eq!(house.qualities.of("spectator"), PLAYERS);
    assert_eq!(house.carry(Duration::from_mins(1), 1_000_000), PLAYERS);
}

/// Something that happens in a session.
#[derive(Clone, Debug)]
enum Step {
    Join(usize, bool),
    Leave(usize),
    Wish(usize, bool),
    Report(usize, u32, f32),
    Pass(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let peer = 0..NAMES.len();
    let estimate = prop_oneof![any::<u32>(), 0..12_000_000_u32];
    let loss = prop_oneof![Just(0.0_f32), any::<f32>()];
    prop_oneof![
        2 => (peer.clone(), any::<bool>()).prop_map(|(peer, plays)| Step::Join(peer, plays)),
        1 => peer.clone().prop_map(Step::Leave),
        1 => (peer.clone(), any::<bool>()).prop_map(|(peer, modest)| Step::Wish(peer, modest)),
        8 => (peer, estimate, loss).prop_map(|(peer, estimate, loss)| Step::Report(peer, estimate, loss)),
        6 => (0..3_000_u64).prop_map(Step::Pass),
    ]
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

proptest! {
    #[test]
    fn players_have_their_own_quality_and_two_are_there_only_for_players(
        steps in proptest::collection::vec(any_step(), 1..200)
    ) {
        let mut house = House::new();
        let mut plays: BTreeMap<&str, bool> = BTreeMap::new();
        let mut played = None;
        for step in steps {
            if plays.values().any(|plays| *plays) {
                played = Some(house.now);
            }
            let mut looked = true;
            match step {
                Step::Join(peer, playing) => {
                    plays.insert(NAMES[peer], playing);
                    house.qualities.join(NAMES[peer], playing, house.now);
                }
                Step::Leave(peer) => {
                    plays.remove(NAMES[peer]);
                    house.qualities.leave(NAMES[peer], house.now);
                    prop_assert_eq!(house.qualities.of(NAMES[peer]), PLAYERS);
                }
                Step::Wish(peer, modest) => house.qualities.wish(NAMES[peer], modest, house.now),
                Step::Report(peer, estimate, loss) => {
                    let report = Report { estimate, loss, rtt: Duration::ZERO, load: Load::Clear };
                    house.qualities.report(NAMES[peer], report, BITRATE, house.now);
                }
                Step::Pass(millis) => {
                    house.now = house.now + Duration::from_millis(millis);
                    looked = false;
                }
            }
            let anyone = plays.values().any(|plays| *plays);
            let long_ago = played.is_none_or(|at| house.now.since(at) >= EMPTY_SEATS);
            let second: Vec<&str> = house.qualities.members(SPECTATORS).collect();
            prop_assert!(second.iter().all(|peer| plays.get(peer) == Some(&false)), "{second:?} of {plays:?}");
            if looked && !anyone && long_ago && !matches!(step, Step::Leave(_)) {
                prop_assert!(second.is_empty(), "{second:?} where nobody plays");
            }
        }
    }

    #[test]
    fn no_path_makes_a_spectator_swing(
        reports in proptest::collection::vec((prop_oneof![0..12_000_000_u32, any::<u32>()], 1..40_usize), 1..80)
    ) {
        let mut house = House::with_both();
        let mut quality = PLAYERS;
        let mut changed = house.now;
        for (estimate, times) in reports {
            for _ in 0..times {
                let now = house.carry(TICK, estimate);
                if now != quality {
                    let least = if now == SPECTATORS { NARROW_FOR } else { WIDE_FOR.0 };
                    prop_assert!(house.now.since(changed) >= least);
                    (quality, changed) = (now, house.now);
                }
            }
        }
    }
}
