//! `argosy policy`, `argosy limits` and `argosy fees`.

use super::{
    Look, answer,
    format::{Fact, digits, length, money, yes},
    list::{Found, Sheet},
};
use crate::{failure::Outcome, text};
use argosy_api::directory::{FeesView, LimitsView, ParamsView, PolicyView};

pub(super) async fn policy(look: &Look) -> Outcome<()> {
    let policies = answer("policies", look.network.directory.policies().await)?;
    look.print("policies", &Found::whole(policies), |policies| policy_sheet(policies, look.is_mainnet()));
    Ok(())
}

pub(super) fn policy_sheet(policies: &[PolicyView], is_mainnet: bool) -> Sheet {
    let head = &["bags of a", "storage buckets", "distribution buckets", "fee per MB", "bond per object"];
    Sheet::new(head, &[], policies, |policy| {
        let families = policy.families.iter().map(|(family, count)| format!("{count} of family {family}"));
        let families = families.collect::<Vec<_>>().join(", ");
        vec![
            text::line(&policy.bag_type.to_lowercase()),
            policy.storage_buckets.to_string(),
            if families.is_empty() { "none".to_owned() } else { text::line(&families) },
            money(policy.data_size_fee, is_mainnet),
            money(policy.data_object_state_bloat_bond, is_mainnet),
        ]
    })
}

pub(super) async fn limits(look: &Look) -> Outcome<()> {
    let limits = answer("limits", look.reader.limits().await)?;
    look.print_one(&limits, |limits| limits_facts(limits, look.is_mainnet()));
    Ok(())
}

pub(super) fn limits_facts(limits: &LimitsView, is_mainnet: bool) -> Vec<Fact> {
    let params = &limits.params;
    let mut facts = vec![
        ("uploads are blocked", yes(limits.uploading_blocked)),
        ("storage buckets per bag", limits.storage_buckets_per_bag_limit.to_string()),
        ("distribution buckets per bag", limits.distribution_buckets_per_bag_limit.to_string()),
        ("largest voucher, size", text::bytes(limits.voucher_max_size_limit)),
        ("largest voucher, objects", digits(limits.voucher_max_objects_limit)),
        (
            "content ids on the blacklist",
            format!("{} of {}", limits.blacklist_count, params.blacklist_size_limit),
        ),
    ];
    facts.extend(bucket_params(params));
    facts.extend(people_params(params, is_mainnet));
    facts
}

fn bucket_params(params: &ParamsView) -> Vec<Fact> {
    let range = |least: u32, most: u32| format!("{least} to {most}");
    vec![
        (
            "range of storage buckets per bag",
            range(params.min_storage_buckets_per_bag, params.max_storage_buckets_per_bag),
        ),
        (
            "range of distribution buckets per bag",
            range(params.min_distribution_buckets_per_bag, params.max_distribution_buckets_per_bag),
        ),
        ("largest data object", text::bytes(params.max_data_object_size)),
        ("objects of a bag deleted whole", digits(params.max_objects_of_deleted_bag)),
        ("objects of an asset set", digits(params.max_assets_per_set)),
        ("families", digits(params.max_distribution_bucket_families)),
        ("operators of a distribution bucket", digits(params.max_operators_per_distribution_bucket)),
        (
            "pending invitations of a distribution bucket",
            digits(params.max_pending_invitations_per_distribution_bucket),
        ),
        ("storage buckets of a worker", digits(params.max_storage_buckets_per_worker)),
    ]
}

fn people_params(params: &ParamsView, is_mainnet: bool) -> Vec<Fact> {
    vec![
        ("workers of a group", digits(params.max_workers_per_group)),
        ("least stake of an opening", money(params.min_application_stake, is_mainnet)),
        ("deposit of an opening", money(params.opening_deposit, is_mainnet)),
        ("rewards are paid every", length(params.reward_period_ms)),
        ("shortest unstaking period", length(params.min_unstaking_period_ms)),
        ("notice of an operator", length(params.resignation_notice_ms)),
        ("life of a proposal", length(params.proposal_life_ms)),
    ]
}

pub(super) async fn fees(look: &Look) -> Outcome<()> {
    let fees = answer("fees", look.reader.fees().await)?;
    look.print_one(&fees, |fees| fees_facts(fees, look.is_mainnet()));
    Ok(())
}

pub(super) fn fees_facts(fees: &FeesView, is_mainnet: bool) -> Vec<Fact> {
    vec![
        ("per transaction", money(fees.transaction_fee, is_mainnet)),
        ("per byte of it", money(fees.transaction_byte_fee, is_mainnet)),
        ("per record that it may touch", money(fees.transaction_weight_fee, is_mainnet)),
        ("per started MB of an upload", money(fees.data_size_fee, is_mainnet)),
        ("bond per object", money(fees.data_object_state_bloat_bond, is_mainnet)),
        ("unit", "base units".to_owned()),
    ]
}
