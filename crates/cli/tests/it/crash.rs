//! kill -9, and a lost disk.

use crate::{
    http, media,
    network::{Network, argosy, asset, objects, status, text, wait_until},
};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

const KILLS: u64 = 25;

#[test]
fn every_object_whose_put_returned_survives_kill_9_at_random_moments() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let draws = media::noise(seed, usize::try_from(KILLS).unwrap() * 8);
    let mut kept: Vec<(Value, u64, usize)> = Vec::new();
    for (round, draw) in (0..KILLS).zip(draws.chunks_exact(8)) {
        let network = Network::up(&data);
        check_all(&network, &kept);
        // However long it takes: on a slow machine the others may all be killed.
        if round % 2 == 0 {
            let file = media::noise_file(folder.path(), "kept", seed + round, 100_000);
            kept.push((network.put(&[&file]).remove(0), seed + round, 100_000));
        }
        let draw = u64::from_le_bytes(draw.try_into().unwrap());
        put_until_killed(network, folder.path(), seed ^ round, draw, &mut kept);
        let report = argosy()
            .args(["directory", "verify", "--json", "--config"])
            .arg(data.join("directory/directory.yml"))
            .output()
            .unwrap();
        assert!(report.status.success(), "round {round}: {}", String::from_utf8_lossy(&report.stderr));
    }
    // Until no block is made between the last look and the end.
    wait_until("the last block was looked at", || {
        let network = Network::up(&data);
        check_all(&network, &kept);
        let before = status(&network.directory());
        network.stop("INT");
        let report = argosy()
            .args(["directory", "verify", "--json", "--config"])
            .arg(data.join("directory/directory.yml"))
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&report.stdout).unwrap();
        assert!(
            report["height"].as_u64() >= before["height"].as_u64() && report["height"].as_u64() > Some(0)
        );
        let is_last = report["height"] == before["height"];
        assert!(
            !is_last || report["stateRoot"] == before["stateRoot"],
            "the root replayed from genesis is the one that was served"
        );
        is_last
    });
    assert!(
        kept.len() >= 10,
        "only {} puts returned: the kills came too early to prove anything",
        kept.len()
    );
    assert_no_temporary_files(&data);
}

/// Puts one file after the other, reading earlier ones meanwhile, until the moment has come.
fn put_until_killed(
    network: Network,
    folder: &Path,
    seed: u64,
    draw: u64,
    kept: &mut Vec<(Value, u64, usize)>,
) {
    let until = Instant::now() + Duration::from_millis(100 + draw % 1500);
    let mut count = 0;
    loop {
        let seed = seed.wrapping_mul(1000) + count;
        let length = usize::try_from(1 + seed.wrapping_mul(draw) % 2_000_000).unwrap();
        let file = media::noise_file(folder, "noise", seed, length);
        let mut put = network
            .command(&["put", "--json", file.to_str().unwrap()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        if let Some((object, _, _)) = kept.last() {
            let _ = http::get(&asset(&network.distributors()[0], object), Some("bytes=0-99"));
        }
        let mut running = true;
        while running && Instant::now() < until {
            running = put.try_wait().unwrap().is_none();
            std::thread::yield_now();
        }
        if Instant::now() >= until {
            network.kill();
            let output = put.wait_with_output().unwrap();
            if output.status.success() {
                kept.push((objects(&output.stdout)[0].clone(), seed, length));
            }
            return;
        }
        let output = put.wait_with_output().unwrap();
        assert!(output.status.success(), "put failed although nothing was killed");
        kept.push((objects(&output.stdout)[0].clone(), seed, length));
        count += 1;
    }
}

/// Every kept object is there, from every distributor's point of view.
fn check_all(network: &Network, kept: &[(Value, u64, usize)]) {
    for (at, (object, seed, length)) in kept.iter().enumerate() {
        let distributors = network.distributors();
        let endpoint = &distributors[at % distributors.len()];
        wait_until("the distributor has caught up", || {
            http::request("HEAD", &asset(endpoint, object), &[]).is_ok_and(|answer| answer.status == 200)
        });
        let answer = http::get(&asset(endpoint, object), None).unwrap();
        assert!(answer.body == media::noise(*seed, *length), "object {} is damaged", text(&object["id"]));
    }
}

fn assert_no_temporary_files(data: &Path) {
    let mut folders = vec![data.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(data).unwrap().to_string_lossy().into_owned();
            let temporary =
                name.ends_with(".tmp") || name.split('/').any(|part| part == "tmp" || part == "quarantine");
            assert!(!temporary, "{name} was left behind");
        }
    }
}

#[test]
fn an_object_survives_the_loss_of_its_first_holder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let network = Network::up(&data);
    let file = media::noise_file(folder.path(), "noise", 21, 4_000_000);
    let object = network.put(&[&file])[0].clone();
    let view = http::get(&format!("{}/api/v1/objects/{}", network.directory(), text(&object["id"])), None)
        .unwrap()
        .json();
    let holder = text(&view["accepted"]["bucket"]);
    network.kill();
    fs::remove_dir_all(data.join(format!("storage-{holder}/store"))).unwrap();
    let network = Network::up(&data);
    for endpoint in network.distributors() {
        let answer = http::get(&asset(&endpoint, &object), None).unwrap();
        assert!(answer.status == 200 && answer.body == fs::read(&file).unwrap());
    }
    // The node that lost its disk gets it back by itself.
    let storage = &network.storage()[holder.parse::<usize>().unwrap()];
    wait_until("the lost copy is back", || {
        http::get(&format!("{storage}/api/v1/files/{}", text(&object["id"])), None)
            .is_ok_and(|answer| answer.status == 200 && answer.body == fs::read(&file).unwrap())
    });
}
