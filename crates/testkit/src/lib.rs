//! Network emulator, probes, synthetic scenes.
