//! An upload into the program itself, which is killed in the middle: what was acknowledged is there.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod program;

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;

use program::{House, wait};

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {head}"))
}

#[test]
fn an_upload_outlives_a_killed_server() {
    const HALF: usize = 300_000;
    let folder = tempfile::tempdir().unwrap();
    let film: Vec<u8> = (0..2 * HALF).map(|n| (n % 251).to_le_bytes()[0]).collect();
    let tus = "Tus-Resumable: 1.0.0";
    let bytes = "Content-Type: application/offset+octet-stream";
    let mut house = House::start(folder.path(), &[]);
    let token = house.sign_in();
    let length = format!("Upload-Length: {}", film.len());
    // `Film.mp4` in base 64.
    let name = "Upload-Metadata: filename RmlsbS5tcDQ=";
    let (head, _) = house.send("POST", "/api/uploads", &[&token, tus, &length, name], b"");
    assert!(head.contains(" 201 "), "{head}");
    let url = header(&head, "location").to_owned();
    let (head, _) = house.send("PATCH", &url, &[&token, tus, bytes, "Upload-Offset: 0"], &film[..HALF]);
    assert!(head.contains(" 204 ") && header(&head, "upload-offset") == HALF.to_string(), "{head}");
    // More is on its way when the program is killed.
    let mut stream = TcpStream::connect(&house.address).unwrap();
    let head = format!(
        "PATCH {url} HTTP/1.1\r\nHost: x\r\n{token}\r\n{tus}\r\n{bytes}\r\nUpload-Offset: {HALF}\r\n\
         Content-Length: {HALF}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&film[HALF..HALF + 100_000]).unwrap();
    house.kill();

    let house = House::start(folder.path(), &[]);
    let token = house.sign_in();
    let (head, _) = house.send("HEAD", &url, &[&token, tus], b"");
    let at: usize = header(&head, "upload-offset").parse().unwrap();
    assert!((HALF..=HALF + 100_000).contains(&at), "{at}");
    let from = format!("Upload-Offset: {at}");
    let (head, _) = house.send("PATCH", &url, &[&token, tus, bytes, &from], &film[at..]);
    assert!(head.contains(" 204 ") && header(&head, "upload-offset") == film.len().to_string(), "{head}");
    assert!(
        fs::read(folder.path().join(".playhouse/films/Film.mp4")).unwrap() == film,
        "the film is another one"
    );
    // It is none, which the library says at once.
    wait("its end as a film", || {
        let (_, body) = house.send("GET", "/api/films", &[&token], b"");
        String::from_utf8(body).unwrap().contains("This is no film").then_some(())
    });
}
