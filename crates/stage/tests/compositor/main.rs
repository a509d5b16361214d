//! What a game and a player can rely on from the stage, shown with real clients in this process.

#![expect(clippy::unwrap_used, reason = "what helps a test fails it")]

mod client;
mod house;

mod hostile;
mod input;
mod pace;
mod picture;
mod x11;
