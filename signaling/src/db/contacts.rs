//! Whom to telephone at a site.

use protocol::api::Site;
use protocol::health::{Contact, DeskSite};
use protocol::id::{MeetingId, SiteId};
use sqlx::Row as _;

use super::{Db, Result, parsed};

/// The sites invited to a meeting with their contacts, in protocol order.
pub(crate) async fn invited(db: &Db, meeting: MeetingId) -> Result<Vec<DeskSite>> {
    let rows = sqlx::query(
        "select site.site_id, unit_id, name, person, phone from invitation \
         join site on site.site_id = invitation.site_id \
         left join contact on contact.site_id = site.site_id \
         where meeting_id = $1 order by position, site.site_id",
    )
    .bind(meeting.to_string())
    .fetch_all(&db.read)
    .await?;
    rows.iter()
        .map(|row| {
            let text = |column| row.try_get::<Option<String>, _>(column);
            Ok(DeskSite {
                site: parsed(row, "site_id")?,
                unit: parsed(row, "unit_id")?,
                name: row.try_get("name")?,
                contact: Contact {
                    person: text("person")?.unwrap_or_default(),
                    phone: text("phone")?.unwrap_or_default(),
                },
            })
        })
        .collect()
}

/// Sets a site's contact. False: there is no such site.
pub(crate) async fn set(db: &Db, site: SiteId, contact: &Contact) -> Result<bool> {
    let mut tx = db.write.begin().await?;
    let found = sqlx::query("select 1 from site where site_id = $1")
        .bind(site.to_string())
        .fetch_optional(&mut *tx)
        .await?;
    if found.is_none() {
        return Ok(false);
    }
    sqlx::query(
        "insert into contact (site_id, person, phone) values ($1, $2, $3) \
         on conflict (site_id) do update set person = excluded.person, phone = excluded.phone",
    )
    .bind(site.to_string())
    .bind(&contact.person)
    .bind(&contact.phone)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(true)
}

/// Gives contacts to sites that have none, all or none.
pub(crate) async fn fill(db: &Db, contacts: &[(Site, Contact)]) -> Result<()> {
    let mut tx = db.write.begin().await?;
    for (site, contact) in contacts {
        sqlx::query(
            "insert into contact (site_id, person, phone) values ($1, $2, $3) \
             on conflict (site_id) do nothing",
        )
        .bind(site.id.to_string())
        .bind(&contact.person)
        .bind(&contact.phone)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(())
}
