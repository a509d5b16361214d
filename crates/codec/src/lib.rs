//! Encoders and colour conversion.
