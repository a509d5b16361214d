//! How a picture gets into an encoder of libav: copied, or uploaded to the graphics card.

use std::ptr;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::encoder;
use ffmpeg_next::{Frame, ffi, format, frame, picture};
use playhouse_media::frame::Nv12;

use super::super::Config;

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The encoder may keep the picture for a while, and gets one of its own.
    Copied,
    /// The encoder takes surfaces of VA-API.
    Uploaded,
}

/// A way in, opened.
pub(super) enum Door {
    /// See [`Kind::Copied`]: the picture that is filled again as soon as the encoder has let go of it.
    Copied(frame::Video),
    /// See [`Kind::Uploaded`]: the same, and the card's surfaces.
    Uploaded(frame::Video, Surfaces),
}

impl Door {
    /// Opens a way in and tells the encoder the pixel format that comes through it.
    pub(super) fn new(
        kind: Kind,
        video: &mut encoder::video::Video,
        config: &Config,
    ) -> Result<Self, String> {
        let own = || frame::Video::new(format::Pixel::NV12, config.size.width, config.size.height);
        video.set_format(format::Pixel::NV12);
        Ok(match kind {
            Kind::Copied => Self::Copied(own()),
            Kind::Uploaded => {
                video.set_format(format::Pixel::VAAPI);
                let surfaces = Surfaces::new(video, config)
                    .map_err(|error| format!("there is no device for VA-API ({error})"))?;
                Self::Uploaded(own(), surfaces)
            }
        })
    }

    /// Gives `picture` to `send` as a frame of libav.
    pub(super) fn pass(
        &mut self,
        picture: &Nv12,
        ticks: i64,
        keyframe: bool,
        send: impl FnOnce(&Frame) -> Result<(), ffmpeg::Error>,
    ) -> Result<(), String> {
        match self {
            Self::Copied(own) => {
                fill(own, picture)?;
                label(own, ticks, keyframe);
                send(own).map_err(|error| error.to_string())
            }
            Self::Uploaded(own, surfaces) => {
                fill(own, picture)?;
                let mut surface = surfaces.upload(own)?;
                label(&mut surface, ticks, keyframe);
                send(&surface).map_err(|error| error.to_string())
            }
        }
    }
}

fn label(frame: &mut frame::Video, ticks: i64, keyframe: bool) {
    frame.set_pts(Some(ticks));
    frame.set_kind(if keyframe { picture::Type::I } else { picture::Type::None });
}

/// Copies `picture` into `own`, which gets new memory where the encoder still holds the old.
#[expect(unsafe_code, reason = "the binding cannot ask for exclusive memory")]
fn fill(own: &mut frame::Video, picture: &Nv12) -> Result<(), String> {
    // SAFETY: `own` is a valid frame with memory of its own.
    let code = unsafe { ffi::av_frame_make_writable(own.as_mut_ptr()) };
    if code < 0 {
        return Err(ffmpeg::Error::from(code).to_string());
    }
    let width = picture.size().width as usize;
    for (plane, rows) in [(0, picture.luma()), (1, picture.chroma())] {
        let stride = own.stride(plane);
        for (to, from) in own.data_mut(plane).chunks_mut(stride).zip(rows.chunks(width)) {
            to[..width].copy_from_slice(from);
        }
    }
    Ok(())
}

/// Surfaces of a graphics card that VA-API encodes from.
pub(super) struct Surfaces {
    frames: *mut ffi::AVBufferRef,
}

// SAFETY: a reference of libav is counted atomically and may be used from any one thread at a time.
#[expect(unsafe_code, reason = "the pointer is a counted reference")]
unsafe impl Send for Surfaces {}

/// Surfaces in flight: the one being filled, the one being encoded, the one it refers to, and one to spare.
const SURFACES: i32 = 4;

impl Surfaces {
    #[expect(unsafe_code, reason = "the binding does not cover hardware contexts")]
    fn new(video: &mut encoder::video::Video, config: &Config) -> Result<Self, String> {
        let check = |code: i32| {
            if code < 0 { Err(ffmpeg::Error::from(code).to_string()) } else { Ok(()) }
        };
        let side = |pixels: u32| i32::try_from(pixels).map_err(|error| error.to_string());
        let (width, height) = (side(config.size.width)?, side(config.size.height)?);
        let mut device = ptr::null_mut();
        // SAFETY: every pointer is checked before it is followed; the frames keep the device alive; both are
        // references that are given back exactly once (`device` here, `frames` in `drop`).
        unsafe {
            check(ffi::av_hwdevice_ctx_create(
                &raw mut device,
                ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI,
                ptr::null(),
                ptr::null_mut(),
                0,
            ))?;
            let surfaces = Self { frames: ffi::av_hwframe_ctx_alloc(device) };
            ffi::av_buffer_unref(&raw mut device);
            if surfaces.frames.is_null() {
                return Err("there is no memory left".to_owned());
            }
            #[expect(clippy::cast_ptr_alignment, reason = "libav allocated it for this very type")]
            let context = (*surfaces.frames).data.cast::<ffi::AVHWFramesContext>();
            (*context).format = ffi::AVPixelFormat::AV_PIX_FMT_VAAPI;
            (*context).sw_format = ffi::AVPixelFormat::AV_PIX_FMT_NV12;
            (*context).width = width;
            (*context).height = height;
            (*context).initial_pool_size = SURFACES;
            check(ffi::av_hwframe_ctx_init(surfaces.frames))?;
            (*video.as_mut_ptr()).hw_frames_ctx = ffi::av_buffer_ref(surfaces.frames);
            Ok(surfaces)
        }
    }

    #[expect(unsafe_code, reason = "the binding does not cover hardware contexts")]
    fn upload(&mut self, from: &frame::Video) -> Result<frame::Video, String> {
        let mut surface = frame::Video::empty();
        // SAFETY: `self.frames` is a valid frames context for as long as `self` is, and both frames are valid.
        let code = unsafe {
            match ffi::av_hwframe_get_buffer(self.frames, surface.as_mut_ptr(), 0) {
                0 => ffi::av_hwframe_transfer_data(surface.as_mut_ptr(), from.as_ptr(), 0),
                error => error,
            }
        };
        if code < 0 { Err(ffmpeg::Error::from(code).to_string()) } else { Ok(surface) }
    }
}

impl Drop for Surfaces {
    #[expect(unsafe_code, reason = "the reference has to be given back")]
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and libav accepts one that is null.
        unsafe { ffi::av_buffer_unref(&raw mut self.frames) };
    }
}
