//! The schema as it is published.

use super::support::genesis;
use argosy_read_model::{Feeder, Limits, ReadModel};
use std::{env, fs, path::Path};

#[test]
fn the_schema_is_the_one_that_is_checked_in() {
    let home = tempfile::tempdir().unwrap();
    let feeder = Feeder::open(home.path(), &genesis()).unwrap();
    let sdl = ReadModel::new(&feeder, Limits::default()).unwrap().sdl();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    if env::var_os("ARGOSY_WRITE").is_some() {
        fs::write(&path, sdl).unwrap();
    } else {
        let kept = fs::read_to_string(&path).unwrap();
        assert!(kept == sdl, "schema.graphql is not the program's: run this test with ARGOSY_WRITE=1");
    }
}
