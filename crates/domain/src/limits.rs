//! Bounds of every queue, list, message, body and loop that more than one crate must agree on.
//!
//! Units stand in the names. Limits that the directory's genesis may change are parameters of the
//! directory (`argosy_directory::Params`), not constants here.

/// Smallest unit that is verified at once, in bytes: 16 chunks of BLAKE3.
pub const GROUP_BYTES: u64 = 16 * 1024;
/// Unit in which fills are planned and asked for, in bytes.
pub const WINDOW_BYTES: u64 = 1024 * 1024;
/// Groups in a full window.
pub const WINDOW_GROUPS: u64 = WINDOW_BYTES / GROUP_BYTES;

/// Largest data object, in bytes, inclusive: 60 GiB as on Joystream's mainnet.
pub const MAX_OBJECT_BYTES: u64 = 60 * 1024 * 1024 * 1024;

/// Largest encoded transaction, in bytes.
pub const MAX_TRANSACTION_BYTES: usize = 64 * 1024;
/// Largest encoded block, in bytes, without its finality proof.
pub const MAX_BLOCK_BYTES: usize = 16 * 1024 * 1024;
/// Most transactions in a block.
pub const MAX_BLOCK_TRANSACTIONS: usize = 20_000;
/// Nesting that a decoder of untrusted bytes follows.
pub const MAX_DECODE_DEPTH: u32 = 16;
/// Furthest into the future that a transaction may stay valid, in milliseconds of block time.
pub const MAX_TRANSACTION_LIFE_MS: u64 = 24 * 60 * 60 * 1000;
/// A follower refuses a block whose time is further ahead of its own clock than this.
pub const MAX_CLOCK_AHEAD_MS: u64 = 10_000;
/// A block is made at least this often, in milliseconds.
pub const MAX_BLOCK_INTERVAL_MS: u64 = 6_000;

/// Most objects in one upload, and most ids in one acceptance or deletion.
pub const MAX_OBJECTS_PER_CALL: usize = 1_000;
/// Most exceptions in a holding report.
pub const MAX_HOLDING_EXCEPTIONS: usize = 1_000;
/// Largest metadata of an operator or family, in bytes.
pub const MAX_METADATA_BYTES: usize = 4 * 1024;
/// Most calls in one batch.
pub const MAX_BATCH_CALLS: usize = 100;
/// Longest remark of a worker, in bytes.
pub const MAX_REMARK_BYTES: usize = 4 * 1024;
/// Longest name of an asset set, and of a program or version in a release, in bytes.
pub const MAX_NAME_BYTES: usize = 64;
/// Most collaborators of a channel.
pub const MAX_COLLABORATORS: usize = 100;
/// Most keys of the council.
pub const MAX_COUNCIL_KEYS: usize = 100;
/// Most proposals of the council that are open at once.
pub const MAX_OPEN_PROPOSALS: usize = 100;
/// Longest handle of a member, in bytes.
pub const MAX_HANDLE_BYTES: usize = 64;

/// Most groups in one request for a verified slice: 4 MiB of data.
pub const MAX_SLICE_GROUPS: u64 = 4 * WINDOW_GROUPS;
/// Longest life of an upload token, in milliseconds.
pub const MAX_UPLOAD_TOKEN_LIFE_MS: u64 = 24 * 60 * 60 * 1000;
/// Longest life of a permit to read a private bag, in milliseconds: a week.
pub const MAX_READ_PERMIT_LIFE_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Longest life of the pass that a node shows to another, in milliseconds.
pub const MAX_NODE_PASS_LIFE_MS: u64 = 60 * 1000;
/// How far the clocks of a signer and a node may be apart before a permit of the longest life is refused,
/// in milliseconds.
pub const MAX_CLOCK_SKEW_MS: u64 = 60 * 1000;

const _: () = assert!(WINDOW_BYTES.is_multiple_of(GROUP_BYTES));
const _: () = assert!(MAX_TRANSACTION_BYTES < MAX_BLOCK_BYTES);
// The longest acceptance must fit in a transaction.
const _: () = assert!(MAX_OBJECTS_PER_CALL * 8 + 256 < MAX_TRANSACTION_BYTES);
