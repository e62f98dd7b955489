//! Against a fake disk.
