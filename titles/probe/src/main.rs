//! The probe game.

fn main() {}
