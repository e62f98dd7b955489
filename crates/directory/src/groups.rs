//! Working groups: who may act as a lead, and who as a worker.

use crate::{State, reject::Reject};
use argosy_domain::{AccountId, WorkerId, WorkingGroup};

/// The signer is the role account of the group's lead.
pub(crate) fn ensure_lead(state: &State, group: WorkingGroup, signer: AccountId) -> Result<(), Reject> {
    let lead = state.lead(group).ok_or(Reject::CurrentLeadNotSet)?;
    match state.worker(group, lead) {
        Some(worker) if worker.role_account == signer => Ok(()),
        Some(_) | None => Err(Reject::IsNotLeadAccount),
    }
}

/// The signer is the role account of this worker.
pub(crate) fn ensure_worker(
    state: &State,
    group: WorkingGroup,
    worker: WorkerId,
    signer: AccountId,
) -> Result<(), Reject> {
    let worker = state.worker(group, worker).ok_or(Reject::WorkerDoesNotExist)?;
    if worker.role_account == signer { Ok(()) } else { Err(Reject::SignerIsNotWorkerRoleAccount) }
}
