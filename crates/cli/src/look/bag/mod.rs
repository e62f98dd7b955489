//! `argosy bags show`: who holds and who serves each object of a bag, and since when.

mod check;
mod drawing;
mod matrix;
mod since;

use super::{
    Look, answer,
    format::{Fact, NONE, age, facts, ids, maybe, on, operator, yes},
    list::{Bounds, Sheet, gather},
};
use crate::{calendar, complete, failure::Outcome, screen, text};
use argosy_api::{
    Wanted,
    directory::{BagView, ChannelView, DistributionBucketView, MemberView, ObjectView, StorageBucketView},
};
use argosy_domain::{BagId, DataObjectId, DynamicBagId, MemberId};
use clap_complete::ArgValueCandidates;
use drawing::{Style, draw};
use matrix::{Matrix, Sites};
use serde::Serialize;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Columns of a drawing that goes into a pipe or file, and of a terminal that does not tell.
const USUAL_WIDTH: usize = 80;

/// Show one bag, and draw who holds and who serves each of its objects
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy bag show dynamic:channel:1
  argosy bag show dynamic:channel:1 --check
  argosy bag show dynamic:channel:1 --from 1000 --limit 20 --ascii

The directory says who claims to hold an object, and the GraphQL index since when. With --check the
nodes are asked themselves; the exit code is 1 if one that claims to hold an object does not.")]
pub(crate) struct Show {
    /// Bag, such as dynamic:channel:1
    #[arg(value_name = "BAG", add = ArgValueCandidates::new(complete::bags))]
    id: BagId,
    /// Ask the storage nodes and distributors what they have
    #[arg(long)]
    check: bool,
    /// Draw with plain characters, as in a locale without UTF-8
    #[arg(long)]
    ascii: bool,
    #[command(flatten)]
    bounds: Bounds<DataObjectId>,
}

/// A bag and all that belongs to it.
#[derive(Debug)]
pub(super) struct Bag {
    pub(super) view: BagView,
    pub(super) channel: Option<ChannelView>,
    pub(super) member: Option<MemberView>,
    pub(super) storage: Vec<StorageBucketView>,
    pub(super) distribution: Vec<DistributionBucketView>,
    pub(super) objects: Vec<ObjectView>,
    pub(super) next: Option<String>,
}

pub(super) async fn show(look: &Look, args: Show) -> Outcome<ExitCode> {
    let bag = read(look, &args).await?;
    let sites = Sites::of(&bag);
    let since = since::read(look, &bag).await;
    if let Err(why) = &since {
        screen::note(&format!("since when is not known: {}", text::line(why)));
    }
    let mut matrix = Matrix::new(&bag, &sites, &since.unwrap_or_default());
    if args.check {
        check::ask_all(look, &sites, &mut matrix).await;
    }
    if look.json {
        screen::json(&to_json(&bag, &matrix));
    } else {
        screen::say(&header(&bag));
        if !matrix.columns.is_empty() {
            screen::say("");
            bucket_sheet(&bag, &matrix, look.now_ms).print();
        }
        if !matrix.rows.is_empty() && !matrix.columns.is_empty() {
            let style = Style {
                unicode: !args.ascii && screen::has_unicode(),
                colours: screen::colours(),
                width: screen::width().unwrap_or(USUAL_WIDTH),
                checked: args.check,
                now_ms: look.now_ms,
            };
            screen::say("");
            screen::say(&draw(&matrix, &style));
        }
    }
    look.tell_more("objects", bag.next.as_deref());
    Ok(if matrix.is_contradicted() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

async fn read(look: &Look, args: &Show) -> Outcome<Bag> {
    let directory = &look.network.directory;
    let id = args.id;
    let thing = format!("bag {id}");
    let view = answer(&thing, directory.bag(&id).await)?;
    let ask = async |wanted: Wanted<DataObjectId>| look.reader.objects(&id, &wanted).await;
    let found = gather(&thing, args.bounds.limit(), args.bounds.from(), None, ask).await?;
    let mut storage = Vec::with_capacity(view.storage_buckets.len());
    for bucket in &view.storage_buckets {
        storage.push(answer(&thing, look.reader.storage_bucket(*bucket).await)?);
    }
    let mut distribution = Vec::with_capacity(view.distribution_buckets.len());
    for bucket in &view.distribution_buckets {
        distribution.push(answer(&thing, look.reader.distribution_bucket(*bucket).await)?);
    }
    let (channel, owner) = match id {
        BagId::Static(_) => (None, None),
        BagId::Dynamic(DynamicBagId::Member(member)) => (None, Some(member)),
        BagId::Dynamic(DynamicBagId::Channel(channel)) => {
            let channel = answer(&thing, directory.channel(channel).await)?;
            let owner = channel.owner;
            (Some(channel), Some(owner))
        }
    };
    let member = match owner {
        Some(MemberId(owner)) => Some(answer(&thing, directory.member(&owner.to_string()).await)?),
        None => None,
    };
    Ok(Bag { view, channel, member, storage, distribution, objects: found.items, next: found.next })
}

pub(super) fn header(bag: &Bag) -> String {
    let view = &bag.view;
    let owner = match (&bag.member, view.id) {
        (Some(member), _) => format!("member {} ({})", member.id, text::line(&member.handle)),
        (None, BagId::Static(id)) => BagId::Static(id).to_string(),
        (None, BagId::Dynamic(_)) => "unknown".to_owned(),
    };
    let mut lines: Vec<Fact> = vec![("bag", view.id.to_string()), ("owner", owner)];
    let collaborators = bag.channel.as_ref().map(|channel| channel.collaborators.as_slice());
    if let Some(collaborators) = collaborators.filter(|list| !list.is_empty()) {
        lines.push(("collaborators", format!("members {}", ids(collaborators))));
    }
    lines.extend([
        ("private", yes(view.private)),
        ("objects", format!("{}, {}", view.objects_number, text::bytes(view.objects_total_size))),
        ("storage buckets", ids(&view.storage_buckets)),
        ("distribution buckets", ids(&view.distribution_buckets)),
    ]);
    facts(&lines)
}

/// The buckets under each other: who operates them, and since when the bag is theirs.
fn bucket_sheet(bag: &Bag, matrix: &Matrix, now_ms: u64) -> Sheet {
    let assigned = |name: &str| {
        let column = matrix.columns.iter().find(|column| column.name == name);
        column.and_then(|column| column.assigned_ms)
    };
    let times = |name: &str| {
        let known = assigned(name);
        let date = known.map_or_else(|| NONE.to_owned(), calendar::utc);
        [date, maybe(known.map(|time_ms| age(time_ms, now_ms)))]
    };
    let mut rows = Vec::new();
    for bucket in &bag.storage {
        let name = bucket.id.to_string();
        let [date, age] = times(&name);
        let who = bucket.operator.as_ref().map_or_else(|| "none".to_owned(), operator);
        rows.push(vec!["storage".to_owned(), name, who, NONE.to_owned(), age, date]);
    }
    for bucket in &bag.distribution {
        let name = bucket.id.to_string();
        let [date, age] = times(&name);
        let who: Vec<_> = bucket.operators.iter().map(operator).collect();
        let who = if who.is_empty() { "none".to_owned() } else { who.join("; ") };
        rows.push(vec!["distribution".to_owned(), name, who, on(bucket.distributing), age, date]);
    }
    let head = &["kind", "bucket", "operator", "mode", "has the bag since", "time (UTC)"];
    Sheet { head, dispensable: &["time (UTC)"], rows }
}

/// What scripts get: the directory's own objects, and beside each data object who has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    bag: &'a BagView,
    channel: Option<&'a ChannelView>,
    member: Option<&'a MemberView>,
    storage_buckets: &'a [StorageBucketView],
    distribution_buckets: &'a [DistributionBucketView],
    assigned_ms: Value,
    objects: Vec<Value>,
    next: Option<&'a str>,
}

fn to_json<'a>(bag: &'a Bag, matrix: &'a Matrix) -> Shown<'a> {
    let assigned = matrix.columns.iter().map(|column| (column.name.clone(), json!(column.assigned_ms)));
    let cells = |row: &matrix::Row, distribution: bool| -> Vec<Value> {
        let both = matrix.columns.iter().zip(&row.cells);
        both.filter(|(column, _)| column.is_distribution == distribution)
            .map(|(column, cell)| {
                json!({"bucket": column.name, "state": cell.mark.name(), "sinceMs": cell.since_ms,
                       "answer": cell.answer.map(check::Answer::name)})
            })
            .collect()
    };
    let object = |(view, row): (&ObjectView, &matrix::Row)| json!({"object": view, "storage": cells(row, false), "distribution": cells(row, true)});
    Shown {
        bag: &bag.view,
        channel: bag.channel.as_ref(),
        member: bag.member.as_ref(),
        storage_buckets: &bag.storage,
        distribution_buckets: &bag.distribution,
        assigned_ms: Value::Object(assigned.collect()),
        objects: bag.objects.iter().zip(&matrix.rows).map(object).collect(),
        next: bag.next.as_deref(),
    }
}
