//! Whether this machine has the encoder that it is told to use, asked before anybody waits for a game.

use anyhow::Context;
use playhouse_codec::video;

use crate::config::Setting;

/// Tries the named encoder only, since hardware takes its time to answer; the others where there is something to
/// choose from.
pub(super) fn check(encoder: &Setting<String>) -> anyhow::Result<()> {
    video::usable(&encoder.value).with_context(|| {
        let usable = video::available().into_iter().filter(|info| info.unavailable.is_none());
        let names = usable.map(|info| info.name).collect::<Vec<_>>().join(", ");
        let names = if names.is_empty() { "none that works".to_owned() } else { names };
        format!(
            "games cannot be shown with the encoder `{}` ({}) on this machine, which has {names}; name another \
             one with `--encoder`, or none",
            encoder.value, encoder.source,
        )
    })
}
