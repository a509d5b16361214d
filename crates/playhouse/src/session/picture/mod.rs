//! From the stage's frame to access units: conversion on the stage's thread, encoding on a thread for each quality.
//!
//! A frame is never queued: between the threads there is one place for each encoder, and the newest picture wins.

mod camera;
mod encode;
mod mailbox;
mod pool;
mod sink;
mod studio;

pub(super) use camera::{Camera, Wish};
pub(super) use encode::{Kept, Outlet, encode};
pub(super) use sink::Sink;
