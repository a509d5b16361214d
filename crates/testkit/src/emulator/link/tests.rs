use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// Sends packets (gap before each in µs, size) and takes all out as each falls due: (time, index).
fn run(link: &mut Link<usize>, packets: &[(u64, usize)]) -> Vec<(Duration, usize)> {
    let mut now = Duration::ZERO;
    let mut out = Vec::new();
    for (index, (gap, size)) in packets.iter().enumerate() {
        now += Duration::from_micros(*gap);
        drain(link, now, &mut out);
        link.send(now, *size, index);
    }
    drain(link, Duration::from_secs(100_000), &mut out);
    out
}

fn drain(link: &mut Link<usize>, until: Duration, out: &mut Vec<(Duration, usize)>) {
    while let Some(at) = link.next()
        && at <= until
    {
        out.push(link.receive(at).expect("what is next can be received"));
    }
}

fn sent_at(packets: &[(u64, usize)]) -> Vec<Duration> {
    let mut now = 0;
    packets
        .iter()
        .map(|(gap, _)| {
            now += gap;
            Duration::from_micros(now)
        })
        .collect()
}

fn traffic() -> impl Strategy<Value = Vec<(u64, usize)>> {
    proptest::collection::vec((0_u64..20_000, 1_usize..1500), 1..200)
}

proptest! {
    #[test]
    fn without_loss_everything_arrives_in_order_and_in_time(
        seed: u64, packets in traffic(), delay in 0_u32..200, jitter in 0_u32..50,
    ) {
        let profile = Profile { delay: MS * delay, jitter: MS * jitter, ..Profile::default() };
        let out = run(&mut Link::new(seed, Schedule::always(profile)), &packets);
        prop_assert!(out.iter().map(|(_, index)| *index).eq(0..packets.len()));
        for ((at, index), sent) in out.iter().zip(sent_at(&packets)) {
            let took = at.checked_sub(sent).unwrap();
            prop_assert!(took >= profile.delay && took <= profile.delay + profile.jitter, "{index}: {took:?}");
        }
    }

    #[test]
    fn the_same_seed_does_the_same(seed: u64, packets in traffic(), loss in 0.0..0.5_f64, rate in 100_000_u64..9_000_000) {
        let order = Reordering { share: 0.1, hold: MS * 30, limit: 3 };
        let profile = Profile {
            loss, rate: Some(rate), jitter: MS * 20, reordering: Some(order), queue: 20_000, ..Profile::default()
        };
        let link = || Link::new(seed, Schedule::always(profile));
        prop_assert_eq!(run(&mut link(), &packets), run(&mut link(), &packets));
    }

    #[test]
    fn the_rate_is_never_exceeded(packets in traffic(), rate in 100_000_u64..9_000_000, queue in 1_500_usize..100_000) {
        let profile = Profile { rate: Some(rate), queue, ..Profile::default() };
        let out = run(&mut Link::new(1, Schedule::always(profile)), &packets);
        for (first, (begin, _)) in out.iter().enumerate() {
            let mut bits = 0;
            // What comes out after `begin` went through the pipe after it.
            for (at, index) in &out[first + 1..] {
                bits += packets[*index].1 as u64 * 8;
                let span = at.checked_sub(*begin).unwrap().as_secs_f64() + 1e-6;
                prop_assert!(bits as f64 <= rate as f64 * span, "{bits} bits in {span} s at {rate}");
            }
        }
    }

    #[test]
    fn no_packet_waits_longer_than_its_queue_allows(packets in traffic(), rate in 100_000_u64..9_000_000) {
        let queue = 10_000;
        let profile = Profile { rate: Some(rate), queue, ..Profile::default() };
        let sent = sent_at(&packets);
        for (at, index) in run(&mut Link::new(1, Schedule::always(profile)), &packets) {
            let most = Duration::from_secs_f64((queue + 1500) as f64 * 8.0 / rate as f64) + MS;
            prop_assert!(at.checked_sub(sent[index]).unwrap() <= most);
        }
    }

    #[test]
    fn no_packet_is_overtaken_more_often_than_allowed(seed: u64, packets in traffic(), limit in 1_u32..6) {
        let order = Reordering { share: 0.3, hold: MS * 200, limit };
        let profile = Profile { delay: MS * 10, reordering: Some(order), ..Profile::default() };
        let out = run(&mut Link::new(seed, Schedule::always(profile)), &packets);
        prop_assert_eq!(out.len(), packets.len());
        for (place, (_, index)) in out.iter().enumerate() {
            let overtakers = out[..place].iter().filter(|(_, other)| other > index).count();
            prop_assert!(overtakers <= limit as usize, "{overtakers} overtook packet {index}");
        }
    }
}

#[test]
fn about_as_many_are_lost_as_was_asked_for() {
    let profile = Profile { loss: 0.05, ..Profile::default() };
    let packets = vec![(1000, 1200); 20_000];
    let mut link = Link::new(7, Schedule::always(profile));
    let arrived = run(&mut link, &packets).len();
    assert!((18_850..19_150).contains(&arrived), "{arrived}");
    assert_eq!(link.passed().lost + link.passed().packets, 20_000);
}

#[test]
fn a_schedule_narrows_the_pipe_and_widens_it_again() {
    let narrow = Profile { rate: Some(2_000_000), queue: 50_000, ..Profile::default() };
    let schedule = Schedule::always(Profile::default())
        .then(Duration::from_secs(1), narrow)
        .then(Duration::from_secs(2), Profile::default());
    // 8 Mbit/s: 1000 bytes each millisecond.
    let out = run(&mut Link::new(7, schedule), &vec![(1000, 1000); 3000]);
    let between = |a: u64, b: u64| {
        out.iter().filter(|(at, _)| *at >= Duration::from_secs(a) && *at < Duration::from_secs(b)).count()
    };
    assert_eq!(between(0, 1), 999);
    assert!((240..=255).contains(&between(1, 2)), "{}", between(1, 2));
    assert!(between(2, 4) >= 1000, "{}", between(2, 4));
}

#[test]
fn a_held_packet_comes_after_those_it_let_pass() {
    let order = Reordering { share: 1.0, hold: MS * 500, limit: 2 };
    let schedule = Schedule::always(Profile { reordering: Some(order), ..Profile::default() })
        .then(MS, Profile::default());
    let out =
        run(&mut Link::new(3, schedule), &[(0, 100), (2000, 100), (1000, 100), (1000, 100), (1000, 100)]);
    let order: Vec<usize> = out.iter().map(|(_, index)| *index).collect();
    assert_eq!(order, [1, 2, 0, 3, 4]);
}
