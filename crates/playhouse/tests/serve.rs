//! Starting the server: what it refuses, and what it says about it.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

use playhouse_codec::video;
use program::{House, wait};

/// Starts the program where nothing else of this machine configures it; gives what it says when it refuses.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_playhouse"))
        .env_clear()
        .current_dir(folder)
        // Nobody's address (RFC 5737): a house that starts after all ends there instead of staying.
        .args(["serve", "--listen", "203.0.113.7:7770"])
        .args(arguments)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && !folder.join(".playhouse").exists(), "it began: {said}");
    said
}

#[test]
fn an_encoder_that_this_machine_lacks_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, usable): (Vec<_>, Vec<_>) =
        video::available().into_iter().partition(|info| info.unavailable.is_some());
    // No machine has the cards of all makers.
    let (missing, usable) = (missing.last().unwrap(), usable.first().unwrap());
    let said = refused(folder.path(), &["--encoder", missing.name]);
    assert!(said.contains(&format!("`{}` (flag or environment)", missing.name)), "{said}");
    assert!(said.contains(missing.unavailable.as_deref().unwrap()), "no reason: {said}");
    assert!(said.contains(usable.name), "no choice: {said}");
}

#[test]
fn a_misspelt_encoder_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("house.toml"), "encoder = \"x265\"\n").unwrap();
    let said = refused(folder.path(), &["--config", "house.toml"]);
    assert!(said.contains("`x265` (file)"), "{said}");
    assert!(said.contains("there is no encoder called `x265`"), "{said}");
}

#[test]
fn a_folder_of_films_that_is_none_is_refused_and_one_that_is_away_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("film.mp4"), "no folder").unwrap();
    let said = refused(folder.path(), &["--films", "film.mp4"]);
    assert!(said.contains("film.mp4` (flag or environment), which is a file"), "{said}");

    let away = folder.path().join("usb/films");
    let house = House::start(folder.path(), &["--films", away.to_str().unwrap()]);
    let sentence = format!("the folder of films `{}` cannot be read", away.display());
    wait("a sentence", || house.log().contains(&sentence).then_some(()));
    fs::create_dir_all(&away).unwrap();
    fs::write(away.join("Here.mp4"), "no film, and seen all the same").unwrap();
    let token = house.sign_in();
    wait("the film", || {
        let (_, body) = house.send("GET", "/api/films", &[&token], b"");
        String::from_utf8(body).unwrap().contains("\"Here\"").then_some(())
    });
    assert!(house.log().contains(&format!("the folder of films `{}` is there", away.display())));
}
