//! An upload into the program itself, which is killed in the middle: what was acknowledged is there.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod program;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use program::{House, fill, wait};

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

/// What every request of tus has, and the name `Film.mp4` in base 64.
const TUS: &str = "Tus-Resumable: 1.0.0";
const BYTES: &str = "Content-Type: application/offset+octet-stream";
const NAME: &str = "Upload-Metadata: filename RmlsbS5tcDQ=";

#[test]
fn a_large_upload_takes_no_memory() {
    const LENGTH: u64 = 2 << 30;
    /// Kilobytes that the program may grow by: buffers of a connection, and what a file's last look takes.
    const GROWS: u64 = 48 << 10;
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), &[]);
    let token = house.sign_in();
    let length = format!("Upload-Length: {LENGTH}");
    let (head, _) = house.send("POST", "/api/uploads", &[&token, TUS, &length, NAME], b"");
    assert!(head.contains(" 201 "), "{head}");
    let url = header(&head, "location").to_owned();
    // From here on the highest mark is of the upload alone.
    fs::write(format!("/proc/{}/clear_refs", house.process.id()), "5").unwrap();
    let before = house.kilobytes("VmHWM");
    let mut stream = TcpStream::connect(&house.address).unwrap();
    let head = format!(
        "PATCH {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{token}\r\n{TUS}\r\n{BYTES}\r\n\
         Upload-Offset: 0\r\nContent-Length: {LENGTH}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..LENGTH >> 20 {
        stream.write_all(&zeros).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 204 "), "{answer}");
    let grown = house.kilobytes("VmHWM").saturating_sub(before);
    assert!(grown < GROWS, "an upload of {LENGTH} bytes took {grown} kB");
    let film = folder.path().join(".playhouse/films/Film.mp4");
    assert_eq!(fs::metadata(film).unwrap().len(), LENGTH);
}

#[test]
fn an_upload_that_fills_the_disk_is_told_so_and_goes_on_once_there_is_room() {
    const LENGTH: usize = 24 << 20;
    let folder = tempfile::tempdir().unwrap();
    let film: Vec<u8> = (0..LENGTH).map(|n| (n % 251).to_le_bytes()[0]).collect();
    let house = House::with_small_disk(folder.path(), 80, &[]);
    let disk = house.disk(folder.path());
    let token = house.sign_in();
    let length = format!("Upload-Length: {LENGTH}");
    let (head, _) = house.send("POST", "/api/uploads", &[&token, TUS, &length, NAME], b"");
    assert!(head.contains(" 201 "), "{head}");
    let url = header(&head, "location").to_owned();
    let half = &film[..LENGTH / 2];
    let (head, _) = house.send("PATCH", &url, &[&token, TUS, BYTES, "Upload-Offset: 0"], half);
    assert!(head.contains(" 204 "), "{head}");
    let fill = fill(&disk);
    let from = format!("Upload-Offset: {}", half.len());
    // A piece that the connection takes as a whole, so that nobody is cut off before the answer.
    let piece = &film[half.len()..half.len() + (16 << 10)];
    let (head, body) = house.send("PATCH", &url, &[&token, TUS, BYTES, &from], piece);
    let said = String::from_utf8(body).unwrap();
    assert!(head.contains(" 507 ") && said.contains("room"), "{head} {said}");
    // What was acknowledged is there, and how far it came is what the disk has.
    let (head, _) = house.send("HEAD", &url, &[&token, TUS], b"");
    let at: usize = header(&head, "upload-offset").parse().unwrap();
    assert!((half.len()..LENGTH).contains(&at), "{at}");
    fs::remove_file(&fill).unwrap();
    let from = format!("Upload-Offset: {at}");
    let (head, _) = house.send("PATCH", &url, &[&token, TUS, BYTES, &from], &film[at..]);
    assert!(head.contains(" 204 "), "{head}");
    assert!(fs::read(disk.join("films/Film.mp4")).unwrap() == film, "the film is another one");
}
