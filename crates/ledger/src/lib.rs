//! Blocks, their proofs, and the embedded engine that orders transactions durably.
