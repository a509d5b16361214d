//! Peers that Debian has: their packages are unpacked into `target/peers`, so that nothing is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::house::built;
use crate::progress::say;

/// Where a peer's packages were unpacked.
#[derive(Clone, Debug)]
pub(crate) struct Root(PathBuf);

impl Root {
    /// A file of a package, such as `usr/sbin/nginx`.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// A command of it, which finds the libraries that came with it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        let folder = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
        command.env("LD_LIBRARY_PATH", self.path(&folder));
        command
    }
}

/// The unpacked packages of a peer, or nothing, which is said.
pub(crate) fn find(name: &str, program: &str, packages: &[&str], install: bool) -> Option<Root> {
    let folder = built("bench").ok()?.parent()?.parent()?.join("peers").join(name);
    let root = Root(folder);
    if !root.path(program).is_file() && install {
        say(&format!("Unpacking {} into {}", packages.join(", "), root.0.display()));
        if let Err(error) = unpack(&root.0, packages) {
            say(&format!("{name} could not be had: {error:#}."));
        }
    }
    if root.path(program).is_file() {
        return Some(root);
    }
    say(&format!("{name} was not found; `--install-peers` unpacks it. Its figures stay empty."));
    None
}

/// Fetches the packages and what they need that is not installed here.
fn unpack(folder: &Path, packages: &[&str]) -> Result<()> {
    let archives = folder.join("archives");
    fs::create_dir_all(archives.join("partial"))?;
    let run = |command: &mut Command| -> Result<()> {
        let output =
            command.stdin(Stdio::null()).output().context("Debian's apt-get and dpkg-deb are needed")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    let archive = format!("Dir::Cache::Archives={}/", archives.display());
    run(Command::new("apt-get")
        .args(["install", "--download-only", "--yes", "--no-install-recommends"])
        .args(["-o", &archive, "-o", "Debug::NoLocking=1"])
        .args(packages))?;
    for entry in fs::read_dir(&archives)? {
        let file = entry?.path();
        if file.extension().is_some_and(|kind| kind == "deb") {
            run(Command::new("dpkg-deb").arg("-x").arg(&file).arg(folder))?;
        }
    }
    fs::remove_dir_all(&archives)?;
    Ok(())
}
