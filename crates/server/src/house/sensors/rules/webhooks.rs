//! Calls of other people's addresses: written down before they are made, signed, tried again for hours, then given up.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use aws_lc_rs::hmac;
use playhouse_store::sensor_rules::Webhook;
use playhouse_store::{Millis, StoreError, id};

use crate::app::Shared;
use crate::clock::{HOUR, MINUTE, SECOND, now};
use crate::house::guide::fetch::{Refused, agent};
use crate::house::sensors::authority::hex;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Calls at a time.
const AT_ONCE: u32 = 8;

/// How long after each failure a call is tried again; after the last one it is given up.
const AGAIN: [Millis; 7] = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR];

/// How often it is looked for calls whose time has come.
const EVERY: Duration = Duration::from_secs(1);

/// Notices, and calls, that are remembered.
const REMEMBERED: u32 = 10_000;

/// The header that a call is signed in.
pub(crate) const SIGNATURE: &str = "x-playhouse-signature";

/// Signs calls.
#[derive(Debug)]
pub(crate) struct Signer(hmac::Key);

impl Signer {
    /// With the key of a file, which is made where there is none.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let secret = match fs::read_to_string(path) {
            Ok(secret) => secret,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secret = id::secret();
                let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
                file.write_all(secret.as_bytes())?;
                file.sync_all()?;
                secret
            }
            Err(error) => return Err(error),
        };
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())))
    }

    /// What the calls of a rule are signed with, in hexadecimal: whoever is called compares.
    pub(crate) fn secret(&self, rule: &str) -> String {
        hex(hmac::sign(&self.0, rule.as_bytes()).as_ref())
    }

    /// `t=<unix seconds>,v1=<HMAC-SHA-256 of "<unix seconds>.<body>" in hexadecimal>`.
    fn signature(&self, rule: &str, seconds: Millis, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret(rule).as_bytes());
        let signed = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
        format!("t={seconds},v1={}", hex(signed.as_ref()))
    }
}

/// When a call that failed so often is tried again.
fn again(tries: u32, now: Millis) -> Option<Millis> {
    AGAIN.get(tries as usize).map(|wait| now + wait)
}

/// Makes calls for as long as the program runs.
pub(crate) async fn keep(app: Shared) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = app.sensors.rules.calls.notified() => {}
        }
        if let Err(error) = round(&app).await {
            tracing::warn!(%error, "calls that rules make cannot be looked up");
        }
    }
}

async fn round(app: &Shared) -> Result<(), StoreError> {
    let due = app.store.sensor_rules().due(now(), AT_ONCE).await?;
    let calls: Vec<_> = due
        .into_iter()
        .map(|webhook| {
            let signature = app.sensors.rules.signer.signature(&webhook.rule, now() / SECOND, &webhook.body);
            tokio::task::spawn_blocking(move || {
                let answered = call(&webhook, &signature);
                (webhook, answered)
            })
        })
        .collect();
    let some = !calls.is_empty();
    for calling in calls {
        let Ok((webhook, answered)) = calling.await else { continue };
        let (now, rules) = (now(), app.store.sensor_rules());
        match answered {
            Ok(()) => rules.called(webhook.id, None, Some(now), None).await?,
            Err(why) => {
                let next = again(webhook.tries, now);
                let why = why.to_string();
                tracing::info!(rule = webhook.rule, url = webhook.url, why, "a call failed");
                rules.called(webhook.id, next, None, Some(&why)).await?;
            }
        }
    }
    if some {
        app.store.sensor_rules().forget(REMEMBERED).await?;
    }
    Ok(())
}

/// Calls once. What is answered beyond the status is nobody's affair. Blocks.
fn call(webhook: &Webhook, signature: &str) -> Result<(), Refused> {
    let request = agent(true, PATIENCE).post(&webhook.url).header("content-type", "application/json");
    let request = request.header(SIGNATURE, signature).header("x-playhouse-delivery", webhook.id.to_string());
    request.send(&webhook.body)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_given_up_after_a_night_and_no_sooner() {
        let mut at = 0;
        let mut tries = 0;
        while let Some(next) = again(tries, at) {
            assert!(next > at);
            (at, tries) = (next, tries + 1);
        }
        assert!(at > 10 * HOUR && at < 12 * HOUR, "{at}");
    }

    #[test]
    fn the_key_is_kept_and_each_rule_has_a_secret_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("webhook.key");
        let first = Signer::open(&path).unwrap();
        assert_eq!(first.secret("a"), Signer::open(&path).unwrap().secret("a"));
        assert_ne!(first.secret("a"), first.secret("b"));
        assert_ne!(first.signature("a", 1, "{}"), first.signature("a", 2, "{}"));
    }
}
