//! Which encoders this machine's ffmpeg has.

use std::process::Stdio;
use std::time::Duration;

use playhouse_watch::codec::Codec;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// ffmpeg lists its encoders at once; a disk that has to wake up takes seconds.
const TIME: Duration = Duration::from_secs(30);

/// The list as ffmpeg writes it; asked for once, since programs are not installed while somebody waits.
static LISTED: OnceCell<String> = OnceCell::const_new();

/// The first of these codings that nothing here encodes, as a sentence that says what to do.
pub async fn missing(codecs: &[Codec]) -> Option<String> {
    let listed = LISTED.get_or_init(list).await;
    let codec = codecs.iter().find(|codec| !has(listed, codec.encoder()))?;
    let (name, encoder) = (codec.name(), codec.encoder());
    Some(format!(
        "This machine's ffmpeg has no encoder for {name} (`{encoder}`). Debian's ffmpeg has it: install that one, or leave \
         {name} out."
    ))
}

async fn list() -> String {
    let asking = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-v", "error", "-encoders"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(TIME, asking).await {
        Ok(Ok(said)) => String::from_utf8_lossy(&said.stdout).into_owned(),
        _ => String::new(),
    }
}

/// Whether an encoder is in the list: its name is the second word of a line.
fn has(listed: &str, encoder: &str) -> bool {
    listed.lines().any(|line| line.split_whitespace().nth(1) == Some(encoder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoders_are_found_by_their_whole_names() {
        let listed = " V....D libx264rgb   libx264 H.264\n V..... libsvtav1  SVT-AV1(Scalable)\n";
        assert!(has(listed, "libsvtav1"));
        assert!(!has(listed, "libx264") && !has("", "libx265"));
    }
}
