//! Vouchers: what a storage bucket may be asked to keep.
//!
//! Only growth is refused. What frees space always succeeds, even in a bucket whose limits were
//! lowered below its use.

use crate::{event::Voucher, reject::Reject, state::StorageBucket};

/// Objects counted and weighed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) objects: u64,
    /// Bytes.
    pub(crate) size: u64,
}

/// The bucket after `load` was added.
///
/// # Errors
/// [`Reject::ArithmeticError`], or one of the two limits; the count is judged first.
pub(crate) fn with(bucket: &StorageBucket, load: Load) -> Result<StorageBucket, Reject> {
    let voucher = bucket.voucher;
    let objects_used = voucher.objects_used.checked_add(load.objects).ok_or(Reject::ArithmeticError)?;
    let size_used = voucher.size_used.checked_add(load.size).ok_or(Reject::ArithmeticError)?;
    if load.objects > 0 && objects_used > voucher.objects_limit {
        return Err(Reject::StorageBucketObjectNumberLimitReached);
    }
    if load.size > 0 && size_used > voucher.size_limit {
        return Err(Reject::StorageBucketObjectSizeLimitReached);
    }
    Ok(StorageBucket { voucher: Voucher { size_used, objects_used, ..voucher }, ..*bucket })
}

/// The bucket after `load`, which is part of its use, was taken away.
pub(crate) fn without(bucket: &StorageBucket, load: Load) -> StorageBucket {
    let voucher = Voucher {
        objects_used: bucket.voucher.objects_used.saturating_sub(load.objects),
        size_used: bucket.voucher.size_used.saturating_sub(load.size),
        ..bucket.voucher
    };
    StorageBucket { voucher, ..*bucket }
}
