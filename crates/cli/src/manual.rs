//! `argosy man`: a page for every command.

use crate::{
    failure::{Failure, Outcome},
    screen,
};
use clap::Command;
use clap_mangen::Man;
use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Write a man page for every command into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy man --out /usr/local/share/man/man1
  argosy man --out man && man -l man/argosy-bags-show.1")]
pub(crate) struct ManArgs {
    /// Folder for the pages; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(args: &ManArgs, command: Command) -> Outcome<ExitCode> {
    let count = write_all(command, &args.out).map_err(|error| {
        Failure::refused("NOT_WRITTEN", format!("cannot write into {}: {error}", args.out.display()))
    })?;
    screen::note(&format!("{count} pages are in {}", args.out.display()));
    Ok(ExitCode::SUCCESS)
}

fn write_all(command: Command, folder: &Path) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    let pages = pages(command)?;
    for (name, page) in &pages {
        fs::write(folder.join(name), page)?;
    }
    Ok(pages.len())
}

/// The name and the text of each page, those of inner commands first.
fn pages(command: Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add(&command, &mut pages)?;
    Ok(pages)
}

fn add(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        add(inner, pages)?;
    }
    let man =
        Man::new(command.clone()).manual("Argosy").source(concat!("argosy ", env!("CARGO_PKG_VERSION")));
    pages.push((man.get_filename(), page(&man, command)?));
    Ok(())
}

/// A page like that of `clap_mangen`, but with examples line by line under their own head.
fn page(man: &Man, command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(help) = command.get_after_help() {
        page.extend_from_slice(notes(&help.to_string()).as_bytes());
    }
    writeln!(page, ".SH SEE ALSO\nargosy(1)")?;
    Ok(page)
}

/// Examples, and what else stands below the help, as they are set there.
fn notes(help: &str) -> String {
    let mut notes = String::new();
    for part in help.split("\n\n") {
        let (head, body) = match part.split_once('\n') {
            Some((first, rest)) if first.starts_with("Example") => ("EXAMPLES", rest),
            Some(_) | None => ("NOTES", part),
        };
        notes.push_str(&format!(".SH {head}\n.nf\n"));
        for line in body.lines() {
            notes.push_str(&escaped(line));
            notes.push('\n');
        }
        notes.push_str(".fi\n");
    }
    notes
}

/// A line that roff sets as it stands.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga");
    // A point or an apostrophe at the beginning of a line is a command.
    format!("\\&{line}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn all() -> Vec<(String, String)> {
        let text = |(name, page): (String, Vec<u8>)| (name, String::from_utf8(page).unwrap());
        pages(crate::Cli::command()).unwrap().into_iter().map(text).collect()
    }

    #[test]
    fn every_command_has_a_page_with_its_examples() {
        fn count(command: &Command) -> usize {
            1 + command.get_subcommands().map(count).sum::<usize>()
        }
        let pages = all();
        assert_eq!(pages.len(), count(&crate::Cli::command()));
        for (name, page) in &pages {
            assert!(page.starts_with(".ie") || page.contains(".TH"), "{name}: {page}");
            for head in [".SH NAME", ".SH SYNOPSIS"] {
                assert!(page.contains(head), "{name} has no {head}");
            }
        }
        let (_, page) = pages.iter().find(|(name, _)| name == "argosy-bags-show.1").unwrap();
        assert!(page.contains(".SH EXAMPLES\n.nf\n\\&  argosy bag show dynamic:channel:1\n"), "{page}");
    }

    #[test]
    fn roff_takes_nothing_for_a_command() {
        assert_eq!(escaped(".SH x"), "\\&.SH x");
        assert_eq!(escaped("'a' \\ -b"), "\\&\\(aqa\\(aq \\e \\-b");
        let notes = notes("Example:\n  argosy up\n\nIt stays.");
        assert_eq!(notes, ".SH EXAMPLES\n.nf\n\\&  argosy up\n.fi\n.SH NOTES\n.nf\n\\&It stays.\n.fi\n");
    }
}
