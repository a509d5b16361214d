//! Our own side: the server, a title in a session, and a browser that plays it on its page.

use std::net::UdpSocket;

use anyhow::Result;
use playhouse_testkit::ear::Ear;
use playhouse_testkit::emulator::{Relay, Schedule};

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
    /// Starts everything from nothing; with an ear on the browser where it is to be listened to.
    pub(crate) fn start(title: &str, listen: bool) -> Result<Self> {
        let ear = if listen { Ear::open().map_err(|error| deaf(&error)).ok() } else { None };
        let house = House::start(Settings { sessions: 2, kbps: KBPS, ports: PORTS })?;
        let session = house.open(title)?;
        let mut client = Client::start(ear.as_ref().map(Ear::address), None)?;
        house.play(&session, &mut client.browser.page)?;
        Ok(Self { client, session, house, ear, relay: None })
    }

    /// The same through a network that follows these schedules, up and down.
    pub(crate) fn behind(title: &str, seed: u64, way: &Schedule) -> Result<Self> {
        // One port, so that the relay knows the session's before there is one.
        let port = UdpSocket::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let house = House::start(Settings { sessions: 1, kbps: KBPS, ports: (port, port) })?;
        let relay = Relay::start(([127, 0, 0, 1], port).into(), seed, way.clone(), way.clone())?;
        let session = house.open(title)?;
        let mut client = Client::start(None, Some(relay.address().port()))?;
        house.play(&session, &mut client.browser.page)?;
        Ok(Self { client, session, house, ear: None, relay: Some(relay) })
    }
}

fn deaf(error: &std::io::Error) {
    say(&format!("Sound is not measured: {error}."));
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
