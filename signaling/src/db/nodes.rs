//! Media nodes of other machines: the tokens by which they come, what an administrator said of them, and where a
//! site belongs.

use protocol::id::SiteId;
use protocol::time::Timestamp;
use sqlx::Row as _;

use super::{Db, Result};
use crate::secret;

/// Levels of units above a site that are looked at; a country has four.
const UNITS_MAX: i64 = 8;

/// What an administrator said of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeRow {
    pub(crate) name: String,
    pub(crate) draining: bool,
    pub(crate) capacity: u32,
    pub(crate) units: Vec<String>,
    pub(crate) networks: Vec<String>,
}

/// Keeps a token, as its hash.
pub(crate) async fn add_token(
    db: &Db,
    token: &str,
    now: Timestamp,
    expires: Timestamp,
) -> Result<()> {
    sqlx::query("insert into node_token (token_hash, created_at, expires_at) values ($1, $2, $3)")
        .bind(secret::hash(token))
        .bind(now.0)
        .bind(expires.0)
        .execute(&db.write)
        .await?;
    sqlx::query("delete from node_token where expires_at <= $1")
        .bind(now.0)
        .execute(&db.write)
        .await?;
    Ok(())
}

/// Whether a token is good.
pub(crate) async fn is_token(db: &Db, token: &str, now: Timestamp) -> Result<bool> {
    let found = sqlx::query("select 1 from node_token where token_hash = $1 and expires_at > $2")
        .bind(secret::hash(token))
        .bind(now.0)
        .fetch_optional(&db.read)
        .await?;
    Ok(found.is_some())
}

/// Every node of which something was said.
pub(crate) async fn list(db: &Db) -> Result<Vec<NodeRow>> {
    let rows =
        sqlx::query("select name, draining, capacity, units, networks from node order by name")
            .fetch_all(&db.read)
            .await?;
    let words = |text: String| text.split_whitespace().map(str::to_owned).collect();
    let row = |row: &sqlx::sqlite::SqliteRow| {
        Ok(NodeRow {
            name: row.try_get("name")?,
            draining: row.try_get::<i64, _>("draining")? != 0,
            capacity: u32::try_from(row.try_get::<i64, _>("capacity")?).unwrap_or(u32::MAX),
            units: words(row.try_get("units")?),
            networks: words(row.try_get("networks")?),
        })
    };
    rows.iter().map(row).collect()
}

/// Keeps what was said of a node.
pub(crate) async fn set(db: &Db, node: &NodeRow) -> Result<()> {
    sqlx::query(
        "insert into node (name, draining, capacity, units, networks) values ($1, $2, $3, $4, $5) \
         on conflict (name) do update set draining = excluded.draining, capacity = excluded.capacity, \
         units = excluded.units, networks = excluded.networks",
    )
    .bind(&node.name)
    .bind(i64::from(node.draining))
    .bind(i64::from(node.capacity))
    .bind(node.units.join(" "))
    .bind(node.networks.join(" "))
    .execute(&db.write)
    .await?;
    Ok(())
}

/// Sends a site to a node from now on; none: wherever it belongs. False: there is no such site.
pub(crate) async fn set_site(db: &Db, site: SiteId, node: Option<&str>) -> Result<bool> {
    let known = sqlx::query("select 1 from site where site_id = $1")
        .bind(site.to_string())
        .fetch_optional(&db.read)
        .await?;
    if known.is_none() {
        return Ok(false);
    }
    let query = match node {
        Some(name) => sqlx::query(
            "insert into site_node (site_id, name) values ($1, $2) \
             on conflict (site_id) do update set name = excluded.name",
        )
        .bind(site.to_string())
        .bind(name),
        None => sqlx::query("delete from site_node where site_id = $1").bind(site.to_string()),
    };
    query.execute(&db.write).await?;
    Ok(true)
}

/// The node that an administrator named for a site, and the codes of its unit and of all above it, nearest first.
pub(crate) async fn belonging(db: &Db, site: SiteId) -> Result<(Option<String>, Vec<String>)> {
    let word = sqlx::query("select name from site_node where site_id = $1")
        .bind(site.to_string())
        .fetch_optional(&db.read)
        .await?;
    let rows = sqlx::query(
        "with recursive above (unit_id, level) as ( \
           select unit_id, 0 from site where site_id = $1 \
           union all \
           select unit.parent_id, level + 1 from above join unit on unit.unit_id = above.unit_id \
           where unit.parent_id is not null and level < $2) \
         select unit.code from above join unit on unit.unit_id = above.unit_id order by level",
    )
    .bind(site.to_string())
    .bind(UNITS_MAX)
    .fetch_all(&db.read)
    .await?;
    let units = rows.iter().map(|row| Ok(row.try_get("code")?)).collect::<Result<_>>()?;
    Ok((word.map(|row| row.try_get("name")).transpose()?, units))
}
