//! The program as its users meet it: processes, sockets, files, players.

mod bad_input;
mod browser;
mod crash;
mod http;
mod media;
mod network;
mod playing;
mod processes;
mod wrong_bytes;
