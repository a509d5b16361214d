//! What changed in the picture, and drawing the windows as they are read.
//!
//! There is no picture in memory. It is drawn when and where the sink reads it, some rows at a time, into a strip that
//! stays in the processor's cache; an opaque surface of the output's own size costs one copy into it, since pixman
//! copies where nothing is scaled or blended. Client memory is read by pixman alone, within smithay's guard against
//! `SIGBUS`: a client that shrinks its pool loses its connection, and the rows that it took away read as zero. No Rust
//! reference to client memory is ever made, so that a client may also write while it is read and merely spoils its own
//! picture.

use playhouse_media::frame::{Damage, Size};
use smithay::backend::allocator::Fourcc;
use smithay::backend::renderer::damage::OutputDamageTracker;
use smithay::backend::renderer::element::memory::MemoryRenderBufferRenderElement;
use smithay::backend::renderer::element::surface::{
    WaylandSurfaceRenderElement, render_elements_from_surface_tree,
};
use smithay::backend::renderer::element::utils::RescaleRenderElement;
use smithay::backend::renderer::element::{Element as _, Kind, RenderElement as _, render_elements};
use smithay::backend::renderer::pixman::{PixmanError, PixmanRenderer};
use smithay::backend::renderer::{Bind, Color32F, Frame as _, Offscreen, Renderer as _};
use smithay::desktop::PopupManager;
use smithay::reexports::pixman::Image;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::utils::{Logical, Physical, Point, Rectangle, Transform};

use super::cursor::Cursor;
use super::protocols::pixels;
use super::windows::{Place, Windows};
use super::{Error, Pixels, Spoiled, Strip};

/// Rectangles of damage that a sink is told of one by one. With more, one that spans them all costs it less.
const RECTANGLES: usize = 64;

/// Rows that are drawn at once. Even, since 4:2:0 halves them; of 1280 pixels they take 320 KiB, which a core's second
/// cache holds beside what is read and what becomes of it.
const ROWS: u32 = 64;

/// The output is not scaled; games are.
const SCALE: f64 = 1.0;

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
    strip: Image<'static, 'static>,
    size: Size,
    damage: Vec<Damage>,
    /// The next picture is to be told as new everywhere.
    all: bool,
    /// The last one could not be drawn to its end.
    spoiled: bool,
}

impl Picture {
    /// An empty picture, which is black.
    pub(super) fn new(size: Size) -> Result<Self, Error> {
        let failed =
            |error: &dyn std::fmt::Display| Error::System(format!("no picture can be drawn: {error}"));
        let mut renderer = PixmanRenderer::new().map_err(|error| failed(&error))?;
        let rows = pixels(Size { height: ROWS, ..size });
        let strip = renderer.create_buffer(Fourcc::Xrgb8888, rows.into()).map_err(|error| failed(&error))?;
        let tracker = OutputDamageTracker::new(pixels(size), SCALE, Transform::Normal);
        Ok(Self { renderer, tracker, strip, size, damage: Vec::new(), all: true, spoiled: false })
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// The next picture is new everywhere.
    pub(super) fn damage_all(&mut self) {
        self.all = true;
    }

    /// Whether the last picture could not be drawn to its end.
    pub(super) fn is_spoiled(&self) -> bool {
        self.spoiled
    }

    /// What there is to be seen, and where it is new; `None` if it is so nowhere.
    pub(super) fn look(&mut self, windows: &Windows, cursor: &Cursor) -> Option<(Drawing<'_>, &[Damage])> {
        let elements = self.elements(windows, cursor);
        self.damage.clear();
        // What is new is so since the last turn, always.
        let age = 1;
        match self.tracker.damage_output(age, &elements) {
            Ok((damage, _)) => {
                let damage = damage.into_iter().flatten();
                self.damage.extend(damage.filter_map(|rectangle| damage_within(*rectangle, self.size)));
            }
            Err(error) => tracing::error!("it cannot be known what is new in the picture: {error}"),
        }
        if std::mem::take(&mut self.all) | std::mem::take(&mut self.spoiled) {
            self.damage = vec![Damage::whole(self.size)];
        }
        if self.damage.is_empty() {
            return None;
        }
        if self.damage.len() > RECTANGLES {
            self.damage = vec![spanning(&self.damage)];
        }
        let drawing = Drawing {
            renderer: &mut self.renderer,
            strip: &mut self.strip,
            spoiled: &mut self.spoiled,
            elements,
            size: self.size,
        };
        Some((drawing, &self.damage))
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

/// What is to be seen, while it is lent.
pub(super) struct Drawing<'a> {
    renderer: &'a mut PixmanRenderer,
    strip: &'a mut Image<'static, 'static>,
    spoiled: &'a mut bool,
    /// The topmost first.
    elements: Vec<Element>,
    size: Size,
}

impl Drawing<'_> {
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Draws an area, at most as large as the strip, into the strip's top left corner.
    fn draw(&mut self, area: Rectangle<i32, Physical>) -> Result<(), PixmanError> {
        let mut target = self.renderer.bind(self.strip)?;
        let mut frame = self.renderer.render(&mut target, area.size, Transform::Normal)?;
        // From the top to the bottom: of each element that which no opaque one lies upon.
        let mut open = vec![area];
        let mut seen = Vec::with_capacity(self.elements.len());
        for element in &self.elements {
            let geometry = element.geometry(SCALE.into());
            let parts = open.iter().filter_map(|part| part.intersection(geometry));
            let parts: Vec<_> = parts.map(|part| moved(part, geometry.loc)).collect();
            if parts.is_empty() {
                continue;
            }
            seen.push((element, moved(geometry, area.loc), parts));
            let opaque = element.opaque_regions(SCALE.into());
            let opaque = opaque.into_iter().map(|part| Rectangle::new(part.loc + geometry.loc, part.size));
            open = Rectangle::subtract_rects_many_in_place(open, opaque);
        }
        let open: Vec<_> = open.into_iter().map(|part| moved(part, area.loc)).collect();
        if !open.is_empty() {
            frame.clear(Color32F::BLACK, &open)?;
        }
        for (element, geometry, parts) in seen.into_iter().rev() {
            element.draw(&mut frame, element.src(), geometry, &parts, &[])?;
        }
        Ok(())
    }
}

impl Pixels for Drawing<'_> {
    fn read(&mut self, area: Damage, each: &mut dyn FnMut(Strip<'_>)) -> Result<(), Spoiled> {
        let bottom = area.y.saturating_add(area.height).min(self.size.height);
        let width = area.width.min(self.size.width.saturating_sub(area.x));
        if width == 0 {
            return Ok(());
        }
        let mut y = area.y;
        while y < bottom {
            let area = Damage { x: area.x, y, width, height: ROWS.min(bottom - y) };
            if let Err(error) = self.draw(rectangle(area)) {
                tracing::debug!("a picture was not drawn whole: {error}");
                *self.spoiled = true;
                return Err(Spoiled);
            }
            each(Strip { area, data: bytes(self.strip), stride: self.strip.stride() });
            y += area.height;
        }
        Ok(())
    }
}

/// A rectangle as seen from a point.
fn moved(rectangle: Rectangle<i32, Physical>, origin: Point<i32, Physical>) -> Rectangle<i32, Physical> {
    Rectangle::new(rectangle.loc - origin, rectangle.size)
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

/// An area within the picture as smithay counts. Sides are at most 8192.
fn rectangle(area: Damage) -> Rectangle<i32, Physical> {
    let (x, y) = pixels(Size::new(area.x, area.y));
    Rectangle::new((x, y).into(), pixels(Size::new(area.width, area.height)).into())
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
