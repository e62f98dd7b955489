//! Against a plain reference and `bao-tree`.
