//! Headers that tell browsers what our pages may do.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::Config;
use crate::site::Origin as SiteOrigin;

/// What our own pages load: our scripts, pictures and clips, and nothing of anybody else's.
const CONTENT: &str = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; \
                       style-src 'self' 'unsafe-inline'; script-src 'self'; worker-src 'self' blob:; \
                       connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'";

/// What pages may ask the browser for.
const FEATURES: &str = "gamepad=(self), fullscreen=(self), autoplay=(self), clipboard-write=(self), \
                        screen-wake-lock=(self), keyboard-map=(self), camera=(), microphone=(), geolocation=(), \
                        payment=(), usb=(), serial=()";

/// The headers, made once from the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Headers {
    fixed: Vec<(HeaderName, HeaderValue)>,
}

impl Headers {
    /// The headers for a configuration.
    pub(crate) fn new(config: &Config) -> Self {
        let origins: Vec<&str> = config.embed_origins.iter().map(SiteOrigin::as_str).collect();
        let frames = if config.embed_origins.is_empty() {
            "'none'".to_owned()
        } else {
            format!("'self' {}", origins.join(" "))
        };
        let content = format!("{CONTENT}; frame-ancestors {frames}");
        // An origin that is no header value is none that a browser could send either.
        let content = HeaderValue::try_from(content).unwrap_or(HeaderValue::from_static(CONTENT));
        let mut fixed = vec![(HeaderName::from_static("content-security-policy"), content)];
        let mut add =
            |name, value| fixed.push((HeaderName::from_static(name), HeaderValue::from_static(value)));
        add("x-content-type-options", "nosniff");
        add("referrer-policy", "no-referrer");
        add("permissions-policy", FEATURES);
        add("cross-origin-opener-policy", "same-origin");
        if config.embed_origins.is_empty() {
            add("x-frame-options", "DENY");
            add("cross-origin-resource-policy", "same-origin");
        }
        Self { fixed }
    }

    /// Sets them where an answer does not bring its own.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.fixed {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}
