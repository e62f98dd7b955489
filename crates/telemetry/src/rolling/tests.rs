use super::*;
use flate2::read::GzDecoder;
use std::io::Read as _;
use time::{Date, Month};

fn plan(directory: &Path) -> FilePlan {
    FilePlan {
        directory: directory.to_owned(),
        prefix: "argus".to_owned(),
        frequency: Frequency::Hourly,
        max_bytes: 1024,
        max_files: 4,
        archive: true,
    }
}

fn at(hour: u8) -> OffsetDateTime {
    Date::from_calendar_date(2026, Month::November, 2).unwrap().with_hms(hour, 59, 59).unwrap().assume_utc()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A writer that has not looked at the clock yet.
fn rolling(plan: FilePlan) -> Rolling {
    Rolling { tidier: Tidier::new(plan.clone()), plan, open: None, lost: Arc::default() }
}

/// The file that is written, once all others are in order.
fn settled(rolling: &mut Rolling) -> PathBuf {
    rolling.tidier = Tidier::new(rolling.plan.clone());
    let current = &rolling.open.as_ref().unwrap().place;
    tidy::tidy(&rolling.plan, current).unwrap();
    rolling.plan.path(current)
}

#[test]
fn periods_are_named_as_argus_names_them() {
    for (frequency, period) in [
        (Frequency::Yearly, "2026"),
        (Frequency::Monthly, "2026-11"),
        (Frequency::Daily, "2026-11-02"),
        (Frequency::Hourly, "2026-11-02-07"),
    ] {
        assert_eq!(frequency.period(at(7)), period);
    }
}

#[test]
fn files_roll_by_the_clock_and_by_size_are_compressed_and_go() {
    let room = tempfile::tempdir().unwrap();
    fs::write(room.path().join("argus-notes.log"), "of somebody else").unwrap();
    let mut rolling = rolling(plan(room.path()));
    let line = format!("{}\n", "x".repeat(511));
    for hour in 1..=3 {
        for _ in 0..4 {
            rolling.write_line(line.as_bytes(), at(hour)).unwrap();
        }
    }
    let current = settled(&mut rolling);
    assert_eq!(current.file_name().unwrap(), "argus-2026-11-02-03.log.1");
    let expected = [
        "argus-2026-11-02-02.log.1.gz",
        "argus-2026-11-02-02.log.gz",
        "argus-2026-11-02-03.log.1",
        "argus-2026-11-02-03.log.gz",
        "argus-notes.log",
    ];
    assert_eq!(names(room.path()), expected);
    let mut text = String::new();
    let packed = File::open(room.path().join("argus-2026-11-02-02.log.gz")).unwrap();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    assert_eq!(text, line.repeat(2));
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let room = tempfile::tempdir().unwrap();
    let mut first = rolling(FilePlan { archive: false, ..plan(room.path()) });
    first.write_line(b"one\n", at(1)).unwrap();
    drop(first);
    let mut again = rolling(FilePlan { archive: false, ..plan(room.path()) });
    again.write_line(b"two\n", at(1)).unwrap();
    assert_eq!(fs::read_to_string(room.path().join("argus-2026-11-02-01.log")).unwrap(), "one\ntwo\n");
    again.write_line(&[b'x'; 2000], at(1)).unwrap();
    drop(again);
    // The newest is full: the next one is begun.
    let mut third = rolling(plan(room.path()));
    third.write_line(b"three\n", at(1)).unwrap();
    assert!(settled(&mut third).ends_with("argus-2026-11-02-01.log.1"));
    assert_eq!(names(room.path()), ["argus-2026-11-02-01.log.1", "argus-2026-11-02-01.log.gz"]);
}

#[test]
fn a_folder_that_goes_away_costs_lines_and_nothing_else() {
    let room = tempfile::tempdir().unwrap();
    let directory = room.path().join("logs");
    let mut rolling = Rolling::open(plan(&directory), Arc::default()).unwrap();
    drop(std::mem::replace(&mut rolling.tidier, Tidier::new(plan(&directory))));
    fs::remove_dir_all(&directory).unwrap();
    rolling.open = None;
    assert_eq!(rolling.write(b"lost\n").unwrap(), 5);
    assert_eq!(rolling.lost.load(Ordering::Relaxed), 1);
    fs::create_dir(&directory).unwrap();
    rolling.write_all(b"back\n").unwrap();
    let [name] = &names(&directory)[..] else { panic!() };
    assert_eq!(fs::read_to_string(directory.join(name)).unwrap(), "back\n");
}
