//! What libx264 is told beyond its preset.

use x264_sys as x264;

use super::super::Config;
use super::rate::{COARSEST, FINEST};

/// More slices than this cost more bits than the time is worth.
const MOST_THREADS: u32 = 8;

/// BT.709, as H.264 numbers colours.
const BT709: i32 = 1;

/// Sets what the preset leaves open.
///
/// Deblocking is what the preset leaves out and what is worth having: 1.2 dB for 0.1 ms of a 720p picture. Slices on
/// two threads win nothing below 1080p.
pub(super) fn apply(parameters: &mut x264::x264_param_t, config: &Config) {
    let signed = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    parameters.i_log_level = x264::X264_LOG_NONE;
    parameters.i_csp = x264::X264_CSP_NV12.cast_signed();
    parameters.i_width = signed(config.size.width);
    parameters.i_height = signed(config.size.height);
    parameters.i_fps_num = config.rate;
    parameters.i_fps_den = 1;
    // With timestamps it would wait for the next picture to learn how long this one lasts.
    parameters.b_vfr_input = 0;
    parameters.b_repeat_headers = 1;
    parameters.b_annexb = 1;
    parameters.b_deblocking_filter = 1;
    let threads = config.threads.clamp(1, MOST_THREADS);
    parameters.i_threads = signed(threads);
    parameters.b_sliced_threads = i32::from(threads > 1);
    // Keyframes come on demand; the caller counts the time between them.
    parameters.i_keyint_max = x264::X264_KEYINT_MAX_INFINITE.cast_signed();
    parameters.i_scenecut_threshold = 0;
    parameters.analyse.b_mb_info = 1;
    parameters.vui.i_colorprim = BT709;
    parameters.vui.i_transfer = BT709;
    parameters.vui.i_colmatrix = BT709;
    parameters.vui.b_fullrange = 0;
    quantisers(parameters);
}

/// Lets each picture bring its quantiser.
///
/// libx264 holds such quantisers to the range that its three kinds of pictures have around the constant one; so that
/// is made as wide as what is wanted. None of the three is ever used.
fn quantisers(parameters: &mut x264::x264_param_t) {
    let middle = FINEST.midpoint(COARSEST);
    let factor = |to: u8| 2_f32.powf((f32::from(to) - f32::from(middle)) / 6.0);
    parameters.rc.i_rc_method = x264::X264_RC_CQP.cast_signed();
    parameters.rc.i_qp_constant = i32::from(middle);
    // A larger factor makes I pictures finer, and B pictures coarser.
    parameters.rc.f_ip_factor = factor(COARSEST).recip();
    parameters.rc.f_pb_factor = factor(FINEST);
}
