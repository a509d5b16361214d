//! nginx: serves the files of an HLS film, and with its RTMP module takes a live stream.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use playhouse_testkit::child::Program;
use tempfile::TempDir;

use super::debian::{self, Root};
use crate::house::free_port;

const PROGRAM: &str = "usr/sbin/nginx";
const PACKAGES: [&str; 2] = ["nginx-light", "libnginx-mod-rtmp"];
const MODULE: &str = "usr/lib/nginx/modules/ngx_rtmp_module.so";
/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Said where it is not there.
pub(crate) const MISSING: &str =
    "nginx was not found; `bench -- watch --install-peers` unpacks Debian's into target/peers";

/// It, or nothing, which is said.
pub(crate) fn find(install: bool) -> Option<Root> {
    debian::find("nginx", MODULE, &PACKAGES, install)
}

/// A running nginx, with one worker. Ends when dropped.
pub(crate) struct Nginx {
    program: Program,
    pub(crate) origin: String,
    /// Where a stream is published, up to its name.
    pub(crate) rtmp: String,
    /// Where it writes the HLS of a live stream.
    folder: TempDir,
}

impl Nginx {
    /// Serves `files` under `/`.
    pub(crate) fn start(root: &Root, files: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-nginx-").tempdir()?;
        fs::create_dir(folder.path().join("live"))?;
        let (web, live) = (free_port()?, free_port()?);
        let at = folder.path().display();
        let configuration = format!(
            "load_module {};\ndaemon off;\nmaster_process on;\nworker_processes 1;\nuser root;\npid {at}/pid;\n\
             error_log {at}/error.log;\nevents {{ worker_connections 512; }}\n\
             http {{\n access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;\n\
             types {{ application/vnd.apple.mpegurl m3u8; video/mp4 mp4 m4s; text/html html; \
             text/javascript js; video/mp2t ts; }}\n\
             client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;\n\
             uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;\n\
             server {{ listen 127.0.0.1:{web}; root {}; }}\n}}\n\
             rtmp {{ access_log off; server {{ listen 127.0.0.1:{live}; application live {{ live on; hls on; hls_path {at}/live; \
             hls_fragment 500ms; hls_playlist_length 10s; }} }} }}\n",
            root.path(MODULE).display(),
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
        let [origin, rtmp] = [format!("http://127.0.0.1:{web}"), format!("rtmp://127.0.0.1:{live}/live")];
        Ok(Self { program, origin, rtmp, folder })
    }

    /// Whether a stream has a playlist with a segment.
    pub(crate) fn has_playlist(&self, stream: &str) -> bool {
        let playlist = fs::read_to_string(self.folder.path().join(format!("live/{stream}.m3u8")));
        playlist.is_ok_and(|playlist| playlist.contains(".ts"))
    }

    /// Number of its first process.
    pub(crate) fn pid(&self) -> u32 {
        self.program.pid()
    }
}
