//! Strict reading of a request head.
