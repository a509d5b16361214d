//! What a channel made of the library shows in any span of time: its plans, followed as far as somebody asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use playhouse_watch::schedule::{Begin, Cursor, Item, Plan, Slots};

/// Places from which a plan is followed on, rather than from its beginning.
const MARKS: usize = 64;

/// How far these are apart at least, in microseconds: six hours.
const MARK_EVERY: i64 = 6 * 3_600_000_000;

/// A plan as far as it was followed.
#[derive(Debug)]
struct Followed {
    plan: Plan,
    slots: Slots,
    /// By when the next item begins.
    marks: Mutex<BTreeMap<i64, Cursor>>,
}

impl Followed {
    fn new(plan: Plan) -> Self {
        Self { slots: plan.slots(), marks: Mutex::default(), plan }
    }

    /// What is shown from the item at `from` on, until `more` says no.
    fn follow(&self, from: i64, mut more: impl FnMut(Item) -> bool) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let near = marks.range(..=from).next_back().map(|(_, cursor)| cursor.clone());
        let mut cursor = near.unwrap_or_else(|| self.plan.cursor());
        let mut mark = cursor.at();
        loop {
            let before = cursor.clone();
            let Some(item) = self.plan.next(&self.slots, &mut cursor) else { return };
            // What is asked for next lies mostly where somebody asked last.
            let here = item.end > from;
            if item.start - mark >= MARK_EVERY || (here && item.start > mark && item.start <= from) {
                mark = item.start;
                marks.insert(item.start, before);
                if marks.len() > MARKS {
                    marks.pop_first();
                }
            }
            if here && !more(item) {
                return;
            }
        }
    }
}

/// A showing of a film, with what is known of the film.
#[derive(Clone, Debug)]
pub(crate) struct Showing {
    /// The showing; it ends earlier than its film where another plan took over.
    pub(crate) item: Item,
    /// The film's id.
    pub(crate) film: String,
    /// The film's tracks of picture and sound.
    pub(crate) tracks: [u16; 2],
    /// The name of the block it belongs to.
    pub(crate) block: Option<String>,
}

/// The plans of a channel, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Timetable {
    plans: Vec<Followed>,
}

impl Timetable {
    /// Of these plans, oldest first.
    pub(crate) fn new(plans: Vec<Plan>) -> Self {
        Self { plans: plans.into_iter().map(Followed::new).collect() }
    }

    /// The newest plan.
    pub(crate) fn last(&self) -> Option<&Plan> {
        self.plans.last().map(|followed| &followed.plan)
    }

    /// The plan that holds at a moment, in microseconds since 1970.
    pub(crate) fn at(&self, at: i64) -> Option<&Plan> {
        let holds = |followed: &&Followed| followed.plan.begin.at <= at;
        self.plans.iter().rev().find(holds).map(|followed| &followed.plan)
    }

    /// What is shown between two moments, in microseconds since 1970: `most` showings at most.
    pub(crate) fn between(&self, from: i64, to: i64, most: usize) -> Vec<Showing> {
        let mut all = Vec::new();
        for (number, followed) in self.plans.iter().enumerate() {
            let over = self.plans.get(number + 1).map_or(i64::MAX, |next| next.plan.begin.at);
            if over <= from || followed.plan.begin.at >= to {
                continue;
            }
            followed.follow(from, |mut item| {
                if item.start >= to.min(over) || all.len() >= most {
                    return false;
                }
                item.end = item.end.min(over);
                let Some(reel) = followed.plan.reels.get(item.reel) else { return false };
                let block = item.block.and_then(|block| followed.plan.definition.blocks.get(block));
                all.push(Showing {
                    item,
                    film: reel.film.clone(),
                    tracks: reel.tracks,
                    block: block.map(|block| block.name.clone()),
                });
                true
            });
        }
        all
    }

    /// From where another plan can take over without anybody noticing: the end of what is shown at a moment.
    pub(crate) fn takeover(&self, at: i64) -> Begin {
        let Some(followed) = self.plans.last() else { return Begin { at, ..Begin::default() } };
        let begin = followed.plan.begin;
        if followed.plan.is_empty() || begin.at > at {
            return Begin { at: at.max(begin.at), ..begin };
        }
        let mut found = None;
        followed.follow(at, |item| {
            let Some(reel) = followed.plan.reels.get(item.reel) else { return false };
            let [pictures, sounds] = item.first;
            let segments = [pictures + u64::from(reel.segments[0]), sounds + u64::from(reel.segments[1])];
            found = Some(Begin { at: item.end, number: item.number + 1, segments });
            false
        });
        found.unwrap_or(Begin { at, ..begin })
    }
}
