//! The brokers that are measured: programs of their own.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;

/// A broker that runs until this is dropped.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) plain: u16,
    pub(crate) tls: u16,
    child: Child,
}

impl Peer {
    /// Ours, which writes certificates into `folder`.
    pub(crate) fn ours(program: &Path, folder: &Path) -> Result<Peer, Failure> {
        let mut child =
            Command::new(program).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let mut port = || words.by_ref().nth(1).ok_or("no port").map(str::parse::<u16>);
        let (plain, tls) = (port()??, port()??);
        Ok(Peer { name: "playhouse", plain, tls, child })
    }

    /// Mosquitto with the same certificates.
    pub(crate) fn mosquitto(program: &str, folder: &Path) -> Result<Peer, Failure> {
        let (plain, tls) = (free_port()?, free_port()?);
        let at = folder.display();
        let config = format!(
            "listener {plain} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\nmax_inflight_messages 100\n\
             listener {tls} 127.0.0.1\ncafile {at}/authority.pem\ncertfile {at}/broker.pem\nkeyfile {at}/broker.key\n\
             require_certificate true\nuse_identity_as_username true\nallow_anonymous true\nset_tcp_nodelay true\n"
        );
        let file = folder.join("mosquitto.conf");
        std::fs::write(&file, config)?;
        let mut command = Command::new(program);
        command.arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn()?;
        let peer = Peer { name: "mosquitto", plain, tls, child };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", plain)).is_err() {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err("mosquitto did not start".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(peer)
    }

    /// Its resident memory in bytes.
    pub(crate) fn resident(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes * 1024)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn free_port() -> Result<u16, Failure> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
