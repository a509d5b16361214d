//! Text for HTML, SVG and headers.

use std::fmt::{Arguments, Write as _};

/// Text that cannot be taken for markup.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Adds formatted text; writing to a string cannot fail.
pub(crate) fn add(out: &mut String, text: Arguments<'_>) {
    out.write_fmt(text).unwrap_or_default();
}
