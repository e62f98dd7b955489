//! What nodes decide, as inputs in and effects out: following, filling, replicating, caching, choosing sources.
