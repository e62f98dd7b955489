//! What the node says about itself.

use crate::{access::own_endpoints, ground::ROLE, node::Node};
use argosy_api::node::NodeStatus;
use argosy_domain::{WorkerId, num::to_u64};
use argosy_node_core::serve::{Assignment, my_buckets};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

impl Node {
    /// `GET /api/v1/status`: Argosy's fields, and those of Argus for its dashboards. Asks nobody, so it
    /// answers whatever else is down.
    pub(crate) fn status(&self) -> Value {
        let totals = self.store.totals();
        let duty = self.duty.load();
        let buckets = self.follower.with_index(|index| my_buckets(index, &duty.assignment));
        let directory = self.follower.status();
        let worker = duty.worker_id.map(WorkerId);
        let status = NodeStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            role: ROLE.to_owned(),
            id: self.config.id.clone(),
            worker_id: duty.worker_id,
            buckets: buckets.iter().map(ToString::to_string).collect(),
            uptime_seconds: self.started.elapsed().as_secs(),
            directory: directory.clone(),
            objects_count: totals.objects,
            bytes_used: self.cache.used_bytes(),
            bytes_limit: Some(self.config.limits.storage.0),
            missing_count: 0,
            transfers_count: to_u64(self.fills.active_count()),
            bytes_sent: self.bytes_sent.load(Ordering::Relaxed),
            bytes_fetched: self.fills.bytes_fetched(),
            warm_up: Some(self.warm_up.view()),
            proof_of_role: Some(self.prover.view(worker, |index| own_endpoints(index, &duty))),
            endpoints: Some(self.proofs.view()),
        };
        let argus = json!({
            "objectsInCache": status.objects_count,
            "storageLimit": status.bytes_limit,
            "storageUsed": status.bytes_used,
            "uptime": status.uptime_seconds,
            "scrub": self.scrub.to_json(),
            "downloadsInProgress": status.transfers_count,
            "queryNodeStatus": {
                "url": directory.url,
                "chainHead": directory.height,
                "blocksProcessed": directory.height,
            },
            "roleKey": self.passes.role_key(),
        });
        let mut all = json!(status);
        if let (Value::Object(all), Value::Object(argus)) = (&mut all, argus) {
            all.extend(argus);
        }
        all
    }

    /// `GET /api/v1/buckets`.
    pub(crate) fn buckets(&self) -> Value {
        match &self.duty.load().assignment {
            Assignment::Buckets(buckets) => {
                let names: Vec<String> = buckets.iter().map(ToString::to_string).collect();
                json!({ "bucketIds": names })
            }
            Assignment::Worker(worker) => json!({ "allByWorkerId": worker.0 }),
        }
    }
}
