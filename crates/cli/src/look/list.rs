//! Lists: gathered part by part, filtered, and printed.

use super::{Look, format, format::Fact};
use crate::{
    failure::{Failure, Outcome},
    screen, text,
};
use argosy_api::{ClientError, Listed, Page, Wanted};
use serde::Serialize;
use std::str::FromStr;

/// Most rows that a command prints.
const MAX_ROWS: i64 = 10_000;
/// Parts that are asked for at once with a filter, of which little may be left.
const FILTERED_PART: usize = 1_000;
/// Most parts that are looked through for one command.
const MAX_PARTS: u32 = 1_000;

/// Which part of a list is wanted.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Bounds<K>
where
    K: FromStr + Clone + Send + Sync + 'static,
    K::Err: Into<Box<dyn std::error::Error + Send + Sync + 'static>>,
{
    /// Most rows
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=MAX_ROWS))]
    limit: u32,
    /// Where to go on, as an earlier list said
    #[arg(long, value_name = "ID")]
    from: Option<K>,
}

impl<K> Bounds<K>
where
    K: FromStr + Clone + Send + Sync + 'static,
    K::Err: Into<Box<dyn std::error::Error + Send + Sync + 'static>>,
{
    pub(super) fn limit(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }

    pub(super) fn from(&self) -> Option<K> {
        self.from.clone()
    }
}

/// What was found, and where it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
}

impl<T> Found<T> {
    /// A list that the node tells whole: the first `limit`.
    pub(super) const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// Elements from a key on that pass a filter, up to `limit`, over as many parts as that takes.
pub(super) async fn gather<T: Listed>(
    thing: &str,
    limit: usize,
    from: Option<T::Key>,
    filter: Option<&dyn Fn(&T) -> bool>,
    ask: impl AsyncFn(Wanted<T::Key>) -> Result<Page<T>, ClientError>,
) -> Outcome<Found<T>> {
    let mut items = Vec::new();
    let mut from = from;
    for _ in 0..MAX_PARTS {
        let open = limit - items.len();
        let asked = if filter.is_some() { FILTERED_PART } else { open };
        let page = ask(Wanted::first(asked, from.take())).await;
        let Page { items: part, next } = page.map_err(|error| Failure::directory(thing, &error))?;
        for item in part {
            if filter.is_some_and(|passes| !passes(&item)) {
                continue;
            }
            if items.len() == limit {
                return Ok(Found { next: item.key().map(|key| key.to_string()), items });
            }
            items.push(item);
        }
        match next {
            Some(next) if items.len() < limit => from = Some(next),
            next => return Ok(Found { items, next: next.map(|next| next.to_string()) }),
        }
    }
    Ok(Found { items, next: from.map(|key| key.to_string()) })
}

/// A filter, if any was given: without one, no more is asked for than is wanted.
pub(super) fn only_if<T>(is_given: bool, passes: &dyn Fn(&T) -> bool) -> Option<&dyn Fn(&T) -> bool> {
    is_given.then_some(passes)
}

/// The one element of a list with this key.
pub(super) async fn one<T: Listed>(
    thing: &str,
    key: T::Key,
    ask: impl AsyncFn(Wanted<T::Key>) -> Result<Page<T>, ClientError>,
) -> Outcome<T> {
    let found = gather(thing, 1, Some(key.clone()), None, ask).await?;
    let item = found.items.into_iter().next().filter(|item| item.key().as_ref() == Some(&key));
    item.ok_or_else(|| Failure::refused("NOT_FOUND", format!("the directory has no {thing}")))
}

/// Columns and rows for people.
pub(super) struct Sheet {
    pub(super) head: &'static [&'static str],
    /// Columns that a narrow terminal does without, the first first.
    pub(super) dispensable: &'static [&'static str],
    pub(super) rows: Vec<Vec<String>>,
}

impl Sheet {
    pub(super) fn new<T>(
        head: &'static [&'static str],
        dispensable: &'static [&'static str],
        items: &[T],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Self {
        Self { head, dispensable, rows: items.iter().map(row).collect() }
    }

    pub(super) fn print(self) {
        if !self.rows.is_empty() {
            screen::say(&screen::table(self.head, self.rows, self.dispensable));
        }
    }

    /// As it looks on a terminal of 80 columns.
    #[cfg(test)]
    pub(super) fn at_80(&self) -> String {
        screen::table_of(self.head, &self.rows, self.dispensable, 80)
    }
}

impl Look {
    /// Prints a list in the way that was asked for.
    pub(super) fn print<T: Serialize>(&self, things: &str, found: &Found<T>, sheet: impl Fn(&[T]) -> Sheet) {
        if self.json {
            screen::json(&found.items);
        } else {
            sheet(&found.items).print();
        }
        if found.items.is_empty() {
            screen::note(&format!("no {things}"));
        }
        self.tell_more(things, found.next.as_deref());
    }

    /// Says how a list goes on.
    pub(super) fn tell_more(&self, things: &str, next: Option<&str>) {
        if let Some(next) = next {
            let next = text::line(next);
            screen::note(&format!("there are more {things}: go on with --from {next}, or raise --limit"));
        }
    }

    /// Prints one thing in the way that was asked for.
    pub(super) fn print_one<T: Serialize>(&self, view: &T, facts: impl Fn(&T) -> Vec<Fact>) {
        if self.json {
            screen::json(view);
        } else {
            screen::say(&format::facts(&facts(view)));
        }
    }
}

/// A filter, `yes` or `no`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum YesNo {
    Yes,
    No,
}

impl YesNo {
    pub(super) fn fits(wanted: Option<Self>, is_so: bool) -> bool {
        wanted.is_none_or(|wanted| (wanted == Self::Yes) == is_so)
    }
}

/// A filter, `on` or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OnOff {
    On,
    Off,
}

impl OnOff {
    pub(super) fn fits(wanted: Option<Self>, is_on: bool) -> bool {
        wanted.is_none_or(|wanted| (wanted == Self::On) == is_on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_api::directory::FamilyView;
    use argosy_domain::FamilyId;
    use std::cell::Cell;

    /// A node with families 0 to 9 that gives at most three at once.
    fn families(wanted: Wanted<FamilyId>, asked: &Cell<u32>) -> Page<FamilyView> {
        asked.set(asked.get() + 1);
        let from = wanted.from.map_or(0, |id| id.0);
        let most = wanted.limit.map_or(3, |limit| u64::from(limit.get()).min(3));
        let end = (from + most).min(10);
        let family = |id| FamilyView { id: FamilyId(id), buckets: Vec::new(), metadata: None };
        Page { items: (from..end).map(family).collect(), next: (end < 10).then_some(FamilyId(end)) }
    }

    async fn found(
        limit: usize,
        from: u64,
        filter: Option<&dyn Fn(&FamilyView) -> bool>,
    ) -> (Vec<u64>, Option<String>) {
        let asked = Cell::new(0);
        let ask = async |wanted| Ok(families(wanted, &asked));
        let found = gather("families", limit, Some(FamilyId(from)), filter, ask).await.unwrap();
        assert!(asked.get() <= 4, "{}", asked.get());
        (found.items.iter().map(|family| family.id.0).collect(), found.next)
    }

    #[tokio::test]
    async fn lists_are_gathered_over_parts_and_say_where_they_go_on() {
        assert_eq!(found(100, 0, None).await, ((0..10).collect(), None));
        assert_eq!(found(4, 0, None).await, (vec![0, 1, 2, 3], Some("4".into())));
        assert_eq!(found(2, 8, None).await, (vec![8, 9], None));
        let even = |family: &FamilyView| family.id.0.is_multiple_of(2);
        assert_eq!(found(2, 1, Some(&even)).await, (vec![2, 4], Some("6".into())));
        assert_eq!(found(5, 0, Some(&even)).await, (vec![0, 2, 4, 6, 8], Some("9".into())));
    }

    #[tokio::test]
    async fn a_thing_that_is_not_there_is_not_its_neighbour() {
        let asked = Cell::new(0);
        let ask = async |wanted| Ok(families(wanted, &asked));
        assert_eq!(one("family 7", FamilyId(7), ask).await.unwrap().id, FamilyId(7));
        let failure = one("family 70", FamilyId(70), ask).await.unwrap_err();
        assert_eq!(failure.to_string(), "the directory has no family 70 (NOT_FOUND)");
    }
}
