//! The agent's disk: a small file system of its own, so that it can be full.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// Bytes of the file system: an outbox of the least size, and some more.
const BYTES: usize = 3 << 20;
/// What the file system gives at a time.
const PAGE: usize = 4096;

/// A mounted file system; gone when dropped.
#[derive(Debug)]
pub(super) struct Disk(PathBuf);

impl Disk {
    /// Mounts one at this folder; nothing where that is not allowed.
    pub(super) fn mount(folder: &Path) -> Result<Option<Self>> {
        fs::create_dir(folder)?;
        let size = format!("size={BYTES},mode=700");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "bench"]).arg(folder).output();
        Ok(mount.is_ok_and(|mount| mount.status.success()).then(|| Self(folder.to_owned())))
    }

    /// Takes all room that there is.
    pub(super) fn fill(&self) -> Result<()> {
        let mut ballast = File::options().create(true).append(true).open(self.ballast())?;
        // Never more than the file system has.
        for _ in 0..BYTES / PAGE {
            if ballast.write_all(&[0; PAGE]).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Gives the room back.
    pub(super) fn free(&self) -> Result<()> {
        match fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("the disk could not be freed")
            }
            _ => Ok(()),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}
