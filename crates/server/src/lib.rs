//! HTTP API, sign-in, permissions, web pages.
