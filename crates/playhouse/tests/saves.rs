//! What a game keeps is there when the same account plays it again, and for nobody else.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod real;

use std::fs;
use std::path::Path;

use serde_json::json;

use real::House;

/// A game that writes a line into its home each time that it is started.
fn write_title(folder: &Path) {
    let title = folder.join("titles/diary");
    fs::create_dir_all(&title).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_playhouse")).with_file_name("probe");
    assert!(program.is_file(), "`probe` is not built: run `cargo build --release -p probe` first");
    fs::copy(program, title.join("probe")).unwrap();
    let command = r#"["sh", "-c", "echo played >> $HOME/diary && exec /title/probe --still"]"#;
    let text = format!(
        "name = \"Diary\"\nsummary = \"It remembers.\"\nhost = \"wayland\"\ncommand = {command}\nsaves = [\"diary\"]\n"
    );
    fs::write(title.join("title.toml"), text).unwrap();
}

/// Plays it once, and ends it.
fn play(house: &House) {
    let session = house.post("/api/sessions", &json!({"title": "diary"}));
    let path = format!("/api/sessions/{}", session["id"].as_str().unwrap());
    house.until(&path, |session| {
        assert_ne!(session["state"], "ended", "{session}");
        (session["state"] == "running").then_some(())
    });
    assert_eq!(house.send("DELETE", &path, b"").0, 204);
}

#[test]
fn progress_is_there_the_next_time_and_belongs_to_the_account() {
    let folder = tempfile::tempdir().unwrap();
    write_title(folder.path());
    let mut house = House::start(folder.path());
    let owner = house.get("/api/me")["id"].as_str().unwrap().to_owned();
    let diary = |account: &str| folder.path().join(".playhouse/homes").join(account).join("diary/diary");
    play(&house);
    play(&house);
    assert_eq!(fs::read_to_string(diary(&owner)).unwrap(), "played\nplayed\n");

    let invited = house.post("/api/accounts", &json!({"name": "Bob", "role": "player"}));
    let bob = house.sign_in(invited["link"].as_str().unwrap().trim_start_matches("/?code="));
    play(&house);
    assert_eq!(fs::read_to_string(diary(&bob)).unwrap(), "played\n");
    assert_eq!(fs::read_to_string(diary(&owner)).unwrap(), "played\nplayed\n");
}
