//! Segments on the disk: a file for each, and one for each era. All of this blocks.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use playhouse_media::live::record::{self, Packed, Record};
use playhouse_media::live::{Era, Window};

/// Bytes of an era's file at most; real ones have a few hundred.
const MOST_ERA: u64 = 1 << 20;
/// Bytes of the disk that recordings leave free for everything else.
pub(crate) const RESERVE: u64 = 256 << 20;
/// Bytes that files are rounded up to, at least: a block of most file systems.
const BLOCK: u64 = 4096;

/// Where the segment of a number is.
pub(crate) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number}.segment"))
}

fn era_path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first}.era"))
}

/// Writes a whole file or none: what is not complete has another name.
fn write(path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    let new = path.with_extension("new");
    let written = (|| {
        let mut file = File::create(&new)?;
        for piece in pieces {
            file.write_all(piece)?;
        }
        file.sync_data()?;
        fs::rename(&new, path)
    })();
    if written.is_err() {
        // A disk that is full stays so until this is gone.
        fs::remove_file(&new).ok();
    }
    written
}

/// Bytes of the disk that are free.
pub(crate) fn free(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes of the disk that a segment takes.
pub(crate) fn size(packed: &Packed) -> u64 {
    let bytes = packed.header.len() + packed.parts.iter().map(|part| part.len()).sum::<usize>();
    (bytes as u64).next_multiple_of(BLOCK)
}

/// Writes a segment, if so many bytes stay free.
pub(crate) fn put(folder: &Path, number: u64, packed: &Packed, reserve: u64) -> io::Result<()> {
    if free(folder)? < reserve.saturating_add(size(packed)) {
        return Err(io::Error::from(io::ErrorKind::StorageFull));
    }
    let mut pieces = vec![packed.header.as_slice()];
    pieces.extend(packed.parts.iter().map(|part| &**part));
    write(&segment_path(folder, number), &pieces)
}

/// Gives a segment a second place, where it stays when its first one is removed; copied where the file system has no links.
pub(crate) fn link(from: &Path, folder: &Path, number: u64) -> io::Result<()> {
    let to = segment_path(folder, number);
    match fs::hard_link(from, &to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let new = to.with_extension("new");
            let copied = fs::copy(from, &new)
                .and_then(|_| File::open(&new)?.sync_data())
                .and_then(|()| fs::rename(&new, &to));
            if copied.is_err() {
                fs::remove_file(&new).ok();
            }
            copied
        }
        linked => linked,
    }
}

/// Writes an era.
pub(crate) fn put_era(folder: &Path, era: &Era) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    write(&era_path(folder, era.first), &[&record::pack_era(era)])
}

/// Removes segments and eras, those first that nobody needs.
pub(crate) fn remove(folder: &Path, segments: &[u64], eras: &[u64]) {
    let segments = segments.iter().map(|number| segment_path(folder, *number));
    for path in segments.chain(eras.iter().map(|first| era_path(folder, *first))) {
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = %path.display(), %error, "an old segment could not be removed");
        }
    }
}

/// What a segment's file says of itself.
pub(crate) fn record(folder: &Path, number: u64) -> io::Result<Record> {
    let mut file = File::open(segment_path(folder, number))?;
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is no whole segment");
    let mut header = vec![0; record::PREFIX];
    file.read_exact(&mut header)?;
    let prefix = header.first_chunk().ok_or_else(damaged)?;
    let length = record::header_len(prefix).ok_or_else(damaged)?;
    header.resize(length, 0);
    file.read_exact(&mut header[record::PREFIX..])?;
    record::parse(&header, file.metadata()?.len()).filter(|found| found.segment == number).ok_or_else(damaged)
}

fn era(path: &Path) -> Option<Era> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MOST_ERA).read_to_end(&mut bytes).ok()?;
    record::parse_era(&bytes)
}

/// Fills a window with what an earlier run of the program has left in `folder`, and removes what is not whole.
pub(crate) fn restore(folder: &Path, window: &mut Window) -> io::Result<()> {
    let (mut segments, mut eras) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number =
            path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        match (number, path.extension().and_then(|ending| ending.to_str())) {
            (Some(number), Some("segment")) => segments.push(number),
            (Some(number), Some("era")) => eras.push(number),
            _ => drop(fs::remove_file(&path)),
        }
    }
    segments.sort_unstable();
    eras.sort_unstable();
    for first in eras {
        let known = era(&era_path(folder, first)).filter(|era| era.first == first);
        if !known.is_some_and(|era| window.restore_era(era)) {
            remove(folder, &[], &[first]);
        }
    }
    for number in segments {
        let whole = match record(folder, number) {
            Ok(record) => window.restore(&record),
            Err(error) => {
                tracing::warn!(folder = %folder.display(), number, %error, "a segment is left out");
                false
            }
        };
        if !whole {
            remove(folder, &[number], &[]);
        }
    }
    let (segments, eras) = window.expire();
    remove(folder, &segments, &eras);
    Ok(())
}
