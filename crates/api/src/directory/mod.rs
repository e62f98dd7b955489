//! What a directory node answers.
//!
//! Ids and amounts of money are texts; counts, bytes, heights and times are numbers. Only limits that
//! a lead sets beyond any use can be larger than 2^53, where some readers of JSON round.

mod buckets;
mod chain;
mod content;
mod council;
mod groups;
mod limits;
mod people;
mod place;
pub mod query;
mod status;
pub mod text;

pub use buckets::{
    DistributionBucketView, FamilyView, HoldingsView, OperatorStatus, OperatorView, PolicyView,
    ResignationView, StorageBucketView,
};
pub use chain::{
    BlockView, CheckView, EventView, LeadLogView, ReceiptView, RecordView, RejectView, TransactionView,
};
pub use content::{AcceptanceView, AssetSetView, BagView, ChannelView, ObjectView};
pub use council::{CouncilView, ProposalView, ReleaseView};
pub use groups::{ApplicationView, GroupName, GroupView, OpeningView, WorkerView};
pub use limits::{FeesView, LimitsView, ParamsView, TreasuryView};
pub use people::{AccountView, MemberView};
pub use status::{DirectoryStatus, GraphqlStatus, TransactionIndexStatus};
