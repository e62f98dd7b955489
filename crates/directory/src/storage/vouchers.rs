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

impl Load {
    /// After `added` came and `removed`, which is part of it, went.
    ///
    /// # Errors
    /// [`Reject::ArithmeticError`]; the bytes are judged first.
    pub(crate) fn changed(self, added: Self, removed: Self) -> Result<Self, Reject> {
        let sum = |all: u64, removed: u64, added: u64| {
            all.saturating_sub(removed).checked_add(added).ok_or(Reject::ArithmeticError)
        };
        let size = sum(self.size, removed.size, added.size)?;
        Ok(Self { objects: sum(self.objects, removed.objects, added.objects)?, size })
    }

    /// With one more object, of this size.
    pub(crate) fn plus(self, size: u64) -> Self {
        Self { objects: self.objects.saturating_add(1), size: self.size.saturating_add(size) }
    }
}

/// The bucket after `added` came and `removed`, which is part of its use, went.
///
/// # Errors
/// [`Reject::ArithmeticError`], or one of the two limits if its use grows; the count is judged first.
pub(crate) fn changed(bucket: &StorageBucket, added: Load, removed: Load) -> Result<StorageBucket, Reject> {
    let voucher = bucket.voucher;
    let sum = |used: u64, removed: u64, added: u64| {
        used.saturating_sub(removed).checked_add(added).ok_or(Reject::ArithmeticError)
    };
    let objects_used = sum(voucher.objects_used, removed.objects, added.objects)?;
    let size_used = sum(voucher.size_used, removed.size, added.size)?;
    if added.objects > removed.objects && objects_used > voucher.objects_limit {
        return Err(Reject::StorageBucketObjectNumberLimitReached);
    }
    if added.size > removed.size && size_used > voucher.size_limit {
        return Err(Reject::StorageBucketObjectSizeLimitReached);
    }
    Ok(StorageBucket { voucher: Voucher { size_used, objects_used, ..voucher }, ..*bucket })
}

/// The bucket after `load` was added.
///
/// # Errors
/// Those of [`changed`].
pub(crate) fn with(bucket: &StorageBucket, load: Load) -> Result<StorageBucket, Reject> {
    changed(bucket, load, Load::default())
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
