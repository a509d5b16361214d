//! An open encoder of libx264: the only place that speaks to it.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;

use playhouse_media::frame::{Nv12, Size};
use x264_sys as x264;

use super::super::Config;
use super::macroblocks::Rows;

/// An open encoder.
pub(super) struct Handle {
    encoder: NonNull<x264::x264_t>,
    size: Size,
    /// Pictures so far: its clock.
    count: i64,
    /// Where the newest picture is as a decoder has it, until the next is encoded.
    decoded: Option<x264::x264_image_t>,
    /// What is said of each macroblock of the newest picture. libx264 may look at it as long as it is open.
    flags: Box<[u8]>,
}

/// Pixels on either side of a macroblock.
const SIDE: u32 = 16;

// SAFETY: libx264 ties an encoder to no thread, and `&mut self` keeps two from using it at once.
#[expect(unsafe_code, reason = "the pointer is the encoder's only one")]
unsafe impl Send for Handle {}

/// The flag of a macroblock that need not be looked at where the quantiser is no finer either.
const CONSTANT: u8 = 1;

impl Handle {
    /// Opens an encoder with a quantiser per picture.
    #[expect(unsafe_code, reason = "foreign functions")]
    pub(super) fn open(config: &Config) -> Result<Self, String> {
        let mut parameters = MaybeUninit::uninit();
        // SAFETY: the call writes the whole structure, and reads two strings that end with a zero.
        let code = unsafe {
            x264::x264_param_default_preset(
                parameters.as_mut_ptr(),
                c"ultrafast".as_ptr(),
                c"zerolatency".as_ptr(),
            )
        };
        if code != 0 {
            return Err("it does not know its own presets".to_owned());
        }
        // SAFETY: it was written above.
        let mut parameters: x264::x264_param_t = unsafe { parameters.assume_init() };
        super::settings::apply(&mut parameters, config);
        // SAFETY: both are valid; the string ends with a zero.
        if unsafe { x264::x264_param_apply_profile(&raw mut parameters, c"baseline".as_ptr()) } != 0 {
            return Err("the settings are not of the baseline profile".to_owned());
        }
        // SAFETY: the structure is whole, and the call copies what it keeps.
        let encoder = unsafe { x264::x264_encoder_open(&raw mut parameters) };
        let Size { width, height } = config.size;
        let encoder =
            NonNull::new(encoder).ok_or_else(|| format!("libx264 opens no encoder for {width}x{height}"))?;
        let macroblocks = width.div_ceil(SIDE) as usize * height.div_ceil(SIDE) as usize;
        let flags = vec![0; macroblocks].into_boxed_slice();
        Ok(Self { encoder, size: config.size, count: 0, decoded: None, flags })
    }

    /// Encodes `picture` by `quantiser` as a keyframe.
    pub(super) fn keyframe(&mut self, picture: &Nv12, quantiser: u8) -> Result<Arc<[u8]>, String> {
        self.encode(picture, quantiser, true)
    }

    /// Encodes `picture` by `quantiser` as a P picture. `constant` says of each macroblock whether it is as it was in
    /// the picture before.
    pub(super) fn picture(
        &mut self,
        picture: &Nv12,
        quantiser: u8,
        constant: impl ExactSizeIterator<Item = bool>,
    ) -> Result<Arc<[u8]>, String> {
        if constant.len() != self.flags.len() {
            return Err("there is another number of macroblocks".to_owned());
        }
        for (flag, constant) in self.flags.iter_mut().zip(constant) {
            *flag = if constant { CONSTANT } else { 0 };
        }
        self.encode(picture, quantiser, false)
    }

    #[expect(unsafe_code, reason = "foreign functions")]
    fn encode(&mut self, picture: &Nv12, quantiser: u8, keyframe: bool) -> Result<Arc<[u8]>, String> {
        if picture.size() != self.size {
            return Err("the picture has another size".to_owned());
        }
        self.decoded = None;
        let stride = i32::try_from(self.size.width).map_err(|error| error.to_string())?;
        let mut input = MaybeUninit::uninit();
        let mut output = MaybeUninit::uninit();
        // SAFETY: the calls write the whole structures.
        let (mut input, mut output): (x264::x264_picture_t, x264::x264_picture_t) = unsafe {
            x264::x264_picture_init(input.as_mut_ptr());
            x264::x264_picture_init(output.as_mut_ptr());
            (input.assume_init(), output.assume_init())
        };
        input.i_type = (if keyframe { x264::X264_TYPE_IDR } else { x264::X264_TYPE_P }).cast_signed();
        input.i_qpplus1 = i32::from(quantiser) + 1;
        input.i_pts = self.count;
        self.count += 1;
        input.img.i_csp = x264::X264_CSP_NV12.cast_signed();
        input.img.i_plane = 2;
        input.img.i_stride[..2].fill(stride);
        input.img.plane[0] = picture.luma().as_ptr().cast_mut();
        input.img.plane[1] = picture.chroma().as_ptr().cast_mut();
        if !keyframe {
            input.prop.mb_info = self.flags.as_mut_ptr();
        }
        let (mut units, mut count) = (ptr::null_mut(), 0);
        // SAFETY: the encoder is open. Both planes have `stride` bytes a row and the rows of NV12 of the size that it
        // was opened with; it copies from them during the call and never writes to them. `flags` has a byte for each
        // macroblock and lives as long as the encoder.
        let length = unsafe {
            x264::x264_encoder_encode(
                self.encoder.as_ptr(),
                &raw mut units,
                &raw mut count,
                &raw mut input,
                &raw mut output,
            )
        };
        let length = usize::try_from(length).map_err(|_negative| "libx264 failed".to_owned())?;
        if length == 0 || units.is_null() || count <= 0 {
            return Err("libx264 kept the picture".to_owned());
        }
        let nv12 = output.img.i_csp == x264::X264_CSP_NV12.cast_signed();
        if !nv12 || output.img.plane[..2].iter().any(|plane| plane.is_null()) {
            return Err("libx264 does not say what became of the picture".to_owned());
        }
        if keyframe != (output.b_keyframe != 0) {
            return Err("libx264 chose the kind of picture itself".to_owned());
        }
        self.decoded = Some(output.img);
        // SAFETY: there is a first unit, and the payloads of all units of a picture follow each other in memory,
        // `length` bytes in all, which stay until the next call.
        let data = unsafe { slice::from_raw_parts((*units).p_payload, length) };
        Ok(Arc::from(data))
    }

    /// The newest picture as a decoder has it; none before the first and after a failure.
    pub(super) fn decoded(&self) -> Option<Decoded<'_>> {
        self.decoded.map(|image| Decoded { image, size: self.size, handle: PhantomData })
    }
}

/// The newest picture as a decoder has it, in the encoder's memory.
pub(super) struct Decoded<'a> {
    image: x264::x264_image_t,
    size: Size,
    handle: PhantomData<&'a Handle>,
}

impl Decoded<'_> {
    #[expect(unsafe_code, reason = "foreign memory")]
    fn row(&self, plane: usize, row: usize, rows: usize) -> &[u8] {
        assert!(row < rows, "row {row} of {rows}");
        let pitch = usize::try_from(self.image.i_stride[plane]).unwrap_or_default();
        let width = self.size.width as usize;
        assert!(width <= pitch, "rows of {width} bytes in {pitch}");
        // SAFETY: `Handle::encode` made sure that it is NV12 of two planes. Each has at least `rows` rows of `width`
        // bytes, `pitch` apart. libx264 writes to them and frees them in calls that take `&mut Handle`, which `self`
        // keeps anybody from making.
        unsafe { slice::from_raw_parts(self.image.plane[plane].add(row * pitch), width) }
    }
}

impl Rows for Decoded<'_> {
    fn luma(&self, row: usize) -> &[u8] {
        self.row(0, row, self.size.height as usize)
    }

    fn chroma(&self, row: usize) -> &[u8] {
        self.row(1, row, self.size.height as usize / 2)
    }
}

impl Drop for Handle {
    #[expect(unsafe_code, reason = "foreign functions")]
    fn drop(&mut self) {
        // SAFETY: it is open, and nobody uses it any more.
        unsafe { x264::x264_encoder_close(self.encoder.as_ptr()) };
    }
}
