//! What the file of an uploaded film is called: what its client says, made safe.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::name;

/// Longest name of a film's file, in bytes; file systems end at 255, and a number may be added.
const NAME: usize = 200;

/// The name in a header `Upload-Metadata` of tus 1.0.0: pairs of a key and a value in base 64, of which `filename` counts.
/// None where it names no film.
pub fn file_name(metadata: &str) -> Option<String> {
    let value = metadata.split(',').find_map(|pair| pair.trim().strip_prefix("filename "))?;
    let name = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    safe_name(&name)
}

/// A name that is a film's file and nothing else: no folder, nothing hidden, no controls.
pub fn safe_name(given: &str) -> Option<String> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|letter| !letter.is_control() && *letter != ':').collect();
    let clean = clean.trim_start_matches(|letter: char| letter == '.' || letter.is_whitespace()).trim_end();
    let (stem, ending) = clean.rsplit_once('.')?;
    let mut stem = stem.trim_end();
    while stem.len() + ending.len() + 1 > NAME {
        let mut letters = stem.chars();
        letters.next_back()?;
        stem = letters.as_str();
    }
    let safe = format!("{}.{ending}", stem.trim_end());
    name::is_film(&safe).then_some(safe)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_a_file_and_nothing_else() {
        let table = [
            ("Film (2019).mp4", Some("Film (2019).mp4")),
            ("../../etc/Film.mp4", Some("Film.mp4")),
            ("C:\\Films\\Film.mkv", Some("Film.mkv")),
            ("..mp4", None),
            (".hidden.mp4", Some("hidden.mp4")),
            (". .hidden.mp4", Some("hidden.mp4")),
            ("a\0b\n.mp4", Some("ab.mp4")),
            ("notes.txt", None),
            ("", None),
            ("/", None),
            ("mp4", None),
        ];
        for (given, safe) in table {
            assert_eq!(safe_name(given).as_deref(), safe, "{given}");
        }
        let long = safe_name(&format!("{}.mp4", "ü".repeat(300))).unwrap();
        assert!(long.len() <= NAME && long.ends_with("ü.mp4"), "{long}");
    }

    #[test]
    fn the_name_is_found_among_what_clients_say() {
        assert_eq!(file_name("filetype dmlkZW8=, filename RmlsbS5tcDQ=").as_deref(), Some("Film.mp4"));
        for wrong in ["", "filename", "filename ", "filename ?", "filename RmlsbQ==", "name RmlsbS5tcDQ="] {
            assert_eq!(file_name(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn rubbish_is_survived(given in "[a-zü./\\\\: \0\n-]{0,300}(\\.mp4)?") {
            prop_assert_eq!(file_name(&given), None);
            let encoded = format!("filename {}", STANDARD.encode(&given));
            if let Some(name) = file_name(&encoded) {
                prop_assert!(name.len() <= NAME && !name.starts_with('.') && !name.contains(['/', '\\']));
                prop_assert_eq!(safe_name(&name), Some(name.clone()));
            }
        }
    }
}
