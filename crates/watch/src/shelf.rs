//! What changed on a shelf: the records of films held against the files that were found.
//!
//! A file is told by its place, its size and when it was changed; where these differ, by its fingerprint. So a film
//! that was moved or renamed keeps its record, and one whose file was replaced is read anew.

use std::collections::{BTreeMap, BTreeSet};

/// How long a file has to be left alone before it is read: a copy that is still growing is no film yet.
pub const SETTLE_MS: i64 = 2_000;

/// Where a film's file is: a folder of films, and the path in it with `/` between its parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The folder of films.
    pub folder: String,
    /// The path in it.
    pub path: String,
}

/// What tells a file from its earlier self.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// When it was last changed, in unix milliseconds.
    pub modified: i64,
}

/// A film that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The record's id.
    pub id: String,
    /// Where its file was.
    pub place: Place,
    /// What the file was.
    pub stamp: Stamp,
    /// What the file held.
    pub print: String,
    /// Whether it was not there at the last look.
    pub missing: bool,
}

/// All files that were found.
pub type Found = BTreeMap<Place, Stamp>;

/// What has to be done about a film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file that nobody knew.
    New(Place),
    /// The file is another one.
    Replaced(String, Place),
    /// The same film at another place.
    Moved(String, Place),
    /// The same film with a new date, or there again.
    Same(String, Place),
    /// The file is gone.
    Missing(String),
}

/// Whether a file has come to rest: nobody changed it of late, or it is as it was at the `last` look.
pub fn settled(place: &Place, stamp: Stamp, last: &Found, now: i64) -> bool {
    let age = now.saturating_sub(stamp.modified);
    (age >= SETTLE_MS) || last.get(place) == Some(&stamp)
}

/// The files whose fingerprint is needed for [`changes`]: those that are not where and as a record has them.
pub fn unsure<'a>(known: &[Known], found: &'a Found) -> Vec<&'a Place> {
    let sure: BTreeMap<&Place, Stamp> = known.iter().map(|known| (&known.place, known.stamp)).collect();
    found.iter().filter(|(place, stamp)| sure.get(*place) != Some(*stamp)).map(|(place, _)| place).collect()
}

/// What changed, from what is known, what was found, and the fingerprints of [`unsure`] files. A file without a
/// fingerprint (it could not be read, or has not come to rest) is left for the next look.
pub fn changes(known: &[Known], found: &Found, prints: &BTreeMap<Place, String>) -> Vec<Change> {
    let mut out = Vec::new();
    let mut taken = BTreeSet::new();
    // Records whose file is not there: any of these may have moved to a place that is new.
    let mut lost: Vec<&Known> = Vec::new();
    for film in known {
        match found.get(&film.place) {
            None => lost.push(film),
            Some(stamp) if *stamp == film.stamp => {
                taken.insert(&film.place);
                if film.missing {
                    out.push(Change::Same(film.id.clone(), film.place.clone()));
                }
            }
            Some(_) => {
                taken.insert(&film.place);
                match prints.get(&film.place) {
                    Some(print) if *print == film.print => {
                        out.push(Change::Same(film.id.clone(), film.place.clone()));
                    }
                    Some(_) => out.push(Change::Replaced(film.id.clone(), film.place.clone())),
                    None => {}
                }
            }
        }
    }
    for (place, stamp) in found.iter().filter(|(place, _)| !taken.contains(place)) {
        let Some(print) = prints.get(place) else { continue };
        let same = |film: &&Known| film.print == *print && film.stamp.size == stamp.size;
        // Where several copies were lost, the one of the same date is the likelier.
        let at = lost
            .iter()
            .position(|film| same(film) && film.stamp.modified == stamp.modified)
            .or_else(|| lost.iter().position(same));
        match at {
            Some(at) => out.push(Change::Moved(lost.swap_remove(at).id.clone(), place.clone())),
            None => out.push(Change::New(place.clone())),
        }
    }
    out.extend(lost.into_iter().filter(|film| !film.missing).map(|film| Change::Missing(film.id.clone())));
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(path: &str) -> Place {
        Place { folder: "/films".to_owned(), path: path.to_owned() }
    }

    fn known(id: &str, path: &str, size: u64, print: &str) -> Known {
        Known {
            id: id.to_owned(),
            place: place(path),
            stamp: Stamp { size, modified: 1 },
            print: print.to_owned(),
            missing: false,
        }
    }

    fn found(files: &[(&str, u64, i64)]) -> Found {
        files
            .iter()
            .map(|(path, size, modified)| (place(path), Stamp { size: *size, modified: *modified }))
            .collect()
    }

    fn prints(prints: &[(&str, &str)]) -> BTreeMap<Place, String> {
        prints.iter().map(|(path, print)| (place(path), (*print).to_owned())).collect()
    }

    #[test]
    fn what_did_not_change_costs_nothing() {
        let films = [known("a", "a.mp4", 10, "A")];
        let found = found(&[("a.mp4", 10, 1)]);
        assert!(unsure(&films, &found).is_empty());
        assert!(changes(&films, &found, &BTreeMap::new()).is_empty());
    }

    #[test]
    fn a_moved_film_keeps_its_record() {
        let films = [known("a", "a.mp4", 10, "A"), known("b", "b.mp4", 10, "A")];
        let found = found(&[("b.mp4", 10, 1), ("sub/new.mp4", 10, 1)]);
        assert_eq!(unsure(&films, &found), [&place("sub/new.mp4")]);
        let changes = changes(&films, &found, &prints(&[("sub/new.mp4", "A")]));
        assert_eq!(changes, [Change::Moved("a".to_owned(), place("sub/new.mp4"))]);
    }

    #[test]
    fn a_copy_is_a_film_of_its_own() {
        let films = [known("a", "a.mp4", 10, "A")];
        let found = found(&[("a.mp4", 10, 1), ("copy.mp4", 10, 1)]);
        let changes = changes(&films, &found, &prints(&[("copy.mp4", "A")]));
        assert_eq!(changes, [Change::New(place("copy.mp4"))]);
    }

    #[test]
    fn a_replaced_film_is_read_anew_and_a_touched_one_is_not() {
        let films = [known("a", "a.mp4", 10, "A"), known("b", "b.mp4", 10, "B")];
        let found = found(&[("a.mp4", 12, 5), ("b.mp4", 10, 5)]);
        let changes = changes(&films, &found, &prints(&[("a.mp4", "A2"), ("b.mp4", "B")]));
        let expected =
            [Change::Replaced("a".to_owned(), place("a.mp4")), Change::Same("b".to_owned(), place("b.mp4"))];
        assert_eq!(changes, expected);
    }

    #[test]
    fn a_film_that_went_is_missing_once_and_comes_back() {
        let mut film = known("a", "a.mp4", 10, "A");
        let none = Found::new();
        assert_eq!(changes(&[film.clone()], &none, &BTreeMap::new()), [Change::Missing("a".to_owned())]);
        film.missing = true;
        assert!(changes(&[film.clone()], &none, &BTreeMap::new()).is_empty());
        let back = found(&[("a.mp4", 10, 1)]);
        assert_eq!(changes(&[film], &back, &BTreeMap::new()), [Change::Same("a".to_owned(), place("a.mp4"))]);
    }

    #[test]
    fn a_growing_file_is_not_read() {
        let stamp = Stamp { size: 10, modified: 9_000 };
        let last = found(&[("a.mp4", 9, 9_000)]);
        assert!(!settled(&place("a.mp4"), stamp, &last, 10_000));
        assert!(settled(&place("a.mp4"), stamp, &found(&[("a.mp4", 10, 9_000)]), 10_000));
        assert!(settled(&place("a.mp4"), stamp, &Found::new(), 11_000));
        // A clock that was set back does not hold a file up for longer than to the next look.
        assert!(!settled(&place("a.mp4"), stamp, &Found::new(), 0));
        assert!(settled(&place("a.mp4"), stamp, &found(&[("a.mp4", 10, 9_000)]), 0));
    }

    proptest! {
        /// Whatever happens to files, each found file ends with one record and no record has two files.
        #[test]
        fn every_file_has_one_record(
            before in prop::collection::btree_map("[a-d]", (0_u64..3, 0_u8..3), 0..4),
            after in prop::collection::btree_map("[a-f]", (0_u64..3, 0_u8..3), 0..6),
        ) {
            let films: Vec<Known> =
                before.iter().map(|(path, (size, print))| known(path, path, *size, &print.to_string())).collect();
            let files: Vec<(&str, u64, i64)> = after.iter().map(|(path, (size, _))| (path.as_str(), *size, 2)).collect();
            let all: BTreeMap<Place, String> =
                after.iter().map(|(path, (_, print))| (place(path), print.to_string())).collect();
            let mut records: BTreeMap<String, Place> = films.iter().map(|film| (film.id.clone(), film.place.clone())).collect();
            for (count, change) in changes(&films, &found(&files), &all).into_iter().enumerate() {
                match change {
                    Change::New(place) => { records.insert(format!("new {count}"), place); }
                    Change::Moved(id, place) | Change::Replaced(id, place) | Change::Same(id, place) => {
                        prop_assert!(records.insert(id, place).is_some());
                    }
                    Change::Missing(id) => prop_assert!(records.remove(&id).is_some()),
                }
            }
            let mut places: Vec<Place> = records.into_values().collect();
            places.sort();
            prop_assert_eq!(places, all.into_keys().collect::<Vec<_>>());
        }
    }
}
