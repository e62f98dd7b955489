//! Accept loop with deadlines, strict HTTP/1.1 for assets, byte ranges, guarded outbound client.
