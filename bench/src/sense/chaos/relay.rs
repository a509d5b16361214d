//! The link between agent and server: TCP that is cut, held, or lets one side alone be heard.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use anyhow::Result;

/// Bytes passed on at a time.
const PIECE: usize = 16 << 10;

/// How the link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As it should be.
    Open,
    /// Connections break, and no new one stands.
    Cut,
    /// Nothing flows either way, and everything later.
    Held,
    /// The server hears, and its answers never arrive.
    Mute,
}

/// A port beside the server's own.
pub(super) struct Relay {
    pub(super) port: u16,
    gate: Arc<Gate>,
}

#[derive(Debug)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    way: Way,
    over: bool,
    /// Both ends of each connection.
    open: Vec<Arc<[TcpStream; 2]>>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Agent,
    Server,
}

impl Relay {
    /// Passes on what comes to the port of the server.
    pub(super) fn start(server: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let state = Mutex::new(State { way: Way::Open, over: false, open: Vec::new() });
        let gate = Arc::new(Gate { state, changed: Condvar::new() });
        let (seen, name) = (Arc::clone(&gate), format!("relay-{server}"));
        Builder::new().name(name).spawn(move || {
            for stream in listener.incoming() {
                let way = {
                    let state = seen.state();
                    if state.over {
                        break;
                    }
                    state.way
                };
                if let (Ok(agent), false) = (stream, way == Way::Cut) {
                    // A server that is away makes this connection break, as it would without the relay.
                    drop(seen.join(agent, server));
                }
            }
        })?;
        Ok(Self { port, gate })
    }

    /// How the link is from now on.
    pub(super) fn set(&self, way: Way) {
        let mut state = self.gate.state();
        // What was said to nobody has to stay unheard, or it would only have been late.
        if way == Way::Cut || state.way == Way::Mute {
            state.cut();
        }
        state.way = way;
        drop(state);
        self.gate.changed.notify_all();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.over = true;
        state.way = Way::Cut;
        state.cut();
        drop(state);
        self.gate.changed.notify_all();
        // So that whoever waits for connections sees it.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl State {
    fn cut(&mut self) {
        for connection in self.open.drain(..) {
            for end in connection.iter() {
                // An end that is closed already is what is wanted.
                drop(end.shutdown(Shutdown::Both));
            }
        }
    }
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings an agent's connection to the server.
    fn join(self: &Arc<Self>, agent: TcpStream, server: u16) -> Result<()> {
        let server = TcpStream::connect(("127.0.0.1", server))?;
        agent.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let connection = Arc::new([agent, server]);
        let mut state = self.state();
        state.open.retain(|open| open.iter().all(|end| end.peer_addr().is_ok()));
        state.open.push(Arc::clone(&connection));
        drop(state);
        for (from, name) in [(From::Agent, "relay-up"), (From::Server, "relay-down")] {
            let (gate, connection) = (Arc::clone(self), Arc::clone(&connection));
            Builder::new().name(name.into()).spawn(move || gate.pass(&connection, from))?;
        }
        Ok(())
    }

    /// Passes on what one side says until either closes.
    fn pass(&self, connection: &[TcpStream; 2], from: From) {
        let [agent, server] = connection;
        let (mut source, mut sink) = if from == From::Agent { (agent, server) } else { (server, agent) };
        let mut piece = vec![0; PIECE];
        while let Ok(length @ 1..) = source.read(&mut piece) {
            self.wait(from);
            if sink.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        for end in connection {
            drop(end.shutdown(Shutdown::Both));
        }
    }

    /// Waits until that side is heard.
    fn wait(&self, from: From) {
        let unheard =
            |state: &mut State| state.way == Way::Held || (state.way == Way::Mute && from == From::Server);
        drop(self.changed.wait_while(self.state(), unheard));
    }
}
