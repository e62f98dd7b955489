//! Wire types, error body and typed clients of every node.
