//! Asking games for their next picture, and telling them that the last one was seen.

use playhouse_media::time::Timestamp;
use smithay::desktop::utils::with_surfaces_surface_tree;
use smithay::output::Output;
use smithay::reexports::wayland_protocols::wp::presentation_time::server::wp_presentation_feedback::Kind;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::wayland::compositor::SurfaceAttributes;
use smithay::wayland::presentation::{PresentationFeedbackCachedState, Refresh};
use std::time::Duration;

use super::stage::milliseconds;

/// Whether a surface of this tree waits to be asked.
pub(super) fn waits(root: &WlSurface) -> bool {
    let mut waits = false;
    with_surfaces_surface_tree(root, |_, states| {
        waits |= !states.cached_state.get::<SurfaceAttributes>().current().frame_callbacks.is_empty();
    });
    waits
}

/// Asks each surface of this tree that waits (`wl_surface.frame`).
pub(super) fn ask(root: &WlSurface, at: Timestamp) {
    with_surfaces_surface_tree(root, |_, states| {
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        for callback in attributes.current().frame_callbacks.drain(..) {
            callback.done(milliseconds(at));
        }
    });
}

/// Tells each surface of this tree that its picture was shown (`wp_presentation`).
pub(super) fn presented(root: &WlSurface, output: &Output, at: Timestamp, sequence: u64, interval: Duration) {
    let since_origin = Duration::from_micros(at.as_micros());
    with_surfaces_surface_tree(root, |_, states| {
        let mut feedback = states.cached_state.get::<PresentationFeedbackCachedState>();
        for callback in std::mem::take(&mut feedback.current().callbacks) {
            callback.presented(output, since_origin, Refresh::fixed(interval), sequence, Kind::empty());
        }
    });
}
