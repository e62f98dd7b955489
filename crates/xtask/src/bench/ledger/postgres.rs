//! The rows that an upload makes, inserted into PostgreSQL 15 with every commit on disk.

use super::{Figures, SUBMITTERS};
use crate::bench::directory::postgres::{Cluster, Durability};
use anyhow::{Context as _, Result};

/// The signed transaction, and the data object that it declares.
const SCHEMA: &str = "
    CREATE TABLE transactions (id bigserial PRIMARY KEY, signer int, nonce bigint, bytes bytea);
    CREATE TABLE objects (id bigserial PRIMARY KEY, bag bigint, size bigint, content bytea);";

/// Both rows in one statement, so that nothing but the sync is waited for between them.
fn script(bytes: usize) -> String {
    let repeat = bytes.div_ceil(16);
    format!(
        "\\set signer random(0, {})\n\\set nonce random(0, 1000000000)\n\
        WITH sent AS (INSERT INTO transactions (signer, nonce, bytes) VALUES \
        (:signer, :nonce, substr(decode(repeat(md5(:nonce::text), {repeat}), 'hex'), 1, {bytes}))) \
        INSERT INTO objects (bag, size, content) VALUES \
        (:signer, :nonce, decode(md5(:nonce::text) || md5(:signer::text), 'hex'));\n",
        SUBMITTERS - 1
    )
}

pub(super) fn run(bytes: usize, seconds: u64) -> Result<Figures> {
    let cluster = Cluster::start(Durability::Synced)?;
    cluster.sql(SCHEMA)?;
    let waits_ms = cluster.pgbench_waits(&script(bytes), SUBMITTERS, seconds)?;
    let seconds = std::time::Duration::from_secs(seconds).as_secs_f64();
    let figures = Figures::new(waits_ms, seconds);
    (figures.rate > 0.0).then_some(figures).context("PostgreSQL inserted nothing")
}
