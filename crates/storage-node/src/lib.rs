//! Takes uploads, keeps them, replicates them, feeds distributors.
