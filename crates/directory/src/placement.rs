//! Choosing buckets.
