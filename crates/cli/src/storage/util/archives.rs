//! Which archives an object is in, by the track file that Colossus' archive mode writes.
//!
//! Source: `storage-node/src/services/archive/tracking.ts` of Colossus 4.5.0. A line is
//! `{"name":"…","dataObjectIds":["…"]}`.

use super::super::args::integers;
use crate::{
    failure::{Failure, Outcome},
    screen, text,
};
use argosy_domain::num::to_u64;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::PathBuf,
};

/// Longest line that is read, in bytes: some three million objects.
const MAX_LINE_BYTES: u64 = 32 * 1024 * 1024;

/// Searches for the archive file names given an archive trackfile and a list of data objects of interest.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  argosy storage util search-archives -f archives_trackfile.jsonl -o 1,2,3"
)]
pub(crate) struct SearchArgs {
    /// Path to the archive trackfile (jsonl)
    #[arg(
        short = 'f',
        long = "archiveTrackfile",
        alias = "archive-trackfile",
        value_name = "archiveTrackfile"
    )]
    file: PathBuf,
    /// Output as JSON
    #[arg(short, long)]
    json: bool,
    /// Output only the archive names
    #[arg(short, long = "nameOnly", alias = "name-only")]
    name_only: bool,
    /// List of the data object ids to look for (comma-separated)
    #[arg(short = 'o', long = "dataObjects", alias = "data-objects", value_name = "dataObjects")]
    objects: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Archive {
    name: String,
    data_object_ids: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Hit {
    name: String,
    found_objects: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    hits: Vec<Hit>,
    missing_objects: Vec<String>,
}

pub(super) fn run(args: &SearchArgs) -> Outcome<()> {
    let wanted: Vec<_> = integers(&args.objects)?.iter().map(ToString::to_string).collect();
    let unreadable = |error: io::Error| {
        Failure::usage_as("UNREADABLE_FILE", format!("cannot read {}: {error}", args.file.display()))
    };
    let file = File::open(&args.file).map_err(unreadable)?;
    let found = search(BufReader::new(file), &wanted).map_err(unreadable)?;
    let names: Vec<_> = found.hits.iter().map(|hit| text::line(&hit.name)).collect();
    match (args.json, args.name_only) {
        (true, true) => screen::say(&serde_json::to_string_pretty(&names).unwrap_or_default()),
        (true, false) => screen::say(&serde_json::to_string_pretty(&found).unwrap_or_default()),
        (false, true) => screen::say(&names.join("\n")),
        (false, false) => tell(&found, wanted.len()),
    }
    Ok(())
}

fn tell(found: &Found, wanted: usize) {
    screen::say("");
    let missing = found.missing_objects.len();
    if wanted > missing {
        let (objects, archives) = (wanted - missing, found.hits.len());
        screen::say(&format!("Found {objects} out of {wanted} objects in {archives} archive(s):"));
    }
    for Hit { name, found_objects } in &found.hits {
        let ids = text::line(&found_objects.join(", "));
        let name = text::line(name);
        screen::say(&format!("\n    {name}\n        {} objects\n        {ids}\n", found_objects.len()));
    }
    if missing > 0 {
        let ids = found.missing_objects.join(", ");
        screen::note(&format!(" ›   Warning: {missing} objects could not be found: {ids}"));
    }
    screen::say("");
}

/// Looks at each archive in turn. An object may be in several.
fn search(mut lines: impl BufRead, wanted: &[String]) -> io::Result<Found> {
    let mut found = Found { hits: Vec::new(), missing_objects: wanted.to_vec() };
    let mut line = String::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        number += 1;
        let read = (&mut lines).take(MAX_LINE_BYTES + 1).read_line(&mut line)?;
        if read == 0 {
            return Ok(found);
        }
        if to_u64(read) > MAX_LINE_BYTES {
            return Err(io::Error::other(format!("line {number} is too long")));
        }
        if line.trim().is_empty() {
            continue;
        }
        let archive: Archive = serde_json::from_str(line.trim())
            .map_err(|error| io::Error::other(format!("line {number} is not one of an archive: {error}")))?;
        let in_it = archive.data_object_ids.into_iter().filter(|id| wanted.contains(id));
        let found_objects: Vec<_> = in_it.collect();
        found.missing_objects.retain(|id| !found_objects.contains(id));
        if !found_objects.is_empty() {
            found.hits.push(Hit { name: archive.name, found_objects });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_in_every_archive_that_has_them() {
        let lines = "{\"name\":\"a.tar\",\"dataObjectIds\":[\"1\",\"2\"]}\n\n{\"name\":\"b.7z\",\"dataObjectIds\":[\"2\",\"3\"]}\n";
        let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let hit = |name: &str, found: &[&str]| Hit { name: name.to_owned(), found_objects: ids(found) };
        let found = search(lines.as_bytes(), &ids(&["2", "9", "1"])).unwrap();
        assert_eq!(found.hits, [hit("a.tar", &["1", "2"]), hit("b.7z", &["2"])]);
        assert_eq!(found.missing_objects, ["9"]);
        let error = search(&b"{\"name\":\"a\",\"dataObjectIds\":[]}\n{}\n"[..], &ids(&["1"])).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
