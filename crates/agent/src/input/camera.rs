//! The camera thread: takes pictures from an input for as long as somebody wants them, and tries again where that fails.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Fault, Input, Slot, Stop};
use crate::backoff::Backoff;

/// The first wait before a camera that failed is asked again, and the longest: somebody who plugs it in again watches.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

/// A running camera thread; it ends when this is dropped.
#[derive(Debug)]
pub struct Camera {
    slot: Arc<Slot>,
    kind: &'static str,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Camera {
    /// Where its pictures are.
    pub fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    /// What kind of input it has.
    pub fn kind(&self) -> &'static str {
        self.kind
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            // A camera thread that panicked has said so itself.
            thread.join().ok();
        }
    }
}

/// Starts a camera thread over an input.
pub fn start(mut input: Box<dyn Input>) -> std::io::Result<Camera> {
    let (slot, stop) = (Arc::new(Slot::default()), Stop::default());
    let (kind, stopping, filled) = (input.kind(), stop.clone(), Arc::clone(&slot));
    let thread = std::thread::Builder::new().name("camera".into()).spawn(move || {
        let mut backoff = Backoff::new(FIRST, LONGEST);
        let mut works = true;
        loop {
            match input.next(&stopping) {
                Ok(shot) => {
                    if !works {
                        tracing::info!(kind, "there are pictures again");
                    }
                    works = true;
                    backoff.reset();
                    filled.put(shot);
                }
                Err(Fault::Stopped) => break,
                Err(fault) => {
                    if works {
                        tracing::warn!(kind, %fault, "there are no pictures");
                    }
                    works = false;
                    filled.fail(fault.to_string());
                    if stopping.wait(backoff.wait(rand::random())).is_err() {
                        break;
                    }
                }
            }
        }
        filled.close();
    })?;
    Ok(Camera { slot, kind, stop, thread: Some(thread) })
}
