//! The input protocol: what a player's browser sends over its data channels, and what comes back.
//!
//! Binary, little-endian, one message per data-channel message, at most [`MAX_LEN`] bytes. Two channels carry
//! it, both opened by the browser:
//!
//! | label | kind | carries |
//! | --- | --- | --- |
//! | `control` | reliable, ordered | edges: keys, buttons, text, wheel, pads; and JSON notices to the player |
//! | `motion` | unordered, no retransmission | states: pointer, pads, touch moves, pings; frame timelines to the player |
//!
//! A state message repeats everything it says (positions, not steps; sums, not differences), so that a lost one
//! costs nothing and a late one is recognised by its sequence number and dropped.
//!
//! Every message begins with `kind: u8` and `seq: u32`; `seq` counts up by one per message of a player, over
//! both channels. The same layouts stand in `web/player/src/protocol.ts`.

use serde::{Deserialize, Serialize};

use playhouse_media::frame::Timeline;
use playhouse_media::time::Timestamp;

/// Longest accepted message: a pasted line of text fits, a flood does not.
pub const MAX_LEN: usize = 1024;

/// Pads that one player can bring.
pub const MAX_PADS: u8 = 4;

/// What a player did.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A key went down or up. `code` is the Linux evdev code (`KEY_*`) of the physical key.
    Key {
        /// Linux evdev code, as `KEY_*` in `linux/input-event-codes.h`.
        code: u16,
        /// Down or up.
        pressed: bool,
    },
    /// Text that the player composed or pasted, for games that ask for text.
    Text(String),
    /// A mouse button, with the pointer's position at that moment (see [`Input::Pointer`]).
    Button {
        /// Linux evdev code, as `BTN_LEFT`.
        code: u16,
        /// Down or up.
        pressed: bool,
        /// Across the picture, 0 to 65535.
        x: u16,
        /// Down the picture, 0 to 65535.
        y: u16,
    },
    /// The wheel turned by so many 1/120 notches; positive is right and down.
    Wheel {
        /// Sideways.
        dx: i16,
        /// Down.
        dy: i16,
    },
    /// A gamepad was plugged in or out.
    PadConnect {
        /// Which of the player's pads, below [`MAX_PADS`].
        pad: u8,
        /// In or out.
        connected: bool,
    },
    /// A finger.
    Touch {
        /// Which finger, while it is down.
        id: u8,
        /// What it did.
        phase: TouchPhase,
        /// Across the picture, 0 to 65535.
        x: u16,
        /// Down the picture, 0 to 65535.
        y: u16,
    },
    /// The page lost its focus: everything that is held is let go.
    ReleaseAll,
    /// Where the pointer is: across and down the picture, 0 to 65535.
    Pointer {
        /// Across.
        x: u16,
        /// Down.
        y: u16,
    },
    /// Sum of all relative motion since the player joined, in 1/16 pixel, wrapping.
    Motion {
        /// To the right.
        sum_x: i32,
        /// Downwards.
        sum_y: i32,
    },
    /// The whole state of a pad, in the browser's standard mapping.
    Pad {
        /// Which of the player's pads, below [`MAX_PADS`].
        pad: u8,
        /// The state.
        state: PadState,
    },
    /// A question for the session's clock, answered by [`pong`].
    Ping {
        /// The player's clock, microseconds, given back as it is.
        client: u64,
    },
    /// When the player's display shows its next picture, on the session's clock, and how often it does.
    Display {
        /// The coming vertical blank, microseconds of the session's clock.
        vblank: u64,
        /// Microseconds between two of them.
        period: u32,
    },
    /// The quality that was asked for, by a player for all players, by a spectator for itself; zeros mean *automatic*.
    Quality {
        /// Pixels across, or 0.
        width: u16,
        /// Pixels down, or 0.
        height: u16,
        /// Frames per second, or 0.
        rate: u8,
        /// Kilobits per second, or 0.
        kbps: u32,
    },
    /// Whether this player wants a timeline for each frame.
    Timelines(bool),
}

/// What a finger did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TouchPhase {
    /// Touched the screen.
    Down,
    /// Moved on it.
    Move,
    /// Left it.
    Up,
    /// Was taken over by the browser (a gesture); not a tap.
    Cancel,
}

/// The whole state of a gamepad, in the order of the W3C Gamepad standard mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PadState {
    /// Bit `n` is button `n` of the standard mapping (0 A, 1 B, 2 X, 3 Y, 4 and 5 shoulders, 6 and 7 triggers,
    /// 8 select, 9 start, 10 and 11 sticks, 12 to 15 up down left right, 16 guide).
    pub buttons: u32,
    /// Left x, left y, right x, right y; -32767 to 32767, right and down positive.
    pub axes: [i16; 4],
    /// Left and right trigger, 0 to 255.
    pub triggers: [u8; 2],
}

/// An [`Input`] with its place in the player's sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Counts up by one per message of this player, wrapping.
    pub seq: u32,
    /// What was done.
    pub input: Input,
}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Longer than [`MAX_LEN`].
    #[error("an input message has {0} bytes, {MAX_LEN} are allowed")]
    TooLong(usize),
    /// Shorter or longer than its kind asks for.
    #[error("an input message of kind {kind:#04x} has {len} bytes, which is not its length")]
    Length {
        /// The kind.
        kind: u8,
        /// Bytes in the message.
        len: usize,
    },
    /// A kind that this version does not know.
    #[error("an input message has the unknown kind {0:#04x}")]
    Kind(u8),
    /// A field out of its range.
    #[error("an input message of kind {kind:#04x} has a value out of range in `{field}`")]
    Value {
        /// The kind.
        kind: u8,
        /// The field.
        field: &'static str,
    },
}

mod kind {
    pub(super) const KEY: u8 = 0x01;
    pub(super) const TEXT: u8 = 0x02;
    pub(super) const BUTTON: u8 = 0x03;
    pub(super) const WHEEL: u8 = 0x04;
    pub(super) const PAD_CONNECT: u8 = 0x05;
    pub(super) const TOUCH: u8 = 0x06;
    pub(super) const RELEASE_ALL: u8 = 0x07;
    pub(super) const POINTER: u8 = 0x10;
    pub(super) const MOTION: u8 = 0x11;
    pub(super) const PAD: u8 = 0x12;
    pub(super) const PING: u8 = 0x20;
    pub(super) const DISPLAY: u8 = 0x22;
    pub(super) const QUALITY: u8 = 0x23;
    pub(super) const TIMELINES: u8 = 0x24;
    pub(super) const FRAME: u8 = 0x81;
    pub(super) const PONG: u8 = 0x82;
}

/// Reads the fields of one message; each take fails where the bytes end.
struct Reader<'a> {
    kind: u8,
    len: usize,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], InputError> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(self.length())?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], InputError> {
        let wrong = self.length();
        self.bytes(N)?.try_into().or(Err(wrong))
    }

    fn u8(&mut self) -> Result<u8, InputError> {
        Ok(self.array::<1>()?[0])
    }

    fn u16(&mut self) -> Result<u16, InputError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn i16(&mut self) -> Result<i16, InputError> {
        Ok(i16::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, InputError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, InputError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn flag(&mut self, field: &'static str) -> Result<bool, InputError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.value(field)),
        }
    }

    fn pad(&mut self) -> Result<u8, InputError> {
        let pad = self.u8()?;
        if pad < MAX_PADS { Ok(pad) } else { Err(self.value("pad")) }
    }

    fn length(&self) -> InputError {
        InputError::Length { kind: self.kind, len: self.len }
    }

    fn value(&self, field: &'static str) -> InputError {
        InputError::Value { kind: self.kind, field }
    }
}

impl Message {
    /// Reads one message as it came over a data channel.
    ///
    /// # Errors
    /// [`InputError`] for anything that is not exactly one message of a known kind.
    pub fn decode(bytes: &[u8]) -> Result<Self, InputError> {
        if bytes.len() > MAX_LEN {
            return Err(InputError::TooLong(bytes.len()));
        }
        let mut reader = Reader { kind: 0, len: bytes.len(), rest: bytes };
        let kind = reader.u8()?;
        reader.kind = kind;
        let seq = reader.u32()?;
        let r = &mut reader;
        let input = match kind {
            kind::KEY => Input::Key { code: r.u16()?, pressed: r.flag("pressed")? },
            kind::TEXT => {
                let text = std::str::from_utf8(r.bytes(r.rest.len())?).or(Err(r.value("text")))?;
                Input::Text(text.to_owned())
            }
            kind::BUTTON => {
                Input::Button { code: r.u16()?, pressed: r.flag("pressed")?, x: r.u16()?, y: r.u16()? }
            }
            kind::WHEEL => Input::Wheel { dx: r.i16()?, dy: r.i16()? },
            kind::PAD_CONNECT => Input::PadConnect { pad: r.pad()?, connected: r.flag("connected")? },
            kind::TOUCH => {
                let id = r.u8()?;
                let phase = match r.u8()? {
                    0 => TouchPhase::Down,
                    1 => TouchPhase::Move,
                    2 => TouchPhase::Up,
                    3 => TouchPhase::Cancel,
                    _ => return Err(r.value("phase")),
                };
                Input::Touch { id, phase, x: r.u16()?, y: r.u16()? }
            }
            kind::RELEASE_ALL => Input::ReleaseAll,
            kind::POINTER => Input::Pointer { x: r.u16()?, y: r.u16()? },
            kind::MOTION => Input::Motion { sum_x: r.u32()?.cast_signed(), sum_y: r.u32()?.cast_signed() },
            kind::PAD => Input::Pad {
                pad: r.pad()?,
                state: PadState {
                    buttons: r.u32()?,
                    axes: [r.i16()?, r.i16()?, r.i16()?, r.i16()?],
                    triggers: [r.u8()?, r.u8()?],
                },
            },
            kind::PING => Input::Ping { client: r.u64()? },
            kind::DISPLAY => Input::Display { vblank: r.u64()?, period: r.u32()? },
            kind::QUALITY => {
                Input::Quality { width: r.u16()?, height: r.u16()?, rate: r.u8()?, kbps: r.u32()? }
            }
            kind::TIMELINES => Input::Timelines(r.flag("wanted")?),
            unknown => return Err(InputError::Kind(unknown)),
        };
        if r.rest.is_empty() { Ok(Self { seq, input }) } else { Err(r.length()) }
    }

    /// Writes the message as [`Message::decode`] reads it: what test clients and benchmarks send.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        out.push(0);
        out.extend(self.seq.to_le_bytes());
        let kind = match &self.input {
            Input::Key { code, pressed } => {
                out.extend(code.to_le_bytes());
                out.push(u8::from(*pressed));
                kind::KEY
            }
            Input::Text(text) => {
                out.extend(text.as_bytes());
                kind::TEXT
            }
            Input::Button { code, pressed, x, y } => {
                out.extend(code.to_le_bytes());
                out.push(u8::from(*pressed));
                out.extend(x.to_le_bytes());
                out.extend(y.to_le_bytes());
                kind::BUTTON
            }
            Input::Wheel { dx, dy } => {
                out.extend(dx.to_le_bytes());
                out.extend(dy.to_le_bytes());
                kind::WHEEL
            }
            Input::PadConnect { pad, connected } => {
                out.extend([*pad, u8::from(*connected)]);
                kind::PAD_CONNECT
            }
            Input::Touch { id, phase, x, y } => {
                out.extend([*id, *phase as u8]);
                out.extend(x.to_le_bytes());
                out.extend(y.to_le_bytes());
                kind::TOUCH
            }
            Input::ReleaseAll => kind::RELEASE_ALL,
            Input::Pointer { x, y } => {
                out.extend(x.to_le_bytes());
                out.extend(y.to_le_bytes());
                kind::POINTER
            }
            Input::Motion { sum_x, sum_y } => {
                out.extend(sum_x.to_le_bytes());
                out.extend(sum_y.to_le_bytes());
                kind::MOTION
            }
            Input::Pad { pad, state } => {
                out.push(*pad);
                out.extend(state.buttons.to_le_bytes());
                state.axes.iter().for_each(|axis| out.extend(axis.to_le_bytes()));
                out.extend(state.triggers);
                kind::PAD
            }
            Input::Ping { client } => {
                out.extend(client.to_le_bytes());
                kind::PING
            }
            Input::Display { vblank, period } => {
                out.extend(vblank.to_le_bytes());
                out.extend(period.to_le_bytes());
                kind::DISPLAY
            }
            Input::Quality { width, height, rate, kbps } => {
                out.extend(width.to_le_bytes());
                out.extend(height.to_le_bytes());
                out.push(*rate);
                out.extend(kbps.to_le_bytes());
                kind::QUALITY
            }
            Input::Timelines(wanted) => {
                out.push(u8::from(*wanted));
                kind::TIMELINES
            }
        };
        out[0] = kind;
        out
    }
}

/// The answer to [`Input::Ping`]: the player's clock as it came, and the session's clock, both in microseconds.
///
/// Layout: `0x82, client: u64, server: u64`.
pub fn pong(client: u64, now: Timestamp) -> [u8; 17] {
    let mut out = [0; 17];
    out[0] = kind::PONG;
    out[1..9].copy_from_slice(&client.to_le_bytes());
    out[9..].copy_from_slice(&now.as_micros().to_le_bytes());
    out
}

/// A frame's way so far, for the player's overlay.
///
/// Layout: `0x81, rtp: u32, input_seq: u32, commit: u64`, then five `i32` of microseconds relative to `commit`:
/// `input, converted, encoded, sent` and the size in bytes. `rtp` is the frame's RTP timestamp, by which the
/// browser names it in `requestVideoFrameCallback`.
pub fn frame_timeline(rtp: u32, timeline: &Timeline, bytes: usize) -> [u8; 37] {
    let commit = timeline.commit.as_micros();
    let relative = |at: Timestamp| {
        let span = i128::from(at.as_micros()) - i128::from(commit);
        let clamped = span.clamp(i128::from(i32::MIN), i128::from(i32::MAX));
        i32::try_from(clamped).unwrap_or(0).to_le_bytes()
    };
    let mut out = [0; 37];
    out[0] = kind::FRAME;
    out[1..5].copy_from_slice(&rtp.to_le_bytes());
    out[5..9].copy_from_slice(&timeline.input_seq.to_le_bytes());
    out[9..17].copy_from_slice(&commit.to_le_bytes());
    out[17..21].copy_from_slice(&relative(timeline.input));
    out[21..25].copy_from_slice(&relative(timeline.converted));
    out[25..29].copy_from_slice(&relative(timeline.encoded));
    out[29..33].copy_from_slice(&relative(timeline.sent));
    out[33..].copy_from_slice(&i32::try_from(bytes).unwrap_or(i32::MAX).to_le_bytes());
    out
}

/// What a session tells a player, as JSON text on the `control` channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Notice {
    /// First message: which seat this is (0 for a spectator), and the picture.
    Hello {
        /// Seat number from 1, or 0 for a spectator.
        seat: u8,
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Frames per second.
        rate: u32,
    },
    /// The seat changed: given, or taken back (0).
    Seat {
        /// Seat number from 1, or 0 for a spectator.
        seat: u8,
    },
    /// The game took or freed the pointer: the player's page locks its own.
    PointerLock {
        /// Taken or freed.
        locked: bool,
    },
    /// The game wants text, or no longer.
    TextInput {
        /// Wanted or not.
        active: bool,
    },
    /// A pad shakes.
    Rumble {
        /// Which of the player's pads.
        pad: u8,
        /// Strong motor, 0 to 65535.
        strong: u16,
        /// Weak motor, 0 to 65535.
        weak: u16,
        /// How long, at most 5,000.
        milliseconds: u16,
    },
    /// The quality in force changed.
    Quality {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Frames per second.
        rate: u32,
        /// Bits per second aimed at.
        bitrate: u32,
        /// Whether the player chose it.
        automatic: bool,
    },
    /// The session is over; the sentence says why.
    Ended {
        /// For a person.
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_input() -> impl Strategy<Value = Input> {
        let phase = prop_oneof![
            Just(TouchPhase::Down),
            Just(TouchPhase::Move),
            Just(TouchPhase::Up),
            Just(TouchPhase::Cancel)
        ];
        prop_oneof![
            (any::<u16>(), any::<bool>()).prop_map(|(code, pressed)| Input::Key { code, pressed }),
            "\\PC{0,200}".prop_map(Input::Text),
            (any::<u16>(), any::<bool>(), any::<u16>(), any::<u16>())
                .prop_map(|(code, pressed, x, y)| Input::Button { code, pressed, x, y }),
            (any::<i16>(), any::<i16>()).prop_map(|(dx, dy)| Input::Wheel { dx, dy }),
            (0..MAX_PADS, any::<bool>()).prop_map(|(pad, connected)| Input::PadConnect { pad, connected }),
            (any::<u8>(), phase, any::<u16>(), any::<u16>()).prop_map(|(id, phase, x, y)| Input::Touch {
                id,
                phase,
                x,
                y
            }),
            Just(Input::ReleaseAll),
            (any::<u16>(), any::<u16>()).prop_map(|(x, y)| Input::Pointer { x, y }),
            (any::<i32>(), any::<i32>()).prop_map(|(sum_x, sum_y)| Input::Motion { sum_x, sum_y }),
            (0..MAX_PADS, any::<u32>(), any::<[i16; 4]>(), any::<[u8; 2]>()).prop_map(
                |(pad, buttons, axes, triggers)| Input::Pad {
                    pad,
                    state: PadState { buttons, axes, triggers }
                }
            ),
            any::<u64>().prop_map(|client| Input::Ping { client }),
            (any::<u64>(), any::<u32>()).prop_map(|(vblank, period)| Input::Display { vblank, period }),
            (any::<u16>(), any::<u16>(), any::<u8>(), any::<u32>())
                .prop_map(|(width, height, rate, kbps)| Input::Quality { width, height, rate, kbps }),
            any::<bool>().prop_map(Input::Timelines),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seq in any::<u32>(), input in any_input()) {
            let message = Message { seq, input };
            prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
        }

        #[test]
        fn rubbish_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(message) = Message::decode(&bytes) {
                prop_assert_eq!(message.encode(), bytes);
            }
        }
    }

    #[test]
    fn a_message_of_the_wrong_length_says_so() {
        assert_eq!(Message::decode(&[0x01, 0, 0, 0, 0, 30, 0]), Err(InputError::Length { kind: 1, len: 7 }));
        assert_eq!(Message::decode(&[]), Err(InputError::Length { kind: 0, len: 0 }));
        assert_eq!(Message::decode(&[0x7f, 0, 0, 0, 0]), Err(InputError::Kind(0x7f)));
        assert_eq!(Message::decode(&[2; 2000]), Err(InputError::TooLong(2000)));
    }

    #[test]
    fn a_pad_beyond_the_fourth_is_refused() {
        let five = [0x05, 0, 0, 0, 0, 4, 1];
        assert_eq!(Message::decode(&five), Err(InputError::Value { kind: 5, field: "pad" }));
    }
}
