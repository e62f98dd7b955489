//! The council, its releases, and the numbers that hold for everybody.

use argosy_api::{
    directory::{CouncilView, FeesView, LimitsView, ProposalView, ReleaseView, TreasuryView},
    words,
};
use argosy_directory::{
    State,
    state::{Proposal, Release},
};
use argosy_domain::{ProposalId, ReleaseId};

pub(crate) fn council(state: &State) -> CouncilView {
    let council = state.council();
    CouncilView {
        keys: council.keys.iter().copied().collect(),
        threshold: council.threshold,
        secretary: council.secretary,
        proposals: state.proposals().map(|(id, one)| proposal(id, one)).collect(),
    }
}

fn proposal(id: ProposalId, proposal: &Proposal) -> ProposalView {
    let (action, arguments) = words::action(&proposal.action);
    ProposalView {
        id,
        action,
        arguments,
        approvals: proposal.approvals.iter().copied().collect(),
        expires_ms: proposal.expires_ms,
    }
}

pub(crate) fn release(id: ReleaseId, release: &Release) -> ReleaseView {
    ReleaseView {
        id,
        program: release.program.clone(),
        version: release.version.clone(),
        published_ms: release.published_ms,
        run_by_ms: release.run_by_ms,
    }
}

pub(crate) fn limits(state: &State) -> LimitsView {
    let settings = state.settings();
    LimitsView {
        uploading_blocked: settings.uploading_blocked,
        storage_buckets_per_bag_limit: settings.storage_buckets_per_bag_limit,
        distribution_buckets_per_bag_limit: settings.distribution_buckets_per_bag_limit,
        voucher_max_size_limit: settings.voucher_max_size_limit,
        voucher_max_objects_limit: settings.voucher_max_objects_limit,
        blacklist_count: state.blacklist_count(),
        params: state.params().into(),
    }
}

pub(crate) fn fees(state: &State) -> FeesView {
    let params = state.params();
    FeesView {
        transaction_fee: params.transaction_fee,
        transaction_byte_fee: params.transaction_byte_fee,
        transaction_weight_fee: params.transaction_weight_fee,
        data_size_fee: state.data_size_fee(),
        data_object_state_bloat_bond: state.data_object_bond(),
    }
}

pub(crate) fn treasury(state: &State) -> TreasuryView {
    let treasury = state.treasury();
    TreasuryView { bonds: treasury.bonds, issued: treasury.issued, burned: treasury.burned }
}
