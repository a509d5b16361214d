//! The titles that a fresh install offers.

#![expect(clippy::unwrap_used, reason = "a test that fails here says so")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use playhouse_play::manifest::Manifest;

fn titles() -> Vec<Manifest> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../titles");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    folders
        .map(|entry| {
            let text = fs::read_to_string(entry.path().join("title.toml")).unwrap();
            Manifest::parse(entry.file_name().to_str().unwrap(), &text).unwrap()
        })
        .collect()
}

#[test]
fn every_title_says_what_it_is_and_how_it_is_played() {
    for title in titles() {
        let id = &title.id;
        assert!(
            title.summary.ends_with('.') && !title.summary.contains('!'),
            "{id}: a sentence, no exclamation marks"
        );
        assert!(!title.licence.is_empty() && !title.genre.is_empty() && title.year.is_some(), "{id}");
        assert!(!title.controls.is_empty(), "{id}: what does a player press?");
        let empty = title.controls.iter().find(|control| control.keys.is_empty() && control.pad.is_empty());
        assert!(empty.is_none(), "{id}: nothing is pressed for {empty:?}");
    }
}

#[test]
fn the_house_opens_with_games_for_one_and_for_several_people() {
    let titles = titles();
    assert!(titles.len() >= 6);
    assert!(titles.iter().any(|title| title.seats > 1));
    let names: BTreeSet<_> = titles.iter().map(|title| &title.name).collect();
    assert_eq!(names.len(), titles.len(), "no two titles have one name");
}

#[test]
fn a_script_that_starts_a_title_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../titles");
    for title in titles() {
        for part in title.command.iter().filter_map(|part| part.strip_prefix("/title/")) {
            assert!(folder.join(&title.id).join(part).is_file(), "{} has no {part}", title.id);
        }
    }
}
