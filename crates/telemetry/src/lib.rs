//! Logs to console and file.
