//! Which path leads where.

use crate::{
    App, blocks, confirmations,
    document::{GRAPHQL_PATH, Operation, Routes},
    entities, events,
    graphql::{self, GraphqlRequest, GraphqlResponse},
    health, metrics, record, reply, snapshot, transactions,
};
use argosy_api::{
    BLOCKS_MEDIA_TYPE, ErrorBody, SNAPSHOT_MEDIA_TYPE,
    directory::{
        AccountView, ApplicationView, AssetSetView, BagView, BlockView, ChannelView, CheckView, CouncilView,
        DirectoryStatus, DistributionBucketView, FamilyView, FeesView, GroupName, GroupView, HoldingsView,
        LeadLogView, LimitsView, MemberView, ObjectView, OpeningView, PolicyView, ReceiptView, RecordView,
        ReleaseView, ResignationView, StorageBucketView, TreasuryView, WorkerView,
        query::{
            AccountsQuery, BagsQuery, BlacklistQuery, BlocksQuery, DistributionBucketsQuery, EventsQuery,
            LeadLogQuery, PageQuery, TransactionsQuery,
        },
    },
    genesis::GenesisFile,
    wire::Schema,
};
use argosy_domain::{
    AccountId, AssetSetId, BagId, ChannelId, DataObjectId, DistributionBucketId, FamilyId, StorageBucketId,
    limits::MAX_TRANSACTION_BYTES,
};
use argosy_http::StatusCode;
use argosy_read_model::MAX_BODY_BYTES;
use argosy_telemetry::metrics::MEDIA_TYPE as METRICS_MEDIA_TYPE;
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    middleware::from_fn_with_state,
    routing::{get, post},
};
use serde_json::{Map, Value};
use std::future::{Ready, ready};

pub(crate) fn router(app: App) -> Router {
    let routes = query(council(groups(buckets(content(chain(node(Routes::new())))))));
    routes
        .finish()
        .fallback(|| ready(reply::missing("NO_SUCH_ROUTE", "a directory node has nothing at this path")))
        .method_not_allowed_fallback(|| {
            ready(ErrorBody::caller(
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "this path does not take this method",
            ))
        })
        .layer(DefaultBodyLimit::max(MAX_TRANSACTION_BYTES))
        .layer(from_fn_with_state(app.clone(), metrics::count))
        .with_state(app)
}

fn node(routes: Routes) -> Routes {
    type Op = Operation;
    let text = |summary| Op::other(summary, "text/plain");
    routes
        .get("/livez", text("Whether the node answers at all"), get(|| ready("ok\n")))
        .get("/readyz", text("Whether the node makes blocks"), get(health::readyz))
        .get("/metrics", Op::other("Numbers for Prometheus", METRICS_MEDIA_TYPE), get(metrics::show))
        .get("/api/v1/status", Op::json::<DirectoryStatus>("How the node is doing"), get(health::status))
        .get(
            "/api/v1/genesis",
            Op::json::<Map<String, Value>>("The genesis file that the network started from"),
            get(genesis),
        )
}

fn chain(routes: Routes) -> Routes {
    type Op = Operation;
    routes
        .post(
            "/api/v1/transactions",
            Op::json::<ReceiptView>("Submits a signed transaction, SCALE encoded, and waits for its block")
                .takes_bytes(),
            post(transactions::submit),
        )
        .post(
            "/api/v1/transactions/check",
            Op::state::<CheckView>(
                "What a transaction would do in the next block; takes what is signed, without a signature",
            )
            .takes_bytes(),
            post(transactions::check),
        )
        .get(
            "/api/v1/transactions/{hash}",
            Op::json::<ReceiptView>("What became of a transaction").of::<transactions::TransactionHash>(),
            get(transactions::find),
        )
        .get(
            "/api/v1/blocks",
            Op::other("Blocks from a height on, for ever", BLOCKS_MEDIA_TYPE)
                .or(blocks::JSON_LINES_MEDIA_TYPE, BlockView::schema)
                .query::<BlocksQuery>(),
            get(blocks::stream),
        )
        .get(
            "/api/v1/snapshot",
            Op::other("The newest checkpoint, from which another node can begin", SNAPSHOT_MEDIA_TYPE),
            get(snapshot::send),
        )
        .post(
            "/api/v1/confirmations",
            Op::json::<Map<String, Value>>("A standby says that it has a block").takes_bytes(),
            post(confirmations::confirm),
        )
        .get(
            "/api/v1/events",
            Op::other("Events as they happen, as server-sent events", events::MEDIA_TYPE)
                .query::<EventsQuery>(),
            get(events::stream),
        )
        .get(
            "/api/v1/accounts",
            Op::list::<AccountView, AccountsQuery>("Accounts that something happened to"),
            get(entities::accounts),
        )
        .get(
            "/api/v1/accounts/{account}",
            Op::state::<AccountView>("An account").of::<AccountId>(),
            get(entities::account),
        )
        .get(
            "/api/v1/accounts/{account}/transactions",
            Op::list::<RecordView, TransactionsQuery>("What an account signed, the newest first")
                .of::<AccountId>(),
            get(record::of_account),
        )
}

fn content(routes: Routes) -> Routes {
    type Op = Operation;
    routes
        .get(
            "/api/v1/objects/{id}",
            Op::state::<ObjectView>("A data object").of::<DataObjectId>(),
            get(entities::object),
        )
        .get("/api/v1/bags", Op::list::<BagView, BagsQuery>("Bags"), get(entities::bags))
        .get("/api/v1/bags/{bag}", Op::state::<BagView>("A bag").of::<BagId>(), get(entities::bag))
        .get(
            "/api/v1/bags/{bag}/objects",
            Op::list::<ObjectView, PageQuery>("Objects of a bag").of::<BagId>(),
            get(entities::bag_objects),
        )
        .get(
            "/api/v1/bags/{bag}/asset-sets",
            Op::list::<AssetSetView, PageQuery>("Asset sets of a bag").of::<BagId>(),
            get(entities::bag_asset_sets),
        )
        .get(
            "/api/v1/asset-sets",
            Op::list::<AssetSetView, PageQuery>("Asset sets of all bags"),
            get(entities::asset_sets),
        )
        .get(
            "/api/v1/asset-sets/{id}",
            Op::state::<AssetSetView>("An asset set").of::<AssetSetId>(),
            get(entities::asset_set),
        )
        .get("/api/v1/channels", Op::list::<ChannelView, PageQuery>("Channels"), get(entities::channels))
        .get(
            "/api/v1/channels/{id}",
            Op::state::<ChannelView>("A channel").of::<ChannelId>(),
            get(entities::channel),
        )
        .get("/api/v1/members", Op::list::<MemberView, PageQuery>("Members"), get(entities::members))
        .get(
            "/api/v1/members/{name}",
            Op::state::<MemberView>("A member, by id or handle").of::<String>(),
            get(entities::member),
        )
}

fn buckets(routes: Routes) -> Routes {
    type Op = Operation;
    routes
        .get(
            "/api/v1/storage-buckets",
            Op::list::<StorageBucketView, PageQuery>("Storage buckets"),
            get(entities::storage_buckets),
        )
        .get(
            "/api/v1/storage-buckets/{id}",
            Op::state::<StorageBucketView>("A storage bucket").of::<StorageBucketId>(),
            get(entities::storage_bucket),
        )
        .get(
            "/api/v1/storage-buckets/{id}/holdings",
            Op::state::<HoldingsView>("What a storage bucket claims to hold").of::<StorageBucketId>(),
            get(entities::holdings),
        )
        .get(
            "/api/v1/distribution-buckets",
            Op::list::<DistributionBucketView, DistributionBucketsQuery>("Distribution buckets"),
            get(entities::distribution_buckets),
        )
        .get(
            "/api/v1/distribution-buckets/{id}",
            Op::state::<DistributionBucketView>("A distribution bucket").of::<DistributionBucketId>(),
            get(entities::distribution_bucket),
        )
        .get(
            "/api/v1/families",
            Op::list::<FamilyView, PageQuery>("Families of distribution buckets"),
            get(entities::families),
        )
        .get(
            "/api/v1/families/{id}",
            Op::state::<FamilyView>("A family").of::<FamilyId>(),
            get(entities::family),
        )
        .get(
            "/api/v1/policies",
            Op::state::<Vec<PolicyView>>("How many buckets new bags are given, and what uploads cost"),
            get(entities::policies),
        )
        .get(
            "/api/v1/resignations",
            Op::state::<Vec<ResignationView>>("Operators who gave notice"),
            get(entities::resignations),
        )
}

fn groups(routes: Routes) -> Routes {
    type Op = Operation;
    routes
        .get("/api/v1/groups", Op::state::<Vec<GroupView>>("Working groups"), get(entities::groups))
        .get(
            "/api/v1/groups/{group}",
            Op::state::<GroupView>("A working group").of::<GroupName>(),
            get(entities::group),
        )
        .get(
            "/api/v1/groups/{group}/workers",
            Op::list::<WorkerView, PageQuery>("Workers of a group").of::<GroupName>(),
            get(entities::workers),
        )
        .get(
            "/api/v1/groups/{group}/openings",
            Op::list::<OpeningView, PageQuery>("Openings of a group").of::<GroupName>(),
            get(entities::openings),
        )
        .get(
            "/api/v1/groups/{group}/applications",
            Op::list::<ApplicationView, PageQuery>("Applications in a group").of::<GroupName>(),
            get(entities::applications),
        )
        .get(
            "/api/v1/groups/{group}/lead-log",
            Op::json::<LeadLogView>("Every transaction of a group's leads, refused ones too")
                .of::<GroupName>()
                .query::<LeadLogQuery>(),
            get(record::lead_log),
        )
}

fn council(routes: Routes) -> Routes {
    type Op = Operation;
    routes
        .get(
            "/api/v1/council",
            Op::state::<CouncilView>("Keys, threshold and secretary of the council, and its open proposals"),
            get(entities::council),
        )
        .get(
            "/api/v1/releases",
            Op::list::<ReleaseView, PageQuery>("Versions of programs that nodes must run"),
            get(entities::releases),
        )
        .get(
            "/api/v1/limits",
            Op::state::<LimitsView>("What leads set, and the parameters of the network"),
            get(entities::limits),
        )
        .get("/api/v1/fees", Op::state::<FeesView>("What things cost"), get(entities::fees))
        .get("/api/v1/treasury", Op::state::<TreasuryView>("Bonds, and all money"), get(entities::treasury))
        .get(
            "/api/v1/blacklist",
            Op::list::<String, BlacklistQuery>("Content ids on the blacklist"),
            get(entities::blacklist),
        )
}

fn query(routes: Routes) -> Routes {
    type Op = Operation;
    let ask = Op::json::<GraphqlResponse>("Answers a query in GraphQL, which may have failed")
        .takes_json::<GraphqlRequest>()
        .fails::<GraphqlResponse>("400", "The query is wrong as it stands.")
        .fails::<GraphqlResponse>("503", "Too many queries at once, or the index is being made.");
    let asked = post(graphql::query).layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    routes.get(GRAPHQL_PATH, Op::other("A note for people", "text/html"), get(graphql::page)).post(
        GRAPHQL_PATH,
        ask,
        asked,
    )
}

fn genesis(State(app): State<App>) -> Ready<Json<GenesisFile>> {
    ready(Json(GenesisFile::from(&*app.genesis)))
}
