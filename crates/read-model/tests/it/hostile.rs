//! Queries that are meant to hurt: each gets a clean answer with a code, and costs little.

use super::{
    bench::large,
    clients::data,
    support::{fed, filled},
};
use argosy_read_model::{Answer, Fate, Limits, MAX_BODY_BYTES, ReadModel};
use serde_json::{Value, json};
use std::{fmt::Write as _, time::Duration};

fn with_model(limits: Limits, test: impl FnOnce(&ReadModel)) {
    let (chain, blocks) = filled();
    let home = tempfile::tempdir().unwrap();
    let feeder = fed(home.path(), &chain.genesis, &blocks);
    test(&ReadModel::new(&feeder, limits).unwrap());
}

fn send(model: &ReadModel, query: &str, variables: Value) -> Answer {
    model.execute(json!({ "query": query, "variables": variables }).to_string().as_bytes())
}

/// The code of the first error, and what became of the request.
fn refusal(answer: &Answer) -> (String, Fate) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["data"], Value::Null, "{body}");
    let error = &body["errors"][0];
    assert!(error["message"].as_str().unwrap().len() > 10, "{body}");
    (error["extensions"]["code"].as_str().unwrap_or("none").to_owned(), answer.fate)
}

fn code(model: &ReadModel, query: &str, variables: Value) -> String {
    refusal(&send(model, query, variables)).0
}

#[test]
fn deep_wide_and_endless_queries_are_refused() {
    with_model(Limits::default(), |model| {
        let deep = |levels: usize| {
            let (open, close) = ("objects { storageBag { ".repeat(levels), " } }".repeat(levels));
            format!("{{ storageBags {{ {open}id{close} }} }}")
        };
        assert_eq!(code(model, &deep(100), json!({})), "QUERY_TOO_DEEP");
        assert_eq!(code(model, &deep(7), json!({})), "QUERY_TOO_DEEP");
        // Not too deep, and yet every bag is written as often as there are ways to it.
        assert_eq!(code(model, &deep(6), json!({})), "RESULT_TOO_LARGE");
        assert!(data(model, &deep(2)).is_object());
        assert_eq!(code(model, &"{".repeat(60_000), json!({})), "QUERY_TOO_DEEP");
        assert_eq!(code(model, &"{".repeat(70_000), json!({})), "QUERY_TOO_LONG");
        let aliases = |count: usize| {
            (0..count).fold("{".to_owned(), |mut all, at| {
                write!(all, " a{at}: storageBags {{ id }}").unwrap();
                all
            }) + " }"
        };
        assert_eq!(code(model, &aliases(10_000), json!({})), "QUERY_TOO_LONG");
        assert_eq!(code(model, &aliases(1_500), json!({})), "QUERY_TOO_COMPLEX");
        assert_eq!(code(model, &aliases(51), json!({})), "QUERY_TOO_COMPLEX");
        assert_eq!(data(model, &aliases(50)).as_object().unwrap().len(), 50);
    });
}

#[test]
fn fragments_that_multiply_or_go_round_are_refused() {
    with_model(Limits::default(), |model| {
        let mut bomb = "{ storageBags { ...f0 } }".to_owned();
        for at in 0..40 {
            let next = at + 1;
            write!(bomb, " fragment f{at} on StorageBag {{ ...f{next} a{at}: id ...f{next} }}").unwrap();
        }
        bomb.push_str(" fragment f40 on StorageBag { id }");
        assert_eq!(code(model, &bomb, json!({})), "QUERY_TOO_COMPLEX");
        let round =
            "{ storageBags { ...a } } fragment a on StorageBag { ...b } fragment b on StorageBag { ...a }";
        assert_eq!(code(model, round, json!({})), "INVALID_QUERY");
    });
}

#[test]
fn lists_filters_and_pages_have_limits() {
    with_model(Limits::default(), |model| {
        let query = "query ($ids: [String!]) { storageDataObjects(where: {id_in: $ids}) { id } }";
        let ids = |count: u64| json!({ "ids": (0..count).map(|id| id.to_string()).collect::<Vec<_>>() });
        assert_eq!(code(model, query, ids(10_001)), "LIST_TOO_LONG");
        let answer = send(model, query, ids(10_000));
        assert_eq!(answer.fate, Fate::Answered);
        assert!(answer.body.starts_with(b"{\"data\":{\"storageDataObjects\":[{"), "{answer:?}");
        let query = "query ($w: StorageBagWhereInput) { storageBags(where: $w) { id } }";
        let wide = json!({ "w": { "OR": vec![json!({ "id_eq": "x" }); 300] } });
        assert_eq!(code(model, query, wide), "FILTER_TOO_COMPLEX");
        let deep = (0..50).fold(json!({ "id_eq": "x" }), |inner, _| json!({ "AND": [inner] }));
        assert_eq!(send(model, query, json!({ "w": deep })).body, b"{\"data\":{\"storageBags\":[]}}");
        let deeper = (0..300).fold(json!({ "id_eq": "x" }), |inner, _| json!({ "AND": [inner] }));
        assert_eq!(refusal(&send(model, query, json!({ "w": deeper }))).0, "BAD_REQUEST");
        for (arguments, expected) in [
            ("limit: -1", "BAD_VALUE"),
            ("offset: -1", "BAD_VALUE"),
            ("limit: 2000000", "PAGE_TOO_LARGE"),
            ("limit: 99999999999999999999", "INVALID_QUERY"),
            ("limit: \"5\"", "INVALID_QUERY"),
        ] {
            assert_eq!(
                code(model, &format!("{{ storageBags({arguments}) {{ id }} }}"), json!({})),
                expected,
                "{arguments}"
            );
        }
        let query = "query ($c: String) { eventsConnection(orderBy: id_ASC, after: $c) { totalCount pageInfo { endCursor } } }";
        for cursor in ["", "x", "5b5d", "ffff", "é"] {
            assert_eq!(code(model, query, json!({ "c": cursor })), "BAD_CURSOR");
        }
    });
}

#[test]
fn what_is_not_of_the_schema_is_told_apart() {
    with_model(Limits::default(), |model| {
        for (query, variables) in [
            ("{ nothing }", json!({})),
            ("{ storageBags { nothing } }", json!({})),
            ("{ storageBags(where: {nothing: 1}) { id } }", json!({})),
            ("{ storageBags(where: {id_eq: 5}) { id } }", json!({})),
            ("{ storageBags }", json!({})),
            ("{ storageBags(orderBy: nothing_ASC) { id } }", json!({})),
            ("{ storageDataObjects(where: {createdAt_gt: \"yesterday\"}) { id } }", json!({})),
            ("query ($x: Int) { storageBags(limit: $x) { id } }", json!({ "x": "many" })),
            ("query ($x: Nothing) { storageBags(limit: $x) { id } }", json!({})),
            ("mutation { storageBags { id } }", json!({})),
            ("subscription { storageBags { id } }", json!({})),
            ("{ storageBags(where: {id_in: [\"'; DROP TABLE StorageBag; --\"]}) { id } ", json!({})),
            ("", json!({})),
            ("{ a: storageBags { id } a: storageBuckets { id } }", json!({})),
        ] {
            let (code, _) = refusal(&send(model, query, variables));
            assert_eq!(code, "INVALID_QUERY", "{query}");
        }
        // A variable that is left out keeps the library from judging the rest of the argument.
        let hidden = "query ($x: String) { storageBags(where: {id_eq: $x, isPrivate_eq: 7}) { id } }";
        assert_eq!(code(model, hidden, json!({})), "BAD_VALUE");
        let hidden = "query ($x: String) { storageBags(where: {id_eq: $x, nothing: 7}) { id } }";
        assert_eq!(code(model, hidden, json!({})), "INVALID_QUERY");
        for body in ["", "x", "[]", "{}", "{\"query\": 5}", "[{\"query\": \"{ storageBags { id } }\"}]"] {
            assert_eq!(
                refusal(&model.execute(body.as_bytes())),
                ("BAD_REQUEST".into(), Fate::Refused),
                "{body}"
            );
        }
        let long = vec![b' '; MAX_BODY_BYTES + 1];
        assert_eq!(refusal(&model.execute(&long)), ("BAD_REQUEST".into(), Fate::Refused));
    });
}

#[test]
fn texts_are_values_and_never_statements() {
    with_model(Limits::default(), |model| {
        let query = "query ($t: String) { storageBags(where: {OR: [{id_eq: $t}, {id_contains: $t}, {id_endsWith: $t}, \
            {id_in: [$t]}]}, orderBy: id_DESC) { id } }";
        for text in
            ["' OR 1=1 --", "\" OR \"\" = \"", "?1", "'; DROP TABLE StorageBag; --", "%", "_", "\u{10ffff}"]
        {
            let answer: Value =
                serde_json::from_slice(&send(model, query, json!({ "t": text })).body).unwrap();
            assert_eq!(answer, json!({ "data": { "storageBags": [] } }), "{text:?}");
        }
        assert_eq!(code(model, query, json!({ "t": "\0" })), "BAD_VALUE");
        assert_eq!(data(model, "{ storageBags { id } }")["storageBags"].as_array().unwrap().len(), 2);
    });
}

/// The query that tools send at their start.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name } \
    subscriptionType { name } types { ...FullType } directives { name description locations args { ...InputValue } } } } \
    fragment FullType on __Type { kind name description fields(includeDeprecated: true) { name description \
    args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } inputFields { ...InputValue } \
    interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } \
    possibleTypes { ...TypeRef } } fragment InputValue on __InputValue { name description type { ...TypeRef } \
    defaultValue } fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name \
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

#[test]
fn introspection_is_answered_but_not_without_end() {
    with_model(Limits::default(), |model| {
        let types = data(model, INTROSPECTION);
        let types = types["__schema"]["types"].as_array().unwrap().len();
        assert!(types > 100, "{types}");
        let mixed =
            data(model, "{ __typename __type(name: \"StorageBag\") { name } squidStatus { height } }");
        assert_eq!(
            mixed,
            json!({ "__typename": "Query", "__type": { "name": "StorageBag" }, "squidStatus": { "height": 10 } })
        );
        let (open, close) = ("inputFields { type { ".repeat(5), " } }".repeat(5));
        let endless = format!("{{ __schema {{ types {{ {open}name{close} }} }} }}");
        assert_eq!(code(model, &endless, json!({})), "INVALID_QUERY");
        let repeated = (0..40).fold(String::new(), |all, at| format!("{all} a{at}: fields {{ name }}"));
        let repeated = format!("{{ __schema {{ types {{ {repeated} }} }} }}");
        let _ = send(model, &repeated, json!({}));
    });
}

/// A filter without an index, and a list that is too large, end in an error that says so.
#[test]
fn scans_rows_bytes_and_time_are_bounded() {
    let (chain, blocks) = large(20, 100);
    let home = tempfile::tempdir().unwrap();
    let feeder = fed(home.path(), &chain.genesis, &blocks);
    let with = |limits: Limits| ReadModel::new(&feeder, limits).unwrap();
    let scan = "{ storageDataObjects(where: {ipfsHash_contains: \"zzzzzz\"}) { id } }";
    let by_index =
        "{ storageDataObjects(where: {storageBag: {id_eq: \"dynamic:channel:3\"}}, limit: 5) { id } }";
    let few_steps = with(Limits { steps: 4_000, ..Limits::default() });
    assert_eq!(code(&few_steps, scan, json!({})), "SCAN_TOO_LONG");
    assert_eq!(data(&few_steps, by_index)["storageDataObjects"].as_array().unwrap().len(), 5);
    // What the clients ask looks at no more than it answers.
    for query in [
        "{ storageDataObjectByUniqueInput(where: {id: \"7\"}) { id storageBag { storageBuckets { storageBucket { id } } } } }",
        "{ storageDataObjects(where: {id_in: [\"7\", \"1999\"]}) { id size } }",
        "{ storageDataObjectsConnection(where: {storageBag: {id_in: [\"dynamic:channel:3\"]}, isAccepted_eq: true}, \
            first: 10, orderBy: id_ASC) { edges { node { id } } pageInfo { endCursor } } }",
        "{ storageBags(where: {storageBuckets_some: {storageBucket: {id_in: [\"0\"]}}}) { id } }",
        "{ events(where: {data: {isTypeOf_eq: \"DataObjectDeletedEventData\", dataObjectId_in: [\"7\"]}}) { id } }",
    ] {
        let answer = data(&few_steps, query);
        assert!(answer.is_object(), "{query}");
    }
    // The connection is fit for use after an interruption.
    assert_eq!(code(&few_steps, scan, json!({})), "SCAN_TOO_LONG");
    assert_eq!(data(&with(Limits::default()), scan)["storageDataObjects"], json!([]));
    let all = "{ storageBags { id objects { id } } }";
    assert_eq!(code(&with(Limits { rows: 1_000, ..Limits::default() }), all, json!({})), "RESULT_TOO_LARGE");
    assert_eq!(code(&with(Limits { bytes: 1_000, ..Limits::default() }), all, json!({})), "RESULT_TOO_LARGE");
    let no_time = with(Limits { deadline: Duration::ZERO, ..Limits::default() });
    assert_eq!(code(&no_time, scan, json!({})), "DEADLINE");
}

#[test]
fn more_queries_than_readers_wait_or_are_told_to_come_again() {
    with_model(Limits { readers: 0, waiting: 0, ..Limits::default() }, |model| {
        let answer = send(model, "{ squidStatus { height } }", json!({}));
        assert_eq!(refusal(&answer), ("BUSY".into(), Fate::Busy));
    });
    with_model(Limits { readers: 2, waiting: 64, ..Limits::default() }, |model| {
        let ask = || data(model, "{ storageBags { id objects { id size } } }");
        let expected = ask();
        std::thread::scope(|scope| {
            let all: Vec<_> =
                (0..16).map(|_| scope.spawn(|| (0..20).map(|_| ask()).collect::<Vec<_>>())).collect();
            for one in all {
                assert!(one.join().unwrap().iter().all(|found| *found == expected));
            }
        });
    });
}

/// Texts that are within all lengths and yet odd: each is answered or refused, whatever it is.
#[test]
fn odd_shapes_of_the_allowed_length_are_answered_or_refused() {
    with_model(Limits::default(), |model| {
        let many = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
        let shapes = [
            format!("query ({}) {{ storageBags {{ id }} }}", many(5_000, &|at| format!("$v{at}: Int "))),
            format!("{{ storageBags {{ id {} }} }}", many(3_500, &|_| "@skip(if: true) ".to_owned())),
            format!(
                "{{ storageBags(where: {{id_in: [{}]}}) {{ id }} }}",
                many(12_000, &|_| "\"\" ".to_owned())
            ),
            format!("{{ storageBags({}) {{ id }} }}", many(6_000, &|_| "limit: 1 ".to_owned())),
            format!(
                "{{ storageBags {{ id }} }} {}",
                many(1_500, &|at| format!("fragment f{at} on StorageBag {{ id }} "))
            ),
            format!("{{ storageBags {{ {} }} }}", many(900, &|_| "id ".to_owned())),
            format!("{{ storageBags {{ {} }} }}", many(450, &|at| format!("a{at}: owner {{ __typename }} "))),
            format!("{{ {} }}", many(12_000, &|_| "... {".to_owned())),
            format!("{{ storageBags {{ {} }} }}", many(2_000, &|_| "... on StorageBag { id } ".to_owned())),
            "#".repeat(60_000),
            "\"".repeat(60_000),
            "\u{feff}".repeat(20_000),
        ];
        for shape in shapes {
            let answer = send(model, &shape, json!({}));
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            assert!(body["data"].is_object() || body["errors"][0]["extensions"]["code"].is_string());
            assert!(answer.body.len() < 64 * 1024, "{}", answer.body.len());
        }
    });
}
