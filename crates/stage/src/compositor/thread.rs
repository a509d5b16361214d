//! The stage's thread: its sockets, its loop and its end.
//!
//! Each time it wakes it handles what came in, in this order: commands and X11 events, then clients' requests, then
//! the stage's turn.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender as Report;
use std::time::Duration;

use smithay::reexports::calloop::channel::{Event as ChannelEvent, SyncSender, sync_channel};
use smithay::reexports::calloop::generic::Generic;
use smithay::reexports::calloop::{EventLoop, Interest, LoopHandle, Mode, PostAction, RegistrationToken};
use smithay::reexports::wayland_server::backend::{ClientData, ClientId, DisconnectReason};
use smithay::reexports::wayland_server::{Display, ListeningSocket};
use smithay::wayland::compositor::CompositorClientState;

use super::stage::{Command, Stage};
use super::xserver::XServer;
use super::{COMMANDS, Config, Error, Event, FrameSink, Started};

/// Connections that may be open at once: a game, its launcher and their helpers stay far below; a program that
/// opens connections in a loop does not exhaust the descriptors.
const CLIENTS: usize = 64;

/// What the stage knows of one connection.
#[derive(Debug)]
pub(super) struct GameClient {
    pub(super) compositor: CompositorClientState,
    count: Arc<AtomicUsize>,
}

impl ClientData for GameClient {
    fn initialized(&self, _client: ClientId) {}

    fn disconnected(&self, _client: ClientId, reason: DisconnectReason) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        if let DisconnectReason::ProtocolError(error) = reason {
            tracing::warn!("a client broke the protocol and was disconnected: {error}");
        }
    }
}

/// Body of the thread: builds the stage, reports, and runs it to its end.
pub(super) fn run(
    config: &Config,
    sink: Box<dyn FrameSink>,
    notify: Box<dyn FnMut(Event) + Send>,
    report: &Report<Result<Started, Error>>,
) {
    let built = Running::build(config, sink, notify);
    let (answer, running) = match built {
        Ok((started, running)) => (Ok(started), Some(running)),
        Err(error) => (Err(error), None),
    };
    if report.send(answer).is_err() {
        return;
    }
    if let Some(mut running) = running
        && let Err(error) = running.run()
    {
        tracing::error!("the stage ends: {error}");
    }
}

struct Running {
    stage: Stage,
    events: EventLoop<'static, Stage>,
    display: Display<Stage>,
    sources: Vec<RegistrationToken>,
}

fn system(error: impl std::fmt::Display) -> Error {
    Error::System(error.to_string())
}

impl Running {
    fn build(
        config: &Config,
        sink: Box<dyn FrameSink>,
        notify: Box<dyn FnMut(Event) + Send>,
    ) -> Result<(Started, Self), Error> {
        let events: EventLoop<'static, Stage> = EventLoop::try_new().map_err(system)?;
        let display: Display<Stage> = Display::new().map_err(system)?;
        let stage = Stage::new(config, display.handle(), events.handle(), sink, notify)?;
        let mut running = Self { stage, events, display, sources: Vec::new() };
        let commands = running.listen(config)?;
        let x_display = running.stage.xserver.as_ref().map(XServer::display);
        Ok((Started { commands, x_display }, running))
    }

    /// Opens everything that the loop waits for.
    fn listen(&mut self, config: &Config) -> Result<SyncSender<Command>, Error> {
        let events = self.events.handle();
        self.sources.push(accept_clients(&events, &config.runtime.join(super::SOCKET))?);

        let requests = self.display.as_fd().try_clone_to_owned().map_err(system)?;
        // Requests are dispatched by the loop below, where the display can be borrowed: this only wakes it.
        let waker = Generic::new(requests, Interest::READ, Mode::Level);
        let woken = events.insert_source(waker, |_, _, _| Ok(PostAction::Continue));
        self.sources.push(woken.map_err(system)?);

        let (commands, receiver) = sync_channel(COMMANDS);
        let commanded = events.insert_source(receiver, |event, (), stage: &mut Stage| {
            stage.command(match event {
                ChannelEvent::Msg(command) => command,
                ChannelEvent::Closed => Command::Stop,
            });
        });
        self.sources.push(commanded.map_err(system)?);

        if config.xwayland {
            let (server, source) = XServer::spawn(&self.stage.display, &events)?;
            self.stage.xserver = Some(server);
            self.sources.push(source);
        }
        Ok(commands)
    }

    fn run(&mut self) -> io::Result<()> {
        let mut sleep = Duration::ZERO;
        loop {
            self.events.dispatch(Some(sleep), &mut self.stage).map_err(io::Error::other)?;
            if self.stage.stopping() {
                return Ok(());
            }
            // Input reaches the game before anything else is done.
            self.display.flush_clients()?;
            self.stage.begin_hearing();
            self.display.dispatch_clients(&mut self.stage)?;
            sleep = self.stage.turn();
            self.display.flush_clients()?;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The manager of X11 windows holds the loop that holds it: what is not taken out of the loop here would
        // outlive the stage, sockets and their lock files included.
        let events = self.events.handle();
        for source in self.sources.drain(..) {
            events.remove(source);
        }
    }
}

/// Opens the socket and lets clients in.
fn accept_clients(events: &LoopHandle<'static, Stage>, path: &Path) -> Result<RegistrationToken, Error> {
    let failed = |reason: String| Error::Socket { path: path.to_owned(), reason };
    let socket =
        ListeningSocket::bind_absolute(path.to_owned()).map_err(|error| failed(error.to_string()))?;
    let count = Arc::new(AtomicUsize::new(0));
    let source = Generic::new(socket, Interest::READ, Mode::Level);
    let inserted = events.insert_source(source, move |_, socket, stage| {
        while let Some(stream) = socket.accept()? {
            if count.fetch_add(1, Ordering::Relaxed) >= CLIENTS {
                count.fetch_sub(1, Ordering::Relaxed);
                tracing::warn!("a connection was refused: {CLIENTS} are open");
                continue;
            }
            let data = GameClient { compositor: CompositorClientState::default(), count: count.clone() };
            if let Err(error) = stage.display.insert_client(stream, Arc::new(data)) {
                tracing::warn!("a connection was lost as it came: {error}");
            }
        }
        Ok(PostAction::Continue)
    });
    inserted.map_err(|error| failed(error.to_string()))
}
