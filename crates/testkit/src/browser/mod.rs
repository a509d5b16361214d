//! A browser as a person has it: Chromium with a window on a display, and a line to its developer tools.

mod cdp;
mod chromium;
mod window;

pub use cdp::{Cdp, CdpError};
pub use chromium::{Browser, BrowserError, Options};
