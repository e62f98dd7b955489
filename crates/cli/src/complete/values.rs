//! What the directory has, as words to complete. Silent and quick: somebody is typing.

use crate::{
    network::{self, DirectoryArgs},
    text,
};
use argosy_api::{
    DirectoryReader, Wanted,
    directory::{GroupName, OperatorView, WorkerView},
};
use argosy_domain::WorkingGroup;
use clap::{Args as _, Command, FromArgMatches as _};
use clap_complete::CompletionCandidate;
use std::{env, time::Duration};
use tokio::time::timeout;

/// Longest wait for the directory, for all that one word asks it.
const PATIENCE: Duration = Duration::from_millis(300);
/// Most words that are offered.
const MAX_WORDS: usize = 500;
/// Most characters of a description.
const MAX_HELP: usize = 40;
/// Groups whose workers operate buckets.
const OPERATING: [WorkingGroup; 2] = [WorkingGroup::Storage, WorkingGroup::Distribution];
/// Groups that the directory runs.
const GROUPS: [WorkingGroup; 3] =
    [WorkingGroup::Storage, WorkingGroup::Distribution, WorkingGroup::Attestation];

type Words = Vec<CompletionCandidate>;

/// Ids of storage buckets.
pub(crate) fn storage_buckets() -> Words {
    ask(async |reader| Some(storage_words(&reader).await?))
}

/// Ids of distribution buckets, `family:index`.
pub(crate) fn distribution_buckets() -> Words {
    ask(async |reader| Some(distribution_words(&reader).await?))
}

/// Ids of buckets of both kinds.
pub(crate) fn buckets() -> Words {
    ask(async |reader| {
        let mut words = storage_words(&reader).await?;
        words.extend(distribution_words(&reader).await?);
        Some(words)
    })
}

/// Ids of families of distribution buckets.
pub(crate) fn families() -> Words {
    ask(async |reader| {
        let page = reader.families(&Wanted::first(MAX_WORDS, None)).await.ok()?;
        let word = |family: &argosy_api::directory::FamilyView| {
            let region = family.metadata.as_ref().and_then(|metadata| metadata.get("region")?.as_str());
            word(&family.id.to_string(), region.unwrap_or("family"))
        };
        Some(page.items.iter().map(word).collect())
    })
}

/// Ids of workers of the storage group and of the distribution group, each number once.
pub(crate) fn workers() -> Words {
    ask(async |reader| {
        let mut words: Words = Vec::new();
        for group in OPERATING {
            for worker in workers_of(&reader, group).await? {
                let new = word(&worker.id.to_string(), &format!("{} {}", group.name(), about(&worker)));
                if words.iter().all(|old| old.get_value() != new.get_value()) {
                    words.push(new);
                }
            }
        }
        Some(words)
    })
}

/// Workers of all groups, `group:id`.
pub(crate) fn workers_of_groups() -> Words {
    ask(async |reader| {
        let mut words = Vec::new();
        for group in GROUPS {
            let workers = workers_of(&reader, group).await?;
            let name = |worker: &WorkerView| format!("{}:{}", group.name(), worker.id);
            words.extend(workers.iter().map(|worker| word(&name(worker), &about(worker))));
        }
        Some(words)
    })
}

/// Names of the working groups that the directory runs. Asks nobody.
pub(crate) fn groups() -> Words {
    GROUPS.iter().map(|group| CompletionCandidate::new(group.name())).collect()
}

/// Ids of bags, the first ones.
pub(crate) fn bags() -> Words {
    ask(async |reader| {
        let page = reader.bags(&Wanted::first(MAX_WORDS, None), None, None).await.ok()?;
        let word = |bag: &argosy_api::directory::BagView| {
            word(&bag.id.to_string(), &format!("{} objects", bag.objects_number))
        };
        Some(page.items.iter().map(word).collect())
    })
}

async fn storage_words(reader: &DirectoryReader) -> Option<Words> {
    let page = reader.storage_buckets(&Wanted::first(MAX_WORDS, None)).await.ok()?;
    let word = |bucket: &argosy_api::directory::StorageBucketView| {
        word(&bucket.id.to_string(), &operated("storage bucket", bucket.operator.as_slice()))
    };
    Some(page.items.iter().map(word).collect())
}

async fn distribution_words(reader: &DirectoryReader) -> Option<Words> {
    let page = reader.distribution_buckets(&Wanted::first(MAX_WORDS, None)).await.ok()?;
    let word = |bucket: &argosy_api::directory::DistributionBucketView| {
        word(&bucket.id.to_string(), &operated("distribution bucket", &bucket.operators))
    };
    Some(page.items.iter().map(word).collect())
}

async fn workers_of(reader: &DirectoryReader, group: WorkingGroup) -> Option<Vec<WorkerView>> {
    let page = reader.workers(GroupName(group), &Wanted::first(MAX_WORDS, None)).await.ok()?;
    Some(page.items)
}

fn operated(kind: &str, operators: &[OperatorView]) -> String {
    match operators.first() {
        Some(operator) => format!("{kind} of worker {}", operator.worker),
        None => format!("{kind} without operator"),
    }
}

fn about(worker: &WorkerView) -> String {
    let role = if worker.is_lead { "lead" } else { "worker" };
    format!("{role}, member {}", worker.member)
}

/// A word and what it stands for. Shells give descriptions a meaning of their own, so that only
/// letters, digits and blanks are left of what others wrote.
fn word(value: &str, help: &str) -> CompletionCandidate {
    let harmless = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | ',' | '-');
    let help: String = text::line(help).chars().filter(harmless).take(MAX_HELP).collect();
    CompletionCandidate::new(value).help(Some(help.into()))
}

/// Asks the directory, and gives nothing if it does not answer at once.
fn ask(question: impl AsyncFnOnce(DirectoryReader) -> Option<Words>) -> Words {
    let Some(directory) = directory() else { return Vec::new() };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let words = runtime.block_on(async {
        let reader = network::directory_client(&directory.url()).reader();
        timeout(PATIENCE, question(reader)).await
    });
    runtime.shutdown_background();
    words.ok().flatten().unwrap_or_default()
}

/// The directory that is meant, found as every command finds it; nothing if it cannot be one.
fn directory() -> Option<DirectoryArgs> {
    let named = directory_of(env::args().skip_while(|word| word != "--"));
    let words = named.map(|url| format!("--directory={url}"));
    let command = DirectoryArgs::augment_args(Command::new("argosy").no_binary_name(true));
    let matches = command.try_get_matches_from(words).ok()?;
    DirectoryArgs::from_arg_matches(&matches).ok()
}

/// The directory that the line names, if it does.
fn directory_of(line: impl Iterator<Item = String>) -> Option<String> {
    let mut line = line;
    while let Some(word) = line.next() {
        if word == "--directory" {
            return line.next();
        }
        if let Some(url) = word.strip_prefix("--directory=") {
            return Some(url.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_that_the_line_names_is_asked() {
        let of = |line: &str| directory_of(line.split(' ').map(str::to_owned));
        assert_eq!(of("-- argosy bag --directory http://a:1 show"), Some("http://a:1".into()));
        assert_eq!(of("-- argosy --directory=http://b:2 bag show"), Some("http://b:2".into()));
        assert_eq!(of("-- argosy bag show --directory"), None);
        assert_eq!(of("-- argosy bag show"), None);
    }

    #[test]
    fn descriptions_mean_nothing_to_a_shell() {
        let candidate = word("0:1", "Nordics $(rm -rf) `x`:\u{1b}[2J;\"'\\");
        assert_eq!(candidate.get_help().unwrap().to_string(), "Nordics rm -rf x2J");
    }
}
