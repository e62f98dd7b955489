//! The directory as a program: ledger, state and HTTP API.
