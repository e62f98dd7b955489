//! What the fuzz targets and the generator of their seeds share.

pub mod memory;
pub mod world;
