//! Who is no lead: each call of a lead, by each of those who might be taken for one.

use super::language::{World, account, read_call};
use crate::{Reject, tests::reference::names_of};
use std::{collections::BTreeSet, vec::Vec};

/// S1 to S15.
const STORAGE: [&str; 15] = [
    "create_storage_bucket size=1 objects=1",
    "delete_storage_bucket 0",
    "invite_storage_bucket_operator 0 worker=1",
    "cancel_storage_bucket_operator_invite 0",
    "remove_storage_bucket_operator 0",
    "update_storage_bucket_status 0",
    "set_storage_bucket_voucher_limits 0 size=1 objects=1",
    "update_storage_buckets_voucher_max_limits size=1 objects=1",
    "update_storage_buckets_per_bag_limit 1",
    "update_number_of_storage_buckets_in_dynamic_bag_creation_policy channel number=1",
    "update_storage_buckets_for_bag static:council add=0",
    "update_uploading_blocked_status blocked",
    "update_data_size_fee 1",
    "update_data_object_state_bloat_bond 1",
    "update_blacklist add=1",
];

/// D1 to D13.
const DISTRIBUTION: [&str; 13] = [
    "create_distribution_bucket_family",
    "delete_distribution_bucket_family 0",
    "create_distribution_bucket 0",
    "delete_distribution_bucket 0:0",
    "update_distribution_bucket_status 0:0",
    "update_distribution_buckets_for_bag static:council family=0 add=0",
    "update_distribution_buckets_per_bag_limit 1",
    "update_distribution_bucket_mode 0:0",
    "update_families_in_dynamic_bag_creation_policy channel families=0:1",
    "invite_distribution_bucket_operator 0:0 worker=1",
    "cancel_distribution_bucket_operator_invite 0:0 worker=1",
    "remove_distribution_bucket_operator 0:0 worker=1",
    "set_distribution_bucket_family_metadata 0 metadata=hex:",
];

fn rejects(world: &str, signer: &str, calls: &[&str]) -> BTreeSet<Option<Reject>> {
    let mut state = World::default();
    state.run("leads", world);
    calls.iter().map(|call| state.execute(account(signer), read_call(call)).result.err()).collect()
}

/// Joystream's calls, each named once; ours that are new have transcripts of their own.
#[test]
fn the_lists_name_every_call_of_a_lead() {
    let names: BTreeSet<_> =
        STORAGE.iter().chain(&DISTRIBUTION).map(|call| names_of(&read_call(call))).collect();
    assert_eq!(names.len(), 28);
}

#[test]
fn without_a_lead_every_call_of_a_lead_says_so() {
    let only: BTreeSet<_> = [Some(Reject::CurrentLeadNotSet)].into();
    for (signer, calls) in [("slead", &STORAGE[..]), ("dlead", &DISTRIBUTION[..])] {
        assert_eq!(rejects("world no_leads", signer, calls), only, "{signer}");
    }
}

/// Neither the other group's lead, nor a worker, an operator's transactor, the council or a stranger.
#[test]
fn nobody_but_the_lead_is_taken_for_the_lead() {
    let only: BTreeSet<_> = [Some(Reject::IsNotLeadAccount)].into();
    let world = "world council=1 threshold=1";
    for signer in ["dlead", "s1", "c1", "ann", "t"] {
        assert_eq!(rejects(world, signer, &STORAGE), only, "{signer}");
    }
    for signer in ["slead", "d1", "c1", "ann", "t"] {
        assert_eq!(rejects(world, signer, &DISTRIBUTION), only, "{signer}");
    }
}

/// A lead who has announced leaving leads until the end.
#[test]
fn a_leaving_lead_is_the_lead() {
    let leaving = "world min_unstaking_period_ms=9000\nslead: storage.leave_role 0 -> ok\ndlead: distribution.leave_role 0 -> ok\nblock";
    for (signer, calls) in [("slead", &STORAGE[..]), ("dlead", &DISTRIBUTION[..])] {
        let told: Vec<_> = rejects(leaving, signer, calls).into_iter().flatten().collect();
        assert!(
            !told.contains(&Reject::CurrentLeadNotSet) && !told.contains(&Reject::IsNotLeadAccount),
            "{told:?}"
        );
    }
}
