//! Uploads that can be resumed, as tus 1.0.0 has them.

use std::fs;

use playhouse_store::accounts::Role;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::films::{folder, make, until};
use crate::house::House;
use crate::http::{Client, Reply};

const TUS: (&str, &str) = ("Tus-Resumable", "1.0.0");
const BYTES: (&str, &str) = ("Content-Type", "application/offset+octet-stream");

/// `Film.mp4` in base 64.
const FILM: (&str, &str) = ("Upload-Metadata", "filetype dmlkZW8vbXA0,filename RmlsbS5tcDQ=");

async fn begin(who: &Client, length: usize) -> Reply {
    who.send("POST", "/api/uploads", &[TUS, FILM, ("Upload-Length", &length.to_string())], b"").await
}

async fn append(who: &Client, url: &str, offset: usize, bytes: &[u8]) -> Reply {
    who.send("PATCH", url, &[TUS, BYTES, ("Upload-Offset", &offset.to_string())], bytes).await
}

async fn offset(who: &Client, url: &str) -> usize {
    let reply = who.send("HEAD", url, &[TUS], b"").await.expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.header("upload-offset").unwrap().parse().unwrap()
}

fn film() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.mp4");
    make(&path, "320x180", &[]);
    fs::read(path).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_broke_off_goes_on_and_plays() {
    let house = House::new().await;
    let owner = house.owner().await;
    let film = film();
    let options = house.nobody.send("OPTIONS", "/api/uploads", &[], b"").await.expect(204);
    assert_eq!(options.header("tus-version"), Some("1.0.0"));
    assert_eq!(options.header("tus-extension"), Some("creation,termination"));
    let reply = begin(&owner, film.len()).await.expect(201);
    assert_eq!(reply.header("tus-resumable"), Some("1.0.0"));
    let url = reply.header("location").unwrap();
    assert_eq!(offset(&owner, url).await, 0);
    let third = film.len() / 3;
    let reply = append(&owner, url, 0, &film[..third]).await.expect(204);
    assert_eq!(reply.header("upload-offset").unwrap(), third.to_string());

    // The next third is announced, and the connection breaks in the middle of it.
    let mut stream = TcpStream::connect(owner.address).await.unwrap();
    let head = format!(
        "PATCH {url} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {third}\r\n\
         Content-Type: application/offset+octet-stream\r\nContent-Length: {third}\r\n\r\n",
        owner.address,
        owner.token.as_deref().unwrap()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&film[third..third + 5_000]).await.unwrap();
    stream.flush().await.unwrap();
    while offset(&owner, url).await < third + 5_000 {
        tokio::task::yield_now().await;
    }
    // Whoever comes back writes at once, however long the earlier connection hangs.
    let at = third + 5_000;
    append(&owner, url, at - 1, b"x").await.problem(409, "conflict");
    append(&owner, url, at + 1, b"x").await.problem(409, "conflict");
    append(&owner, url, at, &film[at..at + 1]).await.expect(204);
    drop(stream);
    append(&owner, url, at + 1, &film[at + 1..]).await.expect(204);
    assert_eq!(offset(&owner, url).await, film.len());
    assert!(fs::read(folder(&house).join("Film.mp4")).unwrap() == film);
    until(&owner, |film| film["title"] == "Film" && film["state"] == "ready").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_are_the_owners_and_bounded() {
    let house = House::with(2, |config| config.upload_limit = 1_000_000).await;
    let (owner, other, player) =
        (house.owner().await, house.account("Otto", Role::Owner).await, house.player().await);
    begin(&player, 10).await.problem(403, "not-allowed");
    begin(&house.nobody, 10).await.problem(401, "sign-in-required");
    begin(&owner, 1_000_001).await.problem(413, "too-large");
    begin(&owner, 0).await.problem(422, "invalid");
    let length = ("Upload-Length", "10");
    owner.send("POST", "/api/uploads", &[FILM, length], b"").await.problem(412, "tus-version");
    owner.send("POST", "/api/uploads", &[TUS, length], b"").await.problem(422, "invalid");
    // `../../a.txt` and `notes.txt`.
    for name in ["filename Li4vLi4vYS50eHQ=", "filename bm90ZXMudHh0", "filename ???"] {
        let headers = [TUS, length, ("Upload-Metadata", name)];
        owner.send("POST", "/api/uploads", &headers, b"").await.problem(422, "invalid");
    }
    let url = begin(&owner, 10).await.expect(201).header("location").unwrap().to_owned();
    other.send("HEAD", &url, &[TUS], b"").await.expect(404);
    append(&other, &url, 0, b"x").await.problem(404, "not-found");
    append(&owner, "/api/uploads/nope", 0, b"x").await.problem(404, "not-found");
    append(&owner, "/api/uploads/..%2f..%2fplayhouse", 0, b"x").await.problem(404, "not-found");
    let json = [TUS, ("Content-Type", "application/json"), ("Upload-Offset", "0")];
    owner.send("PATCH", &url, &json, b"x").await.problem(415, "wrong-type");
    let unversioned = [BYTES, ("Upload-Offset", "0")];
    owner.send("PATCH", &url, &unversioned, b"x").await.problem(412, "tus-version");
    append(&owner, &url, 0, b"more than ten bytes").await.problem(413, "too-large");
    assert_eq!(offset(&owner, &url).await, 0);
    let view = owner.get(&url).await.expect(200).json();
    assert_eq!((&view["name"], &view["length"]), (&"Film.mp4".into(), &10.into()));
    owner.send("DELETE", &url, &[TUS], b"").await.expect(204);
    owner.send("HEAD", &url, &[TUS], b"").await.expect(404);
    assert_eq!(fs::read_dir(folder(&house).join(".uploads")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_leave_the_disk_room() {
    let house = House::with(2, |config| config.reserve = u64::MAX / 2).await;
    let owner = house.owner().await;
    begin(&owner, 10).await.problem(507, "disk");
}
