//! Where games perform: compositor, sound, input, sandbox.
