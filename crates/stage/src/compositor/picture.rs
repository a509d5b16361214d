//! Compositing the windows into the picture.
//!
//! The picture is one persistent image in ordinary memory. Only what changed is drawn: an opaque surface of the
//! output's own size costs one copy of its damaged rectangles, since pixman copies where nothing is scaled or
//! blended. Client memory is read by pixman alone, within smithay's guard against `SIGBUS`: a client that shrinks
//! its pool loses its connection, and the rows that it took away read as zero. No Rust reference to client memory
//! is ever made, so that a client may also write while it is read and merely spoils its own picture.

use playhouse_media::frame::{Damage, Size};
use smithay::backend::allocator::Fourcc;
use smithay::backend::renderer::damage::OutputDamageTracker;
use smithay::backend::renderer::element::memory::MemoryRenderBufferRenderElement;
use smithay::backend::renderer::element::surface::{
    WaylandSurfaceRenderElement, render_elements_from_surface_tree,
};
use smithay::backend::renderer::element::utils::RescaleRenderElement;
use smithay::backend::renderer::element::{Kind, render_elements};
use smithay::backend::renderer::pixman::PixmanRenderer;
use smithay::backend::renderer::{Bind, Color32F, Offscreen};
use smithay::desktop::PopupManager;
use smithay::reexports::pixman::Image;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::utils::{Logical, Physical, Point, Rectangle, Transform};

use super::Error;
use super::cursor::Cursor;
use super::protocols::pixels;
use super::windows::{Place, Windows};

/// Rectangles of damage that a sink is told of one by one. With more, one that spans them all costs it less.
const RECTANGLES: usize = 64;

render_elements! {
    Element<=PixmanRenderer>;
    Plain=WaylandSurfaceRenderElement<PixmanRenderer>,
    Scaled=RescaleRenderElement<WaylandSurfaceRenderElement<PixmanRenderer>>,
    Drawn=MemoryRenderBufferRenderElement<PixmanRenderer>,
}

/// The picture, and what is needed to draw it.
pub(super) struct Picture {
    renderer: PixmanRenderer,
    tracker: OutputDamageTracker,
    image: Image<'static, 'static>,
    size: Size,
    damage: Vec<Damage>,
    /// The next picture is to be told as new everywhere.
    all: bool,
}

/// A picture in which something is new.
pub(super) struct Taken<'a> {
    pub(super) data: &'a [u8],
    pub(super) stride: usize,
    pub(super) size: Size,
    pub(super) damage: &'a [Damage],
}

impl Picture {
    /// A black picture.
    pub(super) fn new(size: Size) -> Result<Self, Error> {
        let failed =
            |error: &dyn std::fmt::Display| Error::System(format!("no picture can be drawn: {error}"));
        let mut renderer = PixmanRenderer::new().map_err(|error| failed(&error))?;
        let image =
            renderer.create_buffer(Fourcc::Xrgb8888, pixels(size).into()).map_err(|error| failed(&error))?;
        let tracker = OutputDamageTracker::new(pixels(size), 1.0, Transform::Normal);
        Ok(Self { renderer, tracker, image, size, damage: Vec::new(), all: true })
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// The next picture is new everywhere.
    pub(super) fn damage_all(&mut self) {
        self.all = true;
    }

    /// Draws what changed; `None` if nothing did.
    pub(super) fn composite(&mut self, windows: &Windows, cursor: &Cursor) -> Option<Taken<'_>> {
        let elements = self.elements(windows, cursor);
        let mut target = match self.renderer.bind(&mut self.image) {
            Ok(target) => target,
            Err(error) => {
                tracing::error!("the picture cannot be drawn into: {error}");
                return None;
            }
        };
        // The image is the one of the last turn, always.
        let age = 1;
        let drawn =
            self.tracker.render_output(&mut self.renderer, &mut target, age, &elements, Color32F::BLACK);
        self.damage.clear();
        match drawn {
            Ok(drawn) => {
                let size = self.size;
                let damage = drawn.damage.into_iter().flatten();
                self.damage.extend(damage.filter_map(|rectangle| damage_within(*rectangle, size)));
            }
            Err(error) => {
                // A client's buffer was bad, and the client is being disconnected; the next turn draws the rest.
                tracing::debug!("a picture was not drawn whole: {error}");
            }
        }
        drop(target);
        if self.all {
            self.all = false;
            self.damage = vec![Damage { x: 0, y: 0, width: self.size.width, height: self.size.height }];
        }
        if self.damage.is_empty() {
            return None;
        }
        if self.damage.len() > RECTANGLES {
            self.damage = vec![spanning(&self.damage)];
        }
        let stride = self.image.stride();
        Some(Taken { data: bytes(&self.image), stride, size: self.size, damage: &self.damage })
    }

    /// What is to be drawn, the topmost first.
    fn elements(&mut self, windows: &Windows, cursor: &Cursor) -> Vec<Element> {
        let mut elements = Vec::new();
        match cursor {
            Cursor::None => {}
            Cursor::Surface { surface, at } => self.tree(&mut elements, surface, *at, 1.0, Kind::Cursor),
            Cursor::Arrow { image, at } => {
                let at: Point<f64, Physical> = at.to_physical(1.0);
                match MemoryRenderBufferRenderElement::from_buffer(
                    &mut self.renderer,
                    at,
                    image,
                    None,
                    None,
                    None,
                    Kind::Cursor,
                ) {
                    Ok(element) => elements.push(Element::Drawn(element)),
                    Err(error) => tracing::debug!("the arrow cannot be drawn: {error}"),
                }
            }
        }
        for window in windows.visible().iter().rev() {
            let Some((surface, place)) = window.surface().zip(window.place) else { continue };
            for (popup, offset) in PopupManager::popups_for_surface(surface) {
                let at = on_output(place, offset + place.geometry.loc - popup.geometry().loc);
                self.tree(&mut elements, popup.wl_surface(), at, place.scale, Kind::Unspecified);
            }
            let at = on_output(place, Point::default());
            self.tree(&mut elements, surface, at, place.scale, Kind::Unspecified);
        }
        elements
    }

    /// A surface and its subsurfaces with its origin at a point of the output.
    fn tree(
        &mut self,
        into: &mut Vec<Element>,
        surface: &WlSurface,
        at: Point<f64, Logical>,
        scale: f64,
        kind: Kind,
    ) {
        let at: Point<i32, Physical> = at.to_physical(1.0).to_i32_round();
        let tree: Vec<WaylandSurfaceRenderElement<PixmanRenderer>> =
            render_elements_from_surface_tree(&mut self.renderer, surface, at, 1.0, 1.0, kind);
        if (scale - 1.0).abs() < f64::EPSILON {
            into.extend(tree.into_iter().map(Element::Plain));
        } else {
            let scaled = |element| Element::Scaled(RescaleRenderElement::from_element(element, at, scale));
            into.extend(tree.into_iter().map(scaled));
        }
    }
}

/// A point of a window's plane on the output.
fn on_output(place: Place, point: Point<i32, Logical>) -> Point<f64, Logical> {
    let inside = (point - place.geometry.loc).to_f64();
    place.origin + Point::from((inside.x * place.scale, inside.y * place.scale))
}

#[expect(unsafe_code, reason = "pixman lends its image's memory as a pointer")]
fn bytes<'a>(image: &'a Image<'static, 'static>) -> &'a [u8] {
    // SAFETY: the image allocated `stride × height` zeroed bytes for itself and keeps them while it lives, which
    // the returned borrow ensures. Nothing draws into it during the borrow: drawing needs `&mut` of the image.
    unsafe { std::slice::from_raw_parts(image.data().cast::<u8>(), image.stride() * image.height()) }
}

/// A rectangle of damage, cut to the picture.
fn damage_within(rectangle: Rectangle<i32, Physical>, size: Size) -> Option<Damage> {
    let whole = Rectangle::from_size(pixels(size).into());
    let cut = rectangle.intersection(whole).filter(|cut| !cut.is_empty())?;
    let positive = |side: i32| u32::try_from(side).unwrap_or(0);
    Some(Damage {
        x: positive(cut.loc.x),
        y: positive(cut.loc.y),
        width: positive(cut.size.w),
        height: positive(cut.size.h),
    })
}

/// The smallest rectangle around all.
fn spanning(damage: &[Damage]) -> Damage {
    let left = damage.iter().map(|d| d.x).min().unwrap_or(0);
    let top = damage.iter().map(|d| d.y).min().unwrap_or(0);
    let right = damage.iter().map(|d| d.x + d.width).max().unwrap_or(0);
    let bottom = damage.iter().map(|d| d.y + d.height).max().unwrap_or(0);
    Damage { x: left, y: top, width: right - left, height: bottom - top }
}
