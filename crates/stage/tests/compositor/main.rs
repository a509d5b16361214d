//! What a game and a player can rely on from the stage, shown with real clients in this process.

mod client;
mod house;

mod hostile;
mod input;
mod pace;
mod picture;
mod x11;
