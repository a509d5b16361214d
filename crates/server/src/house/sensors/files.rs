//! The bytes of models and apps for sensors, by their hash.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use playhouse_store::sensor_files::Kind;

/// The largest model: the largest detector that a small board runs has some 50 MB.
const LARGEST_MODEL: u64 = 64 << 20;

/// The largest app: one that counts has some 100 KB.
const LARGEST_APP: u64 = 4 << 20;

/// Models and apps that are kept.
pub(crate) const MOST: usize = 500;

/// Where they lie.
#[derive(Debug)]
pub(crate) struct Files(PathBuf);

/// Why bytes are not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unkept {
    /// Too many of them.
    #[error("it is longer than the {} MiB that such a file may have", .0 >> 20)]
    Long(u64),
    /// They are no model.
    #[error("it is no ONNX model: it does not begin as one. Export it as ONNX, without external data")]
    NoModel,
    /// They are no app.
    #[error("it is no WebAssembly module: build it for `wasm32-unknown-unknown`, not as a component")]
    NoApp,
    /// The disk failed.
    #[error("it could not be kept: {0}")]
    Disk(#[from] io::Error),
}

/// How long a file of a kind may be.
pub(crate) const fn largest(kind: Kind) -> u64 {
    match kind {
        Kind::Model => LARGEST_MODEL,
        Kind::App => LARGEST_APP,
    }
}

/// A file that is on its way in; gone if it does not arrive.
pub(crate) struct Arriving {
    kind: Kind,
    file: fs::File,
    path: PathBuf,
    hasher: blake3::Hasher,
    head: Vec<u8>,
    bytes: u64,
}

impl Files {
    /// Those of the data folder.
    pub(crate) fn new(data: &Path) -> Self {
        Self(data.join("sensors/files"))
    }

    /// Where the bytes of a hash lie, if it is one.
    pub(crate) fn path(&self, hash: &str) -> Option<PathBuf> {
        let is_hash =
            hash.len() == 64 && hash.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        is_hash.then(|| self.0.join(hash))
    }

    /// Begins to take a file.
    pub(crate) fn begin(&self, kind: Kind) -> Result<Arriving, Unkept> {
        fs::create_dir_all(&self.0)?;
        let path = self.0.join(format!("{}.part", playhouse_store::id::fresh()));
        let file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Arriving { kind, file, path, hasher: blake3::Hasher::new(), head: Vec::new(), bytes: 0 })
    }

    /// Keeps what has arrived; gives its hash and length.
    pub(crate) fn keep(&self, mut arrived: Arriving) -> Result<(String, u64), Unkept> {
        arrived.check()?;
        arrived.file.sync_all()?;
        let hash = arrived.hasher.finalize().to_hex().to_string();
        fs::rename(&arrived.path, self.0.join(&hash))?;
        fs::File::open(&self.0)?.sync_all()?;
        arrived.path = PathBuf::new();
        Ok((hash, arrived.bytes))
    }

    /// Removes the bytes of a hash.
    pub(crate) fn remove(&self, hash: &str) {
        if let Some(path) = self.path(hash)
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(path = %path.display(), %error, "the bytes of a model or an app could not be removed");
        }
    }

    /// Removes what was on its way when an earlier run ended.
    pub(crate) fn tidy(&self) {
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "part") {
                drop(fs::remove_file(entry.path()));
            }
        }
    }
}

impl Arriving {
    /// Takes the next bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(), Unkept> {
        self.bytes += bytes.len() as u64;
        if self.bytes > largest(self.kind) {
            return Err(Unkept::Long(largest(self.kind)));
        }
        if self.head.len() < 8 {
            self.head.extend(bytes.iter().take(8 - self.head.len()));
        }
        self.hasher.update(bytes);
        Ok(self.file.write_all(bytes)?)
    }

    /// Whether it begins as it should. What is wrong further on, the sensor says when it tries it.
    fn check(&self) -> Result<(), Unkept> {
        match self.kind {
            // A model begins with the version of its form: field 1, a small number (onnx.proto, `ModelProto`).
            Kind::Model if matches!(self.head.as_slice(), [0x08, 1..=64, ..]) => Ok(()),
            Kind::Model => Err(Unkept::NoModel),
            Kind::App if self.head.starts_with(b"\0asm\x01\0\0\0") => Ok(()),
            Kind::App => Err(Unkept::NoApp),
        }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            drop(fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_model_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(folder.path());
        for (kind, bytes) in
            [(Kind::Model, b"\x7fELF....".as_slice()), (Kind::App, b"\x08\x07"), (Kind::Model, b"")]
        {
            let mut arriving = files.begin(kind).unwrap();
            arriving.take(bytes).unwrap();
            assert!(files.keep(arriving).is_err());
        }
        let mut long = files.begin(Kind::App).unwrap();
        assert!(matches!(long.take(&vec![0; (4 << 20) + 1]), Err(Unkept::Long(_))));
        drop(long);
        assert_eq!(fs::read_dir(&files.0).unwrap().count(), 0);
        let mut model = files.begin(Kind::Model).unwrap();
        model.take(b"\x08").unwrap();
        model.take(b"\x07 and so on").unwrap();
        let (hash, bytes) = files.keep(model).unwrap();
        assert_eq!((bytes, fs::read(files.path(&hash).unwrap()).unwrap().len()), (12, 12));
        assert!(files.path("../secret").is_none());
    }
}
