//! Records and blobs of one machine.
