//! The way to a shard: a bounded queue, and a byte that wakes it while it waits for its sockets.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use crate::shard::ToShard;

/// The way to a shard.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) sender: SyncSender<ToShard>,
    pub(crate) wake: Arc<UnixStream>,
}

impl Post {
    pub(crate) fn wake(&self) {
        // A full pipe means that the shard is about to wake; a closed one, that it has ended.
        if let Err(err) = (&*self.wake).write_all(&[1])
            && err.kind() != std::io::ErrorKind::WouldBlock
        {
            tracing::debug!(%err, "a media thread has ended already");
        }
    }

    /// Waits for room. Returns whether the shard still runs.
    pub(crate) fn send(&self, message: ToShard) -> bool {
        let is_there = self.sender.send(message).is_ok();
        self.wake();
        is_there
    }

    /// Waits for nothing: shards that wait for each other would stop. What finds no room is lost, as on a
    /// network. Returns whether it was taken.
    pub(crate) fn try_send(&self, message: ToShard) -> bool {
        let is_taken = self.sender.try_send(message).is_ok();
        self.wake();
        is_taken
    }
}
