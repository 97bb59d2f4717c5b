//! Whole sessions through the core, without sockets: see `tests/` for those with sockets.
