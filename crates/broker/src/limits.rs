//! What one connection, one session and all of them together may take.

use std::time::Duration;

/// Limits of a broker. [`Limits::default`] has the named constants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// See [`CONNECT`].
    pub connect: Duration,
    /// See [`PACKET`].
    pub packet: usize,
    /// See [`QUEUED_MESSAGES`].
    pub queued_messages: usize,
    /// See [`QUEUED_BYTES`].
    pub queued_bytes: usize,
    /// See [`QUEUED_TOTAL`].
    pub queued_total: usize,
    /// See [`RETAINED_BYTES`].
    pub retained_bytes: usize,
    /// See [`SUBSCRIPTIONS`].
    pub subscriptions: usize,
    /// See [`CONNECTIONS`].
    pub connections: usize,
    /// See [`SESSIONS`].
    pub sessions: usize,
    /// See [`SESSION_EXPIRY`].
    pub session_expiry: Duration,
    /// See [`IN_FLIGHT`].
    pub in_flight: u16,
    /// See [`RECEIVE_MAXIMUM`].
    pub receive_maximum: u16,
    /// See [`TOPIC_ALIASES`].
    pub topic_aliases: u16,
}

/// From the accepted socket to a whole CONNECT, TLS included: ten seconds are plenty on a bad radio link, and keep a
/// silent connection from holding a place for long.
pub const CONNECT: Duration = Duration::from_secs(10);
/// The largest packet that is taken, in bytes: what the large clouds take of a device.
pub const PACKET: usize = 256 * 1024;
/// Messages that wait for one session: an hour of one message every four seconds.
pub const QUEUED_MESSAGES: usize = 1_000;
/// Bytes that wait for one session: four of the largest packets.
pub const QUEUED_BYTES: usize = 1024 * 1024;
/// Bytes that wait for all sessions together: 10,000 devices that are away leave 25 KB each.
pub const QUEUED_TOTAL: usize = 256 * 1024 * 1024;
/// Bytes of all retained messages: 10,000 twins of 6 KB.
pub const RETAINED_BYTES: usize = 64 * 1024 * 1024;
/// Subscriptions of one session: a device needs three, a gateway some for each device behind it.
pub const SUBSCRIPTIONS: usize = 256;
/// Connections at once: a fleet of 10,000 while it reconnects, old connections not yet given up.
pub const CONNECTIONS: usize = 25_000;
/// Sessions in memory, connected or not.
pub const SESSIONS: usize = 50_000;
/// The longest time that a session outlives its connection: a long weekend. Sessions with expiry "never", and all persistent
/// ones of 3.1.1, end then.
pub const SESSION_EXPIRY: Duration = Duration::from_hours(4 * 24);
/// Messages of QoS 1 and 2 sent to a client that are not yet acknowledged; a client may ask for fewer.
pub const IN_FLIGHT: u16 = 32;
/// Messages of QoS 2 that one client may have unfinished: told to clients of version 5, and a bound for those of 3.1.1.
pub const RECEIVE_MAXIMUM: u16 = 256;
/// Topic aliases that a client of version 5 may set.
pub const TOPIC_ALIASES: u16 = 16;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect: CONNECT,
            packet: PACKET,
            queued_messages: QUEUED_MESSAGES,
            queued_bytes: QUEUED_BYTES,
            queued_total: QUEUED_TOTAL,
            retained_bytes: RETAINED_BYTES,
            subscriptions: SUBSCRIPTIONS,
            connections: CONNECTIONS,
            sessions: SESSIONS,
            session_expiry: SESSION_EXPIRY,
            in_flight: IN_FLIGHT,
            receive_maximum: RECEIVE_MAXIMUM,
            topic_aliases: TOPIC_ALIASES,
        }
    }
}
