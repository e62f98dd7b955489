//! The user's manual shows what happens: every block with a `$` in it is run.

use crate::{
    http,
    network::{Network, text, wait_until},
    stage::Stage,
    transcript,
};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// Pages that are about a network of `argosy up`, in the order in which they are run.
const PAGES: [(&str, &str); 5] = [
    ("cli.md", include_str!("../../../../docs/cli.md")),
    ("cli/looking.md", include_str!("../../../../docs/cli/looking.md")),
    ("private-bags.md", include_str!("../../../../docs/private-bags.md")),
    ("config.md", include_str!("../../../../docs/config.md")),
    ("keys.md", include_str!("../../../../docs/keys.md")),
];
/// The page about people, who need a council of several.
const PEOPLE: &str = include_str!("../../../../docs/groups-and-council.md");

/// The folder with the program under each of its names.
fn programs(folder: &Path) -> PathBuf {
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    for name in ["argosy", "joystream-distributor", "storage-node"] {
        symlink(env!("CARGO_BIN_EXE_argosy"), bin.join(name)).unwrap();
    }
    bin
}

#[test]
fn the_manual_of_the_command_line_is_true() {
    let folder = tempfile::tempdir().unwrap();
    let (home, bin) = (folder.path().join("home"), programs(folder.path()));
    fs::create_dir(&home).unwrap();
    fs::write(home.join("talk.mp4"), vec![0; 300_000]).unwrap();
    fs::write(home.join("cover.png"), "cover\n").unwrap();
    let network = Network::up(&home.join("argosy-data"));
    let node = text(&network.ready["distributors"][0]["operator_endpoint"]);
    let environment = [("ARGOSY_DIRECTORY", network.directory()), ("NODE", node)];
    for (name, page) in PAGES {
        transcript::run(name, page, &home, &bin, &environment);
    }
    network.stop("TERM");
}

#[test]
fn the_page_about_groups_and_council_is_true() {
    let stage = Stage::open().with_channels(8);
    let environment = [("ARGOSY_DIRECTORY", stage.url.clone())];
    for name in ["talk.mp4", "cover.png", "cover2.png"] {
        fs::write(stage.home().join(name), name).unwrap();
    }
    wait_until("channel 8 is there", || {
        http::get(&format!("{}/api/v1/channels/8", stage.url), None).is_ok_and(|answer| answer.status == 200)
    });
    transcript::run("groups-and-council.md", PEOPLE, &stage.home(), &stage.bin(), &environment);
}
