//! WebRTC over our own UDP loop.
