//! Verified data objects on disk: durable writes, partial objects, quarantine.
