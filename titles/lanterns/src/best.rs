//! The best score, which outlives a session: one number in a file.

use std::fs;
use std::io;
use std::path::PathBuf;

/// Within the home; the manifest names it among the saves.
const FOLDER: &str = ".local/share/lanterns";
const FILE: &str = "best";

/// Where it is kept.
pub(crate) struct Best(Option<PathBuf>);

impl Best {
    /// In the home of whoever plays.
    pub(crate) fn at_home() -> Self {
        Self(std::env::var_os("HOME").map(|home| PathBuf::from(home).join(FOLDER)))
    }

    /// What it was, 0 where there is none.
    pub(crate) fn read(&self) -> u32 {
        let text = self.0.as_ref().and_then(|folder| fs::read_to_string(folder.join(FILE)).ok());
        text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// Keeps another one.
    pub(crate) fn write(&self, score: u32) -> io::Result<()> {
        let Some(folder) = &self.0 else { return Ok(()) };
        fs::create_dir_all(folder)?;
        // Whole or not at all, whenever the session ends.
        let new = folder.join("best.new");
        fs::write(&new, format!("{score}\n"))?;
        fs::rename(new, folder.join(FILE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_score_is_there_the_next_time() {
        let home = tempfile::tempdir().unwrap();
        let best = || Best(Some(home.path().join(FOLDER)));
        assert_eq!(best().read(), 0);
        best().write(41).unwrap();
        assert_eq!(best().read(), 41);
        fs::write(home.path().join(FOLDER).join(FILE), "many").unwrap();
        assert_eq!(best().read(), 0);
    }
}
