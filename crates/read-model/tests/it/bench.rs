//! Figures, for `docs/performance.md`. Run with
//! `cargo test --release -p argosy-read-model --test it -- --ignored --nocapture bench`.

use super::{
    clients::ask,
    support::{Chain, accept, channel, fed, genesis, storage_bucket, upload},
};
use argosy_directory::{Genesis, Params};
use argosy_domain::{BagId, ChannelId};
use argosy_ledger::Block;
use argosy_read_model::{Feeder, Limits, ReadModel};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A network with so many channels, each with so many objects, all accepted.
pub(crate) fn large(channels: u64, objects: u64) -> (Chain, Vec<Block>) {
    let genesis =
        Genesis { params: Params { data_object_per_megabyte_fee: 0, ..genesis().params }, ..genesis() };
    let mut chain = Chain::new(genesis);
    let mut blocks = vec![
        chain.done(vec![("slead", storage_bucket(Some(1))), ("s1", super::support::accept_storage(1, 0))]),
    ];
    for number in 0..channels {
        let first = number * objects;
        let mut uploads = upload(first..first + objects);
        uploads.expected_data_size_fee = 0;
        blocks.push(chain.done(vec![
            ("ann", channel(0, uploads, &[0], &[])),
            ("t1", accept(1, 0, BagId::channel(ChannelId(number + 1)), first..first + objects)),
        ]));
    }
    (chain, blocks)
}

#[expect(clippy::print_stdout, reason = "figures are what it is for")]
fn timed<T>(what: &str, run: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = run();
    let took = begun.elapsed();
    println!("{what}: {took:.1?}");
    (done, took)
}

fn bags(channels: u64) -> Value {
    (1..=channels).map(|id| format!("dynamic:channel:{id}")).collect::<Vec<_>>().into()
}

/// The query of distributors at their start: all objects of a thousand bags.
const OBJECTS_OF_BAGS: &str = "query ($bagIds: [String!], $limit: Int) { storageBags(where: {id_in: $bagIds}, \
    limit: $limit) { id objects { id size ipfsHash type { ... on DataObjectTypeVideoSubtitle { subtitle { mimeType \
    __typename } __typename } __typename } __typename } __typename } }";
const PAGE_OF_OBJECTS: &str = "query ($bagIds: [String!], $after: String) { storageDataObjectsConnection(where: \
    {storageBag: {id_in: $bagIds}, isAccepted_eq: true}, first: 10000, after: $after, orderBy: id_ASC) { edges \
    { node { id } } pageInfo { startCursor endCursor hasNextPage } } }";

#[test]
#[ignore = "a benchmark"]
fn bench() {
    // More of them show what size costs; the queries stay those of a thousand bags.
    let all = std::env::var("ARGOSY_BENCH_CHANNELS").map_or(1_000, |text| text.parse().unwrap());
    let (channels, objects) = (1_000, 100);
    let (chain, blocks) = large(all, objects);
    let home = tempfile::tempdir().unwrap();
    let mut feeder = Feeder::open(home.path(), &chain.genesis).unwrap();
    let ((), took) = timed("feeding", || {
        for batch in blocks.chunks(64) {
            feeder.apply(batch).unwrap();
        }
    });
    let rows = feeder.rows_count().unwrap();
    println!("{rows} rows, {:.0} rows/s", f64::from(u32::try_from(rows).unwrap()) / took.as_secs_f64());
    let single = tempfile::tempdir().unwrap();
    let mut one_by_one = Feeder::open(single.path(), &chain.genesis).unwrap();
    timed("feeding block by block", || {
        for block in &blocks {
            one_by_one.apply(std::slice::from_ref(block)).unwrap();
        }
    });
    let model = ReadModel::new(&feeder, Limits::default()).unwrap();
    for _ in 0..3 {
        let variables = json!({ "bagIds": bags(channels), "limit": channels });
        let (answer, _) = timed("objects of 1 000 bags", || ask(&model, OBJECTS_OF_BAGS, variables));
        let found: usize = answer["data"]["storageBags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bag| bag["objects"].as_array().unwrap().len())
            .sum();
        assert_eq!(u64::try_from(found).unwrap(), channels * objects);
        let request =
            json!({ "query": OBJECTS_OF_BAGS, "variables": { "bagIds": bags(channels), "limit": channels } });
        let request = request.to_string();
        let (answer, _) = timed("the same, answer not decoded", || model.execute(request.as_bytes()));
        println!("{} bytes", answer.body.len());
    }
    let (pages, _) = timed("all pages of 10 000 objects in 1 000 bags", || {
        let (mut after, mut pages) = (Value::Null, 0);
        loop {
            let answer = ask(&model, PAGE_OF_OBJECTS, json!({ "bagIds": bags(channels), "after": after }));
            let page = &answer["data"]["storageDataObjectsConnection"];
            pages += 1;
            if page["pageInfo"]["hasNextPage"] == json!(false) {
                return pages;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    });
    println!("{pages} pages");
    let lookup = "query ($id: String!) { storageDataObjectByUniqueInput(where: {id: $id}) { id size storageBag \
        { storageBuckets { storageBucket { id operatorMetadata { nodeEndpoint } } } } } }";
    timed("1 000 look-ups of one object", || {
        for id in 0..1_000 {
            ask(&model, lookup, json!({ "id": id.to_string() }));
        }
    });
    drop(fed(single.path().join("again").as_path(), &chain.genesis, &blocks[..10]));
    time_refusals(&model);
    time_seeding(&chain, &blocks);
}

/// What an attacker gets for it: nothing, and soon.
#[expect(clippy::print_stdout, reason = "figures are what it is for")]
fn time_refusals(model: &ReadModel) {
    let aliases = |count: usize| {
        let field = |at: usize| format!("a{at}:storageBags{{id}} ");
        format!("{{{}}}", (0..count).map(field).collect::<String>())
    };
    let mut bomb = "{ storageBags { ...f0 } }".to_owned();
    for at in 0..40 {
        let next = at + 1;
        bomb.push_str(&format!(" fragment f{at} on StorageBag {{ ...f{next} a{at}: id ...f{next} }}"));
    }
    bomb.push_str(" fragment f40 on StorageBag { id }");
    let (open, close) = ("objects{storageBag{".repeat(1_500), "}}".repeat(1_500));
    let wide = format!("{{storageBags{{{}}}}}", "id ".repeat(20_000));
    for (what, query) in [
        ("10 000 aliases", aliases(10_000)),
        ("2 500 aliases, just short enough to be parsed", aliases(2_500)),
        ("3 000 levels", format!("{{storageBags{{{open}id{close}}}}}")),
        ("20 000 fields", wide),
        ("fragments that double 40 times", bomb),
    ] {
        let body = json!({ "query": query }).to_string();
        let begun = Instant::now();
        let answer = model.execute(body.as_bytes());
        let took = begun.elapsed();
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap();
        println!("refused: {what}: {} bytes, {took:.1?}, {code}", body.len());
    }
}

/// How long the rows of a state take, without its blocks.
#[expect(clippy::print_stdout, reason = "figures are what it is for")]
fn time_seeding(chain: &Chain, blocks: &[Block]) {
    let home = tempfile::tempdir().unwrap();
    let mut feeder = Feeder::open(home.path(), &chain.genesis).unwrap();
    let hash = blocks.last().unwrap().header.hash();
    let (seeded, took) = timed("seeding", || feeder.seed(&chain.genesis, &chain.state, hash, &|| false));
    seeded.unwrap();
    let rows = feeder.rows_count().unwrap();
    let bytes = std::fs::metadata(home.path().join("index.sqlite")).unwrap().len();
    println!(
        "{rows} rows, {:.0} rows/s, {bytes} bytes",
        f64::from(u32::try_from(rows).unwrap()) / took.as_secs_f64()
    );
}
