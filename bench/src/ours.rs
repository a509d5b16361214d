//! Our own side: the server, a title in a session, and a browser that plays it on its page.

use std::time::Duration;

use anyhow::Result;
use playhouse_testkit::ear::Ear;
use playhouse_testkit::emulator::Relay;

use crate::client::Client;
use crate::house::{House, Session, Settings, parted};
use crate::progress::say;
use crate::round::Side;
use crate::scene::KBPS;
use crate::usage::Usage;

/// Ports of the sessions of a benchmark; those of a house at its defaults stay free.
const PORTS: (u16, u16) = (46_000, 46_099);

/// A title being played in a browser. Fields are ended in their order.
pub(crate) struct Ours {
    client: Client,
    pub(crate) session: Session,
    pub(crate) house: House,
    /// What the browser lets be heard, where there is a sound server to be had.
    pub(crate) ear: Option<Ear>,
    pub(crate) relay: Option<Relay>,
}

impl Ours {
    /// Starts everything from nothing.
    pub(crate) fn start(title: &str) -> Result<Self> {
        let ear = Ear::open().inspect_err(|error| say(&format!("Sound is not measured: {error}."))).ok();
        let house = House::start(Settings { sessions: 2, kbps: KBPS, ports: PORTS })?;
        let session = house.open(title)?;
        let mut client = Client::start(ear.as_ref().map(Ear::address), None)?;
        house.play(&session, &mut client.browser.page)?;
        Ok(Self { client, session, house, ear, relay: None })
    }

    /// Waits until the session has numbers of a full span of its own.
    pub(crate) fn settle() {
        std::thread::sleep(Duration::from_secs(1));
    }
}

impl Side for Ours {
    fn name(&self) -> &'static str {
        "Playhouse"
    }

    fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    fn usage(&self) -> Usage {
        let (streaming, game) = parted(self.session.pid);
        Usage::now(streaming, game)
    }
}
