//! The twin on the sensor's side: what it was told to do, what it does, and why not.

use std::sync::Arc;

use playhouse_sense::enrolment::{Desired, Reported};
use playhouse_sense::settings::Settings;
use tokio::sync::watch;

use crate::folder::{Folder, FolderError};

/// The file with the settings that were followed last, so that a sensor that starts without a link does what it did.
const DESIRED: &str = "desired.json";

/// What may send no crops says so.
const NO_PICTURES: &str = "this agent was built without pictures, so that no crop can leave it: take back `crops`, or build \
                           it with the cargo feature `pictures`";

/// The two halves. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Twin(Arc<Halves>);

#[derive(Debug)]
struct Halves {
    desired: watch::Sender<Desired>,
    reported: watch::Sender<Reported>,
}

impl Twin {
    /// What the folder keeps of it.
    pub(super) fn load(folder: &Folder, input: &str) -> Result<Self, FolderError> {
        let kept = folder.read(DESIRED)?.and_then(|bytes| serde_json::from_slice::<Desired>(&bytes).ok());
        // Settings of an older agent may no longer be possible; the hub tells what is to be done anyway.
        let desired = kept.filter(|desired| possible(&desired.settings).is_ok()).unwrap_or_default();
        let reported = Reported {
            agent: env!("CARGO_PKG_VERSION").to_owned(),
            input: input.to_owned(),
            pictures: cfg!(feature = "pictures"),
            ..Reported::default()
        };
        Ok(Self(Arc::new(Halves {
            desired: watch::Sender::new(desired),
            reported: watch::Sender::new(reported),
        })))
    }

    pub(super) fn desired(&self) -> watch::Receiver<Desired> {
        let mut desired = self.0.desired.subscribe();
        desired.mark_changed();
        desired
    }

    pub(super) fn reported(&self) -> watch::Receiver<Reported> {
        self.0.reported.subscribe()
    }

    /// The hub wants this. What can never be followed is refused at once.
    pub(super) fn desire(&self, folder: &Folder, desired: Desired) {
        if let Err(why) = possible(&desired.settings) {
            return self.refuse(Some(desired.version), why);
        }
        if *self.0.desired.borrow() == desired {
            return;
        }
        let kept = serde_json::to_vec(&desired).map_err(|error| error.to_string());
        if let Err(error) =
            kept.and_then(|json| folder.write(DESIRED, &json).map_err(|error| error.to_string()))
        {
            tracing::warn!(error, "the settings are followed, and will be forgotten by a restart");
        }
        self.0.desired.send_replace(desired);
    }

    /// Settings are not followed; `version` is `None` where not even that could be read.
    pub(super) fn refuse(&self, version: Option<u64>, why: String) {
        tracing::warn!(why, "the settings are refused");
        self.report(|reported| {
            reported.version = version.unwrap_or(reported.version);
            reported.refused = Some(why);
        });
    }

    /// Settings are followed.
    pub(super) fn follow(&self, version: u64) {
        self.report(|reported| {
            reported.version = version;
            reported.refused = None;
        });
    }

    /// Changes what is reported; where that changes nothing, nothing is told.
    pub(super) fn report(&self, change: impl FnOnce(&mut Reported)) {
        self.0.reported.send_if_modified(|reported| {
            let before = reported.clone();
            change(reported);
            *reported != before
        });
    }
}

/// Whether this agent, as it was built, can follow settings; otherwise why not.
fn possible(settings: &Settings) -> Result<(), String> {
    settings.check().map_err(|invalid| invalid.to_string())?;
    let can = cfg!(feature = "pictures") || !settings.crops;
    if can { Ok(()) } else { Err(NO_PICTURES.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_are_refused_in_words_and_the_others_outlive_a_restart() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let twin = Twin::load(&folder, "virtual").unwrap();
        let good = Desired { version: 3, settings: Settings { rate: 5.0, ..Settings::default() } };
        twin.desire(&folder, good.clone());
        twin.follow(3);
        twin.desire(
            &folder,
            Desired { version: 4, settings: Settings { rate: 500.0, ..Settings::default() } },
        );
        assert_eq!(*twin.desired().borrow(), good);
        let reported = twin.reported().borrow().clone();
        assert_eq!(reported.version, 4);
        assert!(reported.refused.unwrap().starts_with("500 pictures a second"));
        let again = Twin::load(&folder, "virtual").unwrap();
        assert_eq!(*again.desired().borrow(), good);
    }
}
