//! Text for games that ask for it (`zwp_text_input_v3`).
//!
//! Written here rather than taken from smithay, whose text input only works with an input method that is a
//! Wayland client; on a stage the input method is the player's browser.

use smithay::reexports::wayland_protocols::wp::text_input::zv3::server::zwp_text_input_manager_v3::{
    self, ZwpTextInputManagerV3,
};
use smithay::reexports::wayland_protocols::wp::text_input::zv3::server::zwp_text_input_v3::{
    self, ZwpTextInputV3,
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource,
};

use super::stage::Stage;

/// Text inputs that are remembered at once; a client that makes more gets silent ones.
const INPUTS: usize = 64;

/// Longest text of one event: a Wayland message holds 4096 bytes.
const LONGEST: usize = 2048;

/// One text input of a client.
#[derive(Debug)]
struct Input {
    object: ZwpTextInputV3,
    /// Commits so far: the serial that `done` repeats.
    commits: u32,
    wants: bool,
    pending: Option<bool>,
}

/// All text inputs, and which surface has the keyboard.
#[derive(Debug)]
pub(super) struct Texts {
    inputs: Vec<Input>,
    focus: Option<WlSurface>,
}

impl Texts {
    pub(super) fn new(display: &DisplayHandle) -> Self {
        display.create_global::<Stage, ZwpTextInputManagerV3, _>(1, ());
        Self { inputs: Vec::new(), focus: None }
    }

    /// The keyboard went to another surface.
    pub(super) fn focus(&mut self, surface: Option<&WlSurface>) {
        if self.focus.as_ref() == surface {
            return;
        }
        if let Some(old) = self.focus.take().filter(Resource::is_alive) {
            for input in self.inputs.iter_mut().filter(|input| same_client(input, &old)) {
                input.object.leave(&old);
                input.wants = false;
                input.pending = None;
            }
        }
        self.focus = surface.cloned();
        if let Some(new) = surface {
            for input in self.inputs.iter().filter(|input| same_client(input, new)) {
                input.object.enter(new);
            }
        }
    }

    /// Whether the game that has the keyboard asks for text.
    pub(super) fn wanted(&self) -> bool {
        self.asking().next().is_some()
    }

    /// Gives text to the game, if it asks for any.
    pub(super) fn give(&self, text: &str) {
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        // The protocol's strings end at their first NUL.
        let text = text[..end].replace('\0', "");
        for input in self.asking() {
            input.object.commit_string(Some(text.clone()));
            input.object.done(input.commits);
        }
    }

    fn asking(&self) -> impl Iterator<Item = &Input> {
        let focus = self.focus.as_ref();
        self.inputs.iter().filter(move |input| {
            input.wants && focus.is_some_and(|focus| focus.is_alive() && same_client(input, focus))
        })
    }
}

fn same_client(input: &Input, surface: &WlSurface) -> bool {
    input.object.id().same_client_as(&surface.id())
}

impl GlobalDispatch<ZwpTextInputManagerV3, ()> for Stage {
    fn bind(
        _stage: &mut Self,
        _display: &DisplayHandle,
        _client: &Client,
        resource: New<ZwpTextInputManagerV3>,
        _data: &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(resource, ());
    }
}

impl Dispatch<ZwpTextInputManagerV3, ()> for Stage {
    fn request(
        stage: &mut Self,
        _client: &Client,
        _manager: &ZwpTextInputManagerV3,
        request: zwp_text_input_manager_v3::Request,
        _data: &(),
        _display: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if let zwp_text_input_manager_v3::Request::GetTextInput { id, seat: _ } = request {
            let object = init.init(id, ());
            if stage.texts.inputs.len() >= INPUTS {
                return;
            }
            let input = Input { object, commits: 0, wants: false, pending: None };
            if let Some(focus) = stage.texts.focus.as_ref().filter(|focus| same_client(&input, focus)) {
                input.object.enter(focus);
            }
            stage.texts.inputs.push(input);
        }
    }
}

impl Dispatch<ZwpTextInputV3, ()> for Stage {
    fn request(
        stage: &mut Self,
        _client: &Client,
        object: &ZwpTextInputV3,
        request: zwp_text_input_v3::Request,
        _data: &(),
        _display: &DisplayHandle,
        _init: &mut DataInit<'_, Self>,
    ) {
        let Some(input) = stage.texts.inputs.iter_mut().find(|input| &input.object == object) else { return };
        match request {
            zwp_text_input_v3::Request::Enable => input.pending = Some(true),
            zwp_text_input_v3::Request::Disable => input.pending = Some(false),
            zwp_text_input_v3::Request::Commit => {
                input.commits = input.commits.wrapping_add(1);
                if let Some(wants) = input.pending.take() {
                    input.wants = wants;
                }
            }
            _ => {}
        }
    }

    fn destroyed(stage: &mut Self, _client: ClientId, object: &ZwpTextInputV3, _data: &()) {
        stage.texts.inputs.retain(|input| &input.object != object);
    }
}
