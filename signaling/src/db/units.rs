//! The tree of units, and their sites.

use protocol::api::{Site, Unit};
use protocol::id::{SiteId, UnitId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Db, Result, Writer, parsed, parsed_option};
use crate::text::fold;

/// Every unit in protocol order, with its sites.
pub(crate) async fn list(db: &Db) -> Result<Vec<Unit>> {
    let rows =
        sqlx::query("select unit_id, parent_id, code, name from unit order by position, code")
            .fetch_all(&db.read)
            .await?;
    let mut units = rows
        .iter()
        .map(|row| {
            Ok(Unit {
                id: parsed(row, "unit_id")?,
                parent: parsed_option(row, "parent_id")?,
                code: row.try_get("code")?,
                name: row.try_get("name")?,
                sites: Vec::new(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let place: std::collections::HashMap<UnitId, usize> =
        units.iter().enumerate().map(|(index, unit)| (unit.id, index)).collect();
    let rows = sqlx::query("select site_id, unit_id, name from site order by position, site_id")
        .fetch_all(&db.read)
        .await?;
    for row in rows {
        let site = site(&row)?;
        if let Some(unit) = place.get(&site.unit).and_then(|index| units.get_mut(*index)) {
            unit.sites.push(site);
        }
    }
    Ok(units)
}

/// Finds a unit by its official code.
pub(crate) async fn find_by_code(db: &Db, code: &str) -> Result<Option<UnitId>> {
    let row = sqlx::query("select unit_id from unit where code = $1")
        .bind(code)
        .fetch_optional(&db.read)
        .await?;
    row.map(|row| parsed(&row, "unit_id")).transpose()
}

/// The sites invited to a meeting, in protocol order.
pub(crate) async fn invited(db: &Db, meeting: protocol::id::MeetingId) -> Result<Vec<Site>> {
    let rows = sqlx::query(
        "select site.site_id, unit_id, name from invitation \
         join site on site.site_id = invitation.site_id \
         where meeting_id = $1 order by position, site.site_id",
    )
    .bind(meeting.to_string())
    .fetch_all(&db.read)
    .await?;
    rows.iter().map(site).collect()
}

fn site(row: &SqliteRow) -> Result<Site> {
    Ok(Site {
        id: parsed(row, "site_id")?,
        unit: parsed(row, "unit_id")?,
        name: row.try_get("name")?,
    })
}

/// A unit with its one site, to be added.
pub(crate) struct NewUnit {
    pub(crate) id: UnitId,
    pub(crate) parent: Option<UnitId>,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) site: SiteId,
    pub(crate) site_name: String,
    pub(crate) position: i64,
}

/// Adds units with a site each, all or none.
pub(crate) async fn insert(db: &Db, units: &[NewUnit]) -> Result<()> {
    let mut tx = db.write.begin().await?;
    for unit in units {
        insert_one(&mut tx, unit).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn insert_one(tx: &mut Writer, unit: &NewUnit) -> Result<()> {
    sqlx::query(
        "insert into unit (unit_id, parent_id, code, name, folded, position) \
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(unit.id.to_string())
    .bind(unit.parent.map(|it| it.to_string()))
    .bind(&unit.code)
    .bind(&unit.name)
    .bind(fold(&unit.name))
    .bind(unit.position)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "insert into site (site_id, unit_id, name, folded, position) values ($1, $2, $3, $4, $5)",
    )
    .bind(unit.site.to_string())
    .bind(unit.id.to_string())
    .bind(&unit.site_name)
    .bind(fold(&unit.site_name))
    .bind(unit.position)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
