//! Which windows there are, on top of which, and where on the output.
//!
//! A *main* window is a game's: it is configured to fill the output, and if it keeps another size it is scaled to
//! fit with its aspect ratio kept. The newest main window is the picture; those below it are hidden. Dialogs,
//! menus and tool tips lie on top of it in their own size.

use playhouse_media::frame::Size;
use smithay::backend::renderer::utils::with_renderer_surface_state;
use smithay::desktop::utils::{bbox_from_surface_tree, under_from_surface_tree};
use smithay::desktop::{PopupManager, WindowSurfaceType};
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::utils::{IsAlive, Logical, Point, Rectangle};
use smithay::wayland::compositor::with_states;
use smithay::wayland::shell::xdg::{SurfaceCachedState, ToplevelSurface};
use smithay::xwayland::X11Surface;
use smithay::xwayland::xwm::WmWindowType;

use super::protocols::{has_picture, pixels};

/// A window narrower than this part of the output is shown in its own size: it is a launcher or a message, and
/// blowing it up would only blur it. The games of 1993 are 320 pixels wide.
const SMALLEST_PART: i32 = 4;

/// Where a window's content comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Wayland(ToplevelSurface),
    X11 { window: X11Surface, surface: Option<WlSurface> },
}

/// Where a window lies: a point `p` of the output is `(p - origin) / scale + geometry.loc` of its surface.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) origin: Point<f64, Logical>,
    pub(super) scale: f64,
    /// The part of the surface that is the window, without the shadows that some toolkits draw around it.
    pub(super) geometry: Rectangle<i32, Logical>,
}

impl Place {
    fn to_surface(self, point: Point<f64, Logical>) -> Point<f64, Logical> {
        let inside = point - self.origin;
        Point::from((inside.x / self.scale, inside.y / self.scale)) + self.geometry.loc.to_f64()
    }

    /// The window's rectangle on the output.
    pub(super) fn on_output(self) -> Rectangle<f64, Logical> {
        let size = self.geometry.size.to_f64();
        Rectangle::new(self.origin, (size.w * self.scale, size.h * self.scale).into())
    }
}

/// One window.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) content: Content,
    /// Where it lies; `None` while it has no picture.
    pub(super) place: Option<Place>,
}

impl Window {
    pub(super) fn surface(&self) -> Option<&WlSurface> {
        match &self.content {
            Content::Wayland(toplevel) => Some(toplevel.wl_surface()),
            Content::X11 { surface, .. } => surface.as_ref(),
        }
    }

    fn alive(&self) -> bool {
        match &self.content {
            Content::Wayland(toplevel) => toplevel.alive(),
            Content::X11 { window, .. } => window.alive(),
        }
    }

    fn is(&self, root: &WlSurface) -> bool {
        self.surface() == Some(root)
    }

    /// Whether it is a game's window, rather than a dialog or a menu.
    fn is_main(&self, output: Size) -> bool {
        match &self.content {
            Content::Wayland(toplevel) => toplevel.parent().is_none(),
            // The games of the time before window managers could do it make their full screens themselves.
            Content::X11 { window, .. } if window.is_override_redirect() => {
                let (width, height) = pixels(output);
                let size = window.geometry().size;
                size.w * 2 >= width && size.h * 2 >= height
            }
            Content::X11 { window, .. } => !is_dialog(window),
        }
    }

    fn takes_focus(&self) -> bool {
        !matches!(&self.content, Content::X11 { window, .. }
            if window.is_override_redirect() && window.window_type() != Some(WmWindowType::Normal))
    }
}

/// Whether an X11 window says that it belongs to another.
pub(super) fn is_dialog(window: &X11Surface) -> bool {
    let other = window.window_type().is_some_and(|kind| !matches!(kind, WmWindowType::Normal));
    window.is_transient_for().is_some() || window.is_popup() || other
}

/// A surface under a point: the surface, where its origin lies, and the point, both on the window's plane.
pub(super) type Under = (WlSurface, Point<f64, Logical>, Point<f64, Logical>);

/// All windows, the lowest first.
#[derive(Debug)]
pub(super) struct Windows {
    list: Vec<Window>,
    output: Size,
}

impl Windows {
    pub(super) fn new(output: Size) -> Self {
        Self { list: Vec::new(), output }
    }

    pub(super) fn output(&self) -> Size {
        self.output
    }

    /// Tells every window of the output's new size.
    pub(super) fn set_output(&mut self, output: Size) {
        self.output = output;
        for window in &self.list {
            match &window.content {
                Content::Wayland(toplevel) => {
                    // Asked before, since asking takes the lock that the closure holds.
                    let is_main = toplevel.parent().is_none();
                    toplevel.with_pending_state(|state| {
                        state.bounds = Some(pixels(output).into());
                        if is_main {
                            state.size = Some(pixels(output).into());
                        }
                    });
                    if toplevel.is_initial_configure_sent() {
                        toplevel.send_pending_configure();
                    }
                }
                Content::X11 { window, .. } if !window.is_override_redirect() => {
                    super::xserver::configure(window, output, None);
                }
                Content::X11 { .. } => {}
            }
        }
    }

    pub(super) fn add_toplevel(&mut self, toplevel: ToplevelSurface) {
        self.list.push(Window { content: Content::Wayland(toplevel), place: None });
    }

    pub(super) fn add_x11(&mut self, window: X11Surface) {
        self.remove_x11(&window);
        self.list.push(Window { content: Content::X11 { window, surface: None }, place: None });
    }

    pub(super) fn remove_x11(&mut self, gone: &X11Surface) {
        self.list.retain(|window| !matches!(&window.content, Content::X11 { window, .. } if window == gone));
    }

    /// X11 windows with what is known of their surfaces, the newest first.
    pub(super) fn x11_mut(&mut self) -> impl Iterator<Item = (&X11Surface, &mut Option<WlSurface>)> {
        self.list.iter_mut().rev().filter_map(|window| match &mut window.content {
            Content::X11 { window, surface } => Some((&*window, surface)),
            Content::Wayland(_) => None,
        })
    }

    pub(super) fn toplevel(&self, root: &WlSurface) -> Option<ToplevelSurface> {
        self.list.iter().find_map(|window| match &window.content {
            Content::Wayland(toplevel) if toplevel.wl_surface() == root => Some(toplevel.clone()),
            _ => None,
        })
    }

    /// Whether any window has a picture.
    pub(super) fn any(&self) -> bool {
        self.list.iter().any(|window| window.place.is_some())
    }

    /// Windows that are seen, the lowest first.
    pub(super) fn visible(&self) -> &[Window] {
        &self.list[self.base()..]
    }

    fn base(&self) -> usize {
        let shown = |window: &Window| window.place.is_some() && window.is_main(self.output);
        self.list.iter().rposition(shown).unwrap_or(0)
    }

    /// Whether a window with this surface is seen.
    pub(super) fn shows(&self, root: &WlSurface) -> bool {
        self.visible().iter().any(|window| window.place.is_some() && window.is(root))
    }

    /// The window that has the keyboard.
    pub(super) fn top(&self) -> Option<&Window> {
        self.visible().iter().rev().find(|window| window.place.is_some() && window.takes_focus())
    }

    /// Where the window of this surface lies.
    pub(super) fn place_of(&self, root: &WlSurface) -> Option<Place> {
        self.list.iter().find(|window| window.is(root)).and_then(|window| window.place)
    }

    /// Drops dead windows and places the living; returns whether anything is now elsewhere than before.
    pub(super) fn settle(&mut self) -> bool {
        let before = self.list.len();
        self.list.retain(Window::alive);
        let mut changed = before != self.list.len();
        let mut risen = Vec::new();
        let mut main: Option<(Place, Point<i32, Logical>)> = None;
        for index in 0..self.list.len() {
            let window = &self.list[index];
            let place = self.place(window, main.as_ref());
            if let (Some(place), Content::X11 { window: x11, .. }, true) =
                (place, &window.content, window.is_main(self.output))
            {
                main = Some((place, x11.geometry().loc));
            }
            if place != window.place {
                changed = true;
                if window.place.is_none() {
                    risen.push(index);
                }
                self.list[index].place = place;
            }
        }
        // What is shown for the first time comes on top, whenever it was made.
        for (done, index) in risen.into_iter().enumerate() {
            let window = self.list.remove(index - done);
            self.list.push(window);
        }
        changed
    }

    fn place(&self, window: &Window, main: Option<&(Place, Point<i32, Logical>)>) -> Option<Place> {
        let surface = window.surface().filter(|surface| surface.alive() && has_picture(surface))?;
        let geometry = geometry(surface);
        if geometry.is_empty() {
            return None;
        }
        let (width, height) = pixels(self.output);
        let (width, height) = (f64::from(width), f64::from(height));
        let own = geometry.size.to_f64();
        let is_main = window.is_main(self.output);
        if let (Content::X11 { window, .. }, Some((place, loc)), false) = (&window.content, main, is_main)
            && window.is_override_redirect()
        {
            let offset = (window.geometry().loc - *loc).to_f64();
            let origin = place.origin + Point::from((offset.x * place.scale, offset.y * place.scale));
            return Some(Place { origin, scale: place.scale, geometry });
        }
        let fit = (width / own.w).min(height / own.h);
        let worth = is_main && geometry.size.w * SMALLEST_PART >= pixels(self.output).0;
        let scale = if fit < 1.0 || worth { fit } else { 1.0 };
        let origin = ((width - own.w * scale) / 2.0, (height - own.h * scale) / 2.0);
        Some(Place { origin: (origin.0.floor(), origin.1.floor()).into(), scale, geometry })
    }

    /// The surface that lies under a point of the output.
    pub(super) fn under(&self, point: Point<f64, Logical>) -> Option<Under> {
        self.visible().iter().rev().find_map(|window| {
            let (surface, place) = window.surface().zip(window.place)?;
            let inside = place.to_surface(point);
            for (popup, offset) in PopupManager::popups_for_surface(surface) {
                let at = place.geometry.loc + offset - popup.geometry().loc;
                if let Some((hit, at)) =
                    under_from_surface_tree(popup.wl_surface(), inside, at, WindowSurfaceType::ALL)
                {
                    return Some((hit, at.to_f64(), inside));
                }
            }
            let hit = under_from_surface_tree(surface, inside, (0, 0), WindowSurfaceType::ALL);
            hit.map(|(surface, at)| (surface, at.to_f64(), inside))
        })
    }

    /// A point of the output on the plane of one window.
    pub(super) fn on_plane(
        &self,
        root: &WlSurface,
        point: Point<f64, Logical>,
    ) -> Option<Point<f64, Logical>> {
        self.place_of(root).map(|place| place.to_surface(point))
    }

    /// The part of a window's plane that the output shows, relative to the window.
    pub(super) fn visible_part(&self, root: &WlSurface) -> Option<Rectangle<i32, Logical>> {
        let place = self.place_of(root)?;
        let (width, height) = pixels(self.output);
        let from = place.to_surface((0.0, 0.0).into()) - place.geometry.loc.to_f64();
        let size = (f64::from(width) / place.scale, f64::from(height) / place.scale);
        Some(Rectangle::new(from, size.into()).to_i32_round())
    }

    /// Roots of all surface trees that are seen or, where `hidden`, not seen.
    pub(super) fn roots(&self, hidden: bool) -> impl Iterator<Item = WlSurface> + '_ {
        let windows = if hidden { &self.list[..self.base()] } else { self.visible() };
        windows.iter().filter_map(Window::surface).flat_map(|surface| {
            let popups = PopupManager::popups_for_surface(surface);
            let popups: Vec<_> = popups.map(|(popup, _)| popup.wl_surface().clone()).collect();
            popups.into_iter().chain([surface.clone()])
        })
    }

    /// Asks every window to close.
    pub(super) fn close_all(&self) {
        for window in &self.list {
            match &window.content {
                Content::Wayland(toplevel) => toplevel.send_close(),
                Content::X11 { window, .. } => {
                    if let Err(error) = window.close() {
                        tracing::debug!("an X11 window was gone before it could be closed: {error}");
                    }
                }
            }
        }
    }
}

/// The part of a surface tree that is the window.
fn geometry(surface: &WlSurface) -> Rectangle<i32, Logical> {
    let bounds = bbox_from_surface_tree(surface, (0, 0));
    let chosen =
        with_states(surface, |states| states.cached_state.get::<SurfaceCachedState>().current().geometry);
    let own = with_renderer_surface_state(surface, |state| state.surface_size()).flatten();
    match chosen.and_then(|chosen| chosen.intersection(bounds)) {
        Some(chosen) => chosen,
        // Subsurfaces may stick out of a window without a geometry; the window is what its own surface is.
        None => own.map_or(bounds, Rectangle::from_size),
    }
}
