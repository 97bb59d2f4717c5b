//! The only place of this crate that reads a clock. Machines get what it reads as an argument.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use protocol::time::Timestamp;

/// The process's own zero of monotonic time.
static START: LazyLock<Instant> = LazyLock::new(read_monotonic);

#[expect(clippy::disallowed_methods, reason = "the shell's clock; machines get the reading")]
fn read_monotonic() -> Instant {
    Instant::now()
}

/// Wall-clock time. A clock before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "the shell's clock; machines get the reading")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Milliseconds since some moment of this process; never goes back.
pub(crate) fn tick() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}
