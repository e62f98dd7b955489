//! The program as its users meet it: processes, sockets, files, players.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at what it did not expect, and says its seed"
)]

mod argus;
mod bad_input;
mod browser;
mod crash;
mod disk;
mod groups;
mod guide;
mod handover;
mod hls;
mod hostile;
mod http;
mod keys;
mod leads;
mod ledger;
mod liar;
mod look;
mod manual;
mod media;
mod moving_in;
mod network;
mod operator;
mod playing;
mod ports;
mod processes;
mod sending;
mod stage;
mod storage_commands;
mod storage_page;
mod transcript;
mod wrong_bytes;
