//! Calls of anybody, one after the other, in a small world.
#![no_main]

use argosy_fuzz::world::World;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    World::new().run(bytes);
});
