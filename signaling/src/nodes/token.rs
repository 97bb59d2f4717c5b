//! Tokens by which media nodes of other machines come, as the operator gives them on the command line.

use std::path::Path;

use protocol::time::Timestamp;

use crate::clock;
use crate::db::{Db, nodes};
use crate::error::Error;
use crate::secret::Secret;

/// Longest life of a token, days. A node needs its token at each start.
pub const DAYS_MAX: u32 = 3_660;

/// Makes a token and keeps its hash. May be called while a server runs on the same folder. `days` is 1 to
/// [`DAYS_MAX`].
///
/// # Errors
/// What the database says; [`Error::InvalidToken`] for `days` out of range.
pub async fn issue(data: &Path, days: u32) -> Result<String, Error> {
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Error::InvalidToken("a node's token is good for 1 to 3,660 days"));
    }
    let db = Db::open(data).await?;
    let token = Secret::<32>::random().to_text();
    let now = clock::now();
    let expires = Timestamp(now.0 + i64::from(days) * 86_400_000);
    let kept = nodes::add_token(&db, &token, now, expires).await;
    db.close().await;
    kept?;
    Ok(token)
}
