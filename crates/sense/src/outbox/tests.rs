//! The outbox against a disk that is cut off at any byte, and a hub that takes each number once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;
use crate::observation::{Batch, Direction};

/// A disk: what was written, and how much of it outlives a power cut.
#[derive(Default)]
struct Disk {
    files: BTreeMap<u64, (Vec<u8>, usize)>,
    current: u64,
    most: usize,
    /// How many bytes it has room for; `None`: for all.
    room: Option<usize>,
}

impl Disk {
    /// Whether it took everything. What follows an action that fails is left undone.
    fn perform(&mut self, actions: Vec<Action>) -> bool {
        for action in actions {
            match action {
                Action::Begin(number) => {
                    self.files.insert(number, (Vec::new(), 0));
                    self.current = number;
                }
                Action::Append(bytes) => {
                    let left = self.room.map_or(bytes.len(), |room| room.saturating_sub(self.bytes()));
                    let fits = &bytes[..left.min(bytes.len())];
                    self.files.get_mut(&self.current).unwrap().0.extend(fits);
                    if fits.len() < bytes.len() {
                        return false;
                    }
                }
                Action::Sync => self.files.values_mut().for_each(|(bytes, safe)| *safe = bytes.len()),
                Action::Remove(number) => drop(self.files.remove(&number)),
            }
            self.most = self.most.max(self.bytes());
        }
        true
    }

    fn bytes(&self) -> usize {
        self.files.values().map(|(bytes, _)| bytes.len()).sum()
    }

    fn lengths(&self) -> Vec<(u64, usize)> {
        self.files.iter().map(|(number, (bytes, _))| (*number, bytes.len())).collect()
    }

    /// What is read after the next start; of each file, what was not safe is cut by so much.
    fn read(&mut self, cut: Option<usize>) -> Vec<Segment> {
        for (bytes, safe) in self.files.values_mut() {
            if let Some(cut) = cut {
                bytes.truncate(*safe + cut % (bytes.len() - *safe + 1));
            }
        }
        self.files.iter().map(|(&number, (bytes, _))| Segment { number, bytes: bytes.clone() }).collect()
    }
}

/// A hub: the highest number of each epoch, and what was taken.
#[derive(Default)]
struct Hub {
    highest: HashMap<u64, u64>,
    took: Vec<(u64, Event)>,
}

impl Hub {
    fn take(&mut self, batch: &Batch) -> (u64, u64) {
        let highest = self.highest.entry(batch.epoch).or_default();
        for event in &batch.events {
            if event.seq > *highest {
                *highest = event.seq;
                self.took.push((batch.epoch, event.clone()));
            }
        }
        (batch.epoch, *highest)
    }

    /// How many events it was told were lost, and all others by what they are called.
    fn told(&self) -> (u64, Vec<u64>) {
        let (mut lost, mut names) = (0, Vec::new());
        for (_, event) in &self.took {
            match event.what {
                What::Lost { count } => lost += u64::from(count),
                _ => names.push(event.at),
            }
        }
        (lost, names)
    }
}

const LIMITS: Limits =
    Limits { bytes: LEAST_BYTES, middle: Duration::from_secs(3), low: Duration::from_secs(10) };

fn crossed() -> What {
    What::Crossed { line: 1, track: 7, label: 0, direction: Direction::In }
}

fn heat(cells: u16) -> What {
    What::Heat { columns: 32, rows: 24, cells: (0..cells).map(|cell| (cell, 600)).collect() }
}

/// An outbox with its disk and its hub. Each event has a name of its own, which stands where its time would.
struct World {
    outbox: Outbox,
    disk: Disk,
    hub: Hub,
    now: Timestamp,
    names: u64,
    starts: u64,
}

impl World {
    fn new() -> Self {
        let (outbox, _) = Outbox::open(Timestamp::ZERO, 1000, LIMITS, Vec::new());
        let disk = Disk::default();
        let now = Timestamp::from_micros(1);
        let mut world = Self { outbox, disk, hub: Hub::default(), now, names: 0, starts: 0 };
        world.perform();
        world
    }

    fn perform(&mut self) {
        let actions = self.outbox.actions();
        if !self.disk.perform(actions) {
            self.outbox.disk_failed(self.names);
        }
    }

    /// The disk is asked again.
    fn mend(&mut self) {
        self.outbox.disk_works(self.now, &self.disk.lengths());
        self.perform();
    }

    fn push(&mut self, what: What) -> Option<u64> {
        self.names += 1;
        let seq = self.outbox.push(self.now, self.names, what).unwrap();
        self.perform();
        assert!(self.outbox.backlog() <= LIMITS.bytes / 2, "{} bytes wait", self.outbox.backlog());
        assert!(self.disk.most <= LIMITS.bytes, "{} bytes in files", self.disk.most);
        seq
    }

    fn send(&mut self) -> Option<Batch> {
        let batch = self.outbox.next_batch(self.now);
        self.perform();
        assert!(batch.as_ref().is_none_or(|batch| batch.encode().is_ok()));
        assert!(
            batch.as_ref().is_none_or(|batch| batch.events.windows(2).all(|two| two[0].seq < two[1].seq))
        );
        batch
    }

    fn deliver(&mut self, batch: &Batch) {
        let (epoch, seq) = self.hub.take(batch);
        self.outbox.taken(self.now, epoch, seq);
        self.perform();
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// The agent is killed, or the power is cut.
    fn crash(&mut self, cut: Option<usize>) {
        self.starts += 1;
        let files = self.disk.read(cut);
        self.outbox = Outbox::open(self.now, 1000 + self.starts, LIMITS, files).0;
        self.perform();
    }

    /// Sends until the hub has everything.
    fn drain(&mut self) {
        self.outbox.connected();
        for _ in 0..100_000 {
            self.pass(Duration::from_secs(10));
            match self.send() {
                Some(batch) => self.deliver(&batch),
                None if self.outbox.is_empty() => return,
                None => {}
            }
        }
        panic!("{} events are never sent", self.outbox.len());
    }
}

#[test]
fn a_crossing_is_told_at_once_and_takes_what_waited_along() {
    let mut world = World::new();
    world.outbox.connected();
    world.push(heat(3));
    assert_eq!(world.send(), None);
    assert_eq!(world.outbox.wake(), Some(world.now + Duration::from_secs(1)), "written, and to be made safe");
    world.push(crossed());
    let batch = world.send().unwrap();
    assert_eq!(batch.events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn what_has_time_waits_for_company() {
    let mut world = World::new();
    world.outbox.connected();
    world.push(What::Occupancy { zone: 1, count: 1 });
    world.pass(Duration::from_millis(2_900));
    assert_eq!(world.send(), None);
    world.push(What::Occupancy { zone: 1, count: 2 });
    world.pass(Duration::from_millis(200));
    assert_eq!(world.send().unwrap().events.len(), 2);
}

#[test]
fn a_batch_that_nobody_took_is_sent_again() {
    let mut world = World::new();
    world.outbox.connected();
    world.push(crossed());
    let first = world.send().unwrap();
    assert_eq!(world.send(), None, "one is on its way");
    world.pass(Duration::from_secs(11));
    assert_eq!(world.send(), Some(first.clone()));
    world.outbox.disconnected();
    assert_eq!(world.send(), None);
    world.outbox.connected();
    assert_eq!(world.send(), Some(first.clone()));
    world.deliver(&first);
    world.deliver(&first);
    assert!(world.outbox.is_empty());
    assert_eq!(world.hub.took.len(), 1);
}

#[test]
fn a_hub_that_speaks_of_another_epoch_changes_nothing() {
    let mut world = World::new();
    world.outbox.connected();
    world.push(crossed());
    world.outbox.taken(world.now, 77, 1);
    let epoch = world.outbox.epoch();
    world.outbox.taken(world.now, epoch, 9);
    assert_eq!(world.outbox.len(), 1, "it was not even sent");
}

#[test]
fn an_agent_that_starts_again_begins_an_epoch_and_sends_the_old_one_first() {
    let mut world = World::new();
    let before = world.outbox.epoch();
    world.push(crossed());
    world.crash(None);
    assert_ne!(world.outbox.epoch(), before);
    world.push(crossed());
    world.outbox.connected();
    let batch = world.send().unwrap();
    assert_eq!((batch.epoch, batch.events.len()), (before, 1));
    world.deliver(&batch);
    assert_eq!(world.send().unwrap().epoch, world.outbox.epoch());
}

#[test]
fn a_full_outbox_gives_up_heat_before_crossings_and_says_how_much() {
    let mut world = World::new();
    let (mut crossings, mut heats) = (0, 0);
    while world.outbox.lost() < 100 {
        world.push(heat(500));
        world.push(crossed());
        (crossings, heats) = (crossings + 1, heats + 1);
    }
    world.drain();
    let (lost, names) = world.hub.told();
    assert_eq!(lost + names.len() as u64, crossings + heats);
    assert_eq!(names.iter().filter(|name| **name % 2 == 0).count() as u64, crossings);
}

#[test]
fn an_outbox_full_of_crossings_takes_no_heat() {
    let mut world = World::new();
    while world.outbox.lost() == 0 {
        world.push(crossed());
    }
    let before = world.outbox.len();
    assert_eq!(world.push(heat(10)), None);
    assert_eq!(world.outbox.len(), before);
    world.drain();
    let (lost, names) = world.hub.told();
    assert_eq!(lost + names.len() as u64, world.names);
}

#[test]
fn an_event_that_is_too_large_is_refused_and_costs_nothing() {
    let mut world = World::new();
    let app = What::App { app: "a".into(), name: "n".repeat(LARGEST_EVENT + 100), value: 0.0 };
    assert_eq!(world.outbox.push(world.now, 1, app), Err(TooLarge));
    assert_eq!(world.outbox.backlog(), 0);
}

#[test]
fn a_disk_that_is_full_for_a_while_loses_nothing() {
    let mut world = World::new();
    world.push(crossed());
    world.outbox.disk_failed(5);
    for _ in 0..2_000 {
        world.push(crossed());
    }
    assert!(world.disk.bytes() < 200);
    world.mend();
    world.crash(Some(0));
    world.drain();
    assert_eq!(world.hub.told(), (0, (1..=2_001).collect()));
}

#[test]
fn a_disk_that_stays_full_loses_nothing_that_it_took() {
    let mut world = World::new();
    for _ in 0..1_000 {
        world.push(crossed());
    }
    let kept = world.disk.bytes();
    // A little more goes into it, and then again and again nothing.
    world.disk.room = Some(kept + 5);
    for _ in 0..1_000 {
        world.push(crossed());
    }
    for _ in 0..4 {
        assert!(!world.outbox.has_disk());
        world.mend();
    }
    world.crash(None);
    world.disk.room = None;
    world.mend();
    world.drain();
    assert_eq!(world.hub.told(), (0, (1..=1_000).collect()));
}

#[test]
fn a_disk_that_never_took_anything_shares_no_epoch_with_the_next_start() {
    let mut outbox = Outbox::open(Timestamp::ZERO, 1000, LIMITS, Vec::new()).0;
    let untouched = outbox.epoch();
    outbox.disk_failed(u64::MAX / 3);
    assert_ne!(outbox.epoch(), untouched);
    outbox.push(Timestamp::ZERO, 1, crossed()).unwrap();
    outbox.connected();
    assert_eq!(outbox.next_batch(Timestamp::ZERO).unwrap().epoch, outbox.epoch());
    assert_eq!(outbox.actions(), []);
}

#[test]
fn a_file_that_came_back_from_the_dead_is_not_sent() {
    let mut world = World::new();
    world.push(crossed());
    let old = world.disk.read(None);
    world.drain();
    world.crash(None);
    world.crash(None);
    let mut files = world.disk.read(None);
    assert!(files[0].number > 1 && files[0].number > old[0].number + 1, "{}", files[0].number);
    files.extend(old);
    let (mut outbox, found) = Outbox::open(world.now, 1, LIMITS, files);
    assert_eq!(found.events, 0);
    assert!(outbox.actions().contains(&Action::Remove(1)));
}

#[test]
fn an_outbox_that_is_given_less_room_keeps_what_is_worth_most_of_it() {
    let large = Limits { bytes: 8 * LEAST_BYTES, ..LIMITS };
    let mut disk = Disk::default();
    let mut outbox = Outbox::open(Timestamp::ZERO, 1, large, Vec::new()).0;
    for name in 0..400 {
        outbox.push(Timestamp::ZERO, name, if name % 4 == 0 { crossed() } else { heat(600) }).unwrap();
    }
    disk.perform(outbox.actions());
    assert!(outbox.backlog() > LIMITS.bytes);
    let (mut outbox, found) = Outbox::open(Timestamp::ZERO, 2, LIMITS, disk.read(None));
    disk.most = 0;
    disk.perform(outbox.actions());
    assert!(outbox.backlog() <= LIMITS.bytes / 2 && outbox.in_files() <= LIMITS.bytes);
    assert_eq!(outbox.lost() + found.events as u64, 400);
    outbox.connected();
    let crossings = std::iter::from_fn(|| {
        let batch = outbox.next_batch(Timestamp::ZERO)?;
        outbox.taken(Timestamp::ZERO, batch.epoch, batch.events.last()?.seq);
        Some(batch.events.iter().filter(|event| event.what == crossed()).count())
    });
    assert_eq!(crossings.sum::<usize>(), 100);
}

#[derive(Clone, Debug)]
enum Step {
    Push(u8, u16),
    Send,
    Deliver,
    LoseAnswer,
    Connect,
    Disconnect,
    Pass(u16),
    Kill,
    PowerCut(usize),
    FailDisk,
    RepairDisk,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0_u8..3, 0_u16..700).prop_map(|(kind, size)| Step::Push(kind, size)),
        6 => Just(Step::Send),
        6 => Just(Step::Deliver),
        1 => Just(Step::LoseAnswer),
        2 => Just(Step::Connect),
        1 => Just(Step::Disconnect),
        3 => (0_u16..20_000).prop_map(Step::Pass),
        1 => Just(Step::Kill),
        1 => any::<usize>().prop_map(Step::PowerCut),
        1 => Just(Step::FailDisk),
        2 => Just(Step::RepairDisk),
    ]
}

/// Does all steps and then sends everything. What was pushed, what may be gone because the power was cut before it was
/// safe, and the world.
fn run(steps: Vec<Step>, burst: u64, disks_fail: bool) -> (World, BTreeSet<u64>) {
    let mut world = World::new();
    let mut on_its_way: Option<Batch> = None;
    let (mut safe_names, mut unsafe_names) = (0, BTreeSet::new());
    for step in steps {
        match step {
            Step::Push(kind, size) => {
                for _ in 0..burst {
                    world.push(match kind {
                        0 => heat(size),
                        1 => What::Occupancy { zone: 1, count: size },
                        _ => What::App { app: "a".into(), name: "n".repeat(usize::from(size)), value: 1.0 },
                    });
                }
            }
            Step::Send => on_its_way = world.send().or(on_its_way),
            Step::Deliver => {
                if let Some(batch) = on_its_way.take() {
                    world.deliver(&batch);
                }
            }
            Step::LoseAnswer => {
                if let Some(batch) = on_its_way.take() {
                    world.hub.take(&batch);
                }
            }
            Step::Connect => world.outbox.connected(),
            Step::Disconnect => world.outbox.disconnected(),
            Step::Pass(ms) => world.pass(Duration::from_millis(u64::from(ms))),
            Step::Kill => {
                if world.outbox.has_disk() {
                    world.crash(None);
                }
            }
            Step::PowerCut(cut) => {
                if world.outbox.has_disk() {
                    unsafe_names.extend(safe_names + 1..=world.names);
                    world.crash(Some(cut));
                }
            }
            Step::FailDisk if disks_fail => world.outbox.disk_failed(world.names),
            Step::RepairDisk if !world.outbox.has_disk() => {
                world.mend();
            }
            Step::FailDisk | Step::RepairDisk => {}
        }
        let all_safe = world.disk.files.values().all(|(bytes, safe)| bytes.len() == *safe);
        if all_safe && world.outbox.has_disk() {
            safe_names = world.names;
        }
    }
    world.drain();
    (world, unsafe_names)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn each_event_arrives_once_or_is_counted_as_lost_whenever_the_agent_is_killed(
        steps in prop::collection::vec(step().prop_filter("kills only", |step| !matches!(step, Step::PowerCut(_))), 1..300),
        burst in 1_u64..12,
    ) {
        let (world, _) = run(steps, burst, true);
        let (lost, mut names) = world.hub.told();
        let arrived = names.len() as u64;
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!(names.len() as u64, arrived, "something arrived twice");
        prop_assert_eq!(lost + arrived, world.names, "{} lost, {} arrived", lost, arrived);
    }

    #[test]
    fn what_was_safe_outlives_a_power_cut_at_any_byte(
        steps in prop::collection::vec(step(), 1..300),
        burst in 1_u64..12,
    ) {
        let (world, at_risk) = run(steps, burst, false);
        let (lost, names) = world.hub.told();
        let arrived: BTreeSet<u64> = names.iter().copied().collect();
        prop_assert_eq!(arrived.len(), names.len(), "something arrived twice");
        let missing = (1..=world.names).filter(|name| !arrived.contains(name) && !at_risk.contains(name)).count() as u64;
        prop_assert!(missing <= lost, "{} are missing and {} were told of", missing, lost);
    }

    #[test]
    fn numbers_only_rise(steps in prop::collection::vec(step(), 1..200)) {
        let (world, _) = run(steps, 1, true);
        let mut last = HashMap::new();
        for (epoch, event) in &world.hub.took {
            let before = last.insert(*epoch, event.seq);
            prop_assert!(before.is_none_or(|before| before < event.seq));
        }
    }

    #[test]
    fn any_bytes_open(files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..4)) {
        let files = (1..).zip(files).map(|(number, bytes)| Segment { number, bytes }).collect();
        let (outbox, _) = Outbox::open(Timestamp::ZERO, 1, LIMITS, files);
        prop_assert!(outbox.backlog() <= LIMITS.bytes / 2);
    }

    #[test]
    fn a_record_is_read_as_it_was_written(seq in any::<u64>(), lost in any::<u32>(), cut in 0_usize..20) {
        let record = Record::Event { life: 3, event: Event { seq, at: 5, what: crossed() }, lost };
        let bytes = record.encode().unwrap();
        prop_assert_eq!(Record::decode(&bytes), Some((record, bytes.len())));
        prop_assert_eq!(Record::decode(&bytes[..bytes.len() - 1 - cut]), None);
        let mut bent = bytes.clone();
        bent[cut] ^= 0x10;
        prop_assert_eq!(Record::decode(&bent), None);
    }
}
