//! What strangers call things: files of a live stream, uploads, keys in stream ids. Each is read or passed over.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_media::film::Part;
use playhouse_media::live::File;
use playhouse_media::srt;
use playhouse_watch::upload;

fuzz_target!(|text: &str| {
    // A name has exactly one form, so that no two addresses are the same file.
    if let Ok(file) = text.parse::<File>() {
        assert_eq!(file.to_string(), text);
    }
    if let Ok(part) = text.parse::<Part>() {
        assert_eq!(part.to_string(), text);
    }
    let key = srt::key_of(text);
    assert!(text.contains(key) && (key.len() == text.len() || !key.contains(',')));
    for name in [upload::file_name(text), upload::safe_name(text)].into_iter().flatten() {
        assert!(name.len() <= 200 && !name.starts_with('.') && !name.contains(['/', '\\', '\0']));
        assert_eq!(upload::safe_name(&name).as_ref(), Some(&name));
    }
});
