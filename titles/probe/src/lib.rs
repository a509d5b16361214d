//! The probe: a game of our own for measuring how long an answer takes, and the layout by which its picture is read.
//!
//! Every picture carries its own number and how many inputs were answered ([`barcode`]), and a mark that flips with
//! each press ([`layout::MARK`]). [`scene`] paints it: the same picture for the same seed and state, whatever the
//! machine. Nothing here touches the world; the program beside it does.

pub mod barcode;
pub mod layout;
mod paint;
pub mod scene;
mod texture;
