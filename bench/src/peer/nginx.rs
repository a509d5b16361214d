//! nginx: serves the files of an HLS film.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use playhouse_testkit::child::Program;
use tempfile::TempDir;

use super::debian::{self, Root};

const PROGRAM: &str = "usr/sbin/nginx";
const PACKAGES: [&str; 1] = ["nginx-light"];
/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);

/// It, or nothing, which is said.
pub(crate) fn find(install: bool) -> Option<Root> {
    debian::find("nginx", PROGRAM, &PACKAGES, install)
}

/// A running nginx, with one worker. Ends when dropped.
pub(crate) struct Nginx {
    program: Program,
    pub(crate) origin: String,
    _folder: TempDir,
}

impl Nginx {
    /// Serves `files` under `/`.
    pub(crate) fn start(root: &Root, files: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-nginx-").tempdir()?;
        let web = free_port()?;
        let at = folder.path().display();
        let configuration = format!(
            "daemon off;\nmaster_process on;\nworker_processes 1;\nuser root;\npid {at}/pid;\n\
             error_log {at}/error.log;\nevents {{ worker_connections 512; }}\n\
             http {{\n access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;\n\
             types {{ application/vnd.apple.mpegurl m3u8; video/mp4 mp4 m4s; text/html html; \
             text/javascript js; video/mp2t ts; }}\n\
             client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;\n\
             uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;\n\
             server {{ listen 127.0.0.1:{web}; root {}; }}\n}}\n",
            files.display(),
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration)?;
        let mut program = Program::start(
            root.command(PROGRAM)
                .arg("-c")
                .arg(&file)
                .arg("-p")
                .arg(folder.path())
                .arg("-e")
                .arg(folder.path().join("error.log"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )
        .context("nginx does not start")?;
        let end = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", web)).is_err() {
            let log = || fs::read_to_string(folder.path().join("error.log")).unwrap_or_default();
            ensure!(program.ended()?.is_none() && Instant::now() < end, "nginx does not come up: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { program, origin: format!("http://127.0.0.1:{web}"), _folder: folder })
    }

    /// Number of its first process.
    pub(crate) fn pid(&self) -> u32 {
        self.program.pid()
    }
}

/// A port that is free at this moment.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
