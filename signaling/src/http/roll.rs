//! Roll-call over HTTP: begun with the list of who is invited, taken away as PDF, workbook or CSV.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use protocol::api::{Delegate, Unit};
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, RollId, UnitId};
use protocol::roll::{Amendment, NewRoll, RollRow, RollSite, RollState, RollTotals, RollView};
use protocol::table::{Cell, Column, TableDocument};

use super::access::SignedIn;
use super::body::{Body, Parsed};
use super::meetings::found;
use super::table::{self, Kind};
use super::votes::seat_of;
use super::{ApiError, App};
use crate::db::{delegates, facts, units};
use crate::room::{Act, RoomState, roll_report};
use crate::secret::entropy;

/// How the file is called.
const STEM: &str = "diem-danh";

/// `POST /api/meetings/{id}/roll`.
pub(super) async fn open(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
    Body(rules): Body<NewRoll>,
) -> Result<StatusCode, ApiError> {
    let by = seat_of(&app, &account, id).await?;
    let invited = units::invited(&app.db, id).await?;
    let site = |it: protocol::api::Site| RollSite { site: it.id, name: it.name, unit: it.unit };
    let sites = invited.into_iter().map(site).collect();
    let roll = RollId::from_parts(u64::try_from(app.now().0).unwrap_or(0), entropy());
    app.hub.act(id, Act::OpenRoll { by, roll, rules, sites }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/meetings/{id}/roll.csv`.
pub(super) async fn csv(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Response, ApiError> {
    table::answer(&app, id, STEM, last(&app, id).await?, Kind::Csv).await
}

/// `GET /api/meetings/{id}/roll.xlsx`.
pub(super) async fn xlsx(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Response, ApiError> {
    table::answer(&app, id, STEM, last(&app, id).await?, Kind::Xlsx).await
}

/// `GET /api/meetings/{id}/roll.pdf`.
pub(super) async fn pdf(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Response, ApiError> {
    table::answer(&app, id, STEM, last(&app, id).await?, Kind::Pdf).await
}

/// The last roll of a meeting as a table.
async fn last(app: &App, id: MeetingId) -> Result<TableDocument, ApiError> {
    let meeting = found(app, id).await?;
    let mut state = RoomState::new(id);
    for entry in facts::list(&app.db, id).await? {
        state.apply(&entry);
    }
    let (view, rows) = roll_report(&state).ok_or(ErrorCode::NotFound)?;
    let named = delegates::list(&app.db, id).await?;
    let units = units::list(&app.db).await?;
    let seal = facts::last_hash(&app.db, id).await?;
    let mut table = written(&view, &rows, &named, &units);
    table.lines.insert(0, meeting.title);
    table.seal = format!("Nhật ký sự kiện (SHA-256): {seal}");
    Ok(table)
}

fn written(view: &RollView, rows: &[RollRow], named: &[Delegate], units: &[Unit]) -> TableDocument {
    let column = |heading: &str, share| Column { heading: heading.to_owned(), share };
    let totals = RollTotals::of(rows).with_hall(view.hall);
    let mut lines = vec![format!("Có mặt {}", summary(totals, view.rules.summoned))];
    lines.extend(view.rules.is_met(totals).map(|met| {
        let words = if met {
            "Đủ số lượng theo quy định"
        } else {
            "Chưa đủ số lượng theo quy định"
        };
        words.to_owned()
    }));
    if view.closed_at.is_none() {
        lines.push("Đang điểm danh, số liệu chưa chốt".to_owned());
    }
    let hall =
        (view.hall > 0).then(|| format!("Trong đó tại điểm cầu chính: {} đại biểu", view.hall));
    lines.extend(hall);
    let mut notes = rolled_up(rows, units);
    notes.extend(view.amendments.iter().map(amendment));
    TableDocument {
        title: "Bảng tổng hợp điểm danh".to_owned(),
        lines,
        columns: vec![
            column("STT", 1),
            column("Điểm cầu", 4),
            column("Có mặt / vắng", 3),
            column("Số đại biểu", 2),
            column("Chủ trì tại điểm cầu", 4),
            column("Lý do, ghi chú", 4),
            column("Đại biểu", 5),
        ],
        rows: rows.iter().zip(1..).map(|(row, index)| cells(row, index, named)).collect(),
        notes,
        seal: String::new(),
    }
}

/// "76/78 điểm cầu, 2134/2210 đại biểu".
fn summary(totals: RollTotals, summoned: u32) -> String {
    let of = if summoned > 0 { format!("/{summoned}") } else { String::new() };
    format!("{}/{} điểm cầu, {}{of} đại biểu", totals.n_present, totals.n_sites, totals.headcount)
}

fn words(state: RollState) -> &'static str {
    match state {
        RollState::InPerson => "Có mặt trực tiếp",
        RollState::Online => "Có mặt trực tuyến",
        RollState::Absent => "Vắng mặt",
        RollState::Unchecked => "Chưa điểm danh",
    }
}

fn cells(row: &RollRow, index: u64, named: &[Delegate]) -> Vec<Cell> {
    let names: Vec<_> =
        named.iter().filter(|it| it.site == Some(row.site)).map(|it| it.name.as_str()).collect();
    let headcount = if row.state.is_present() { row.headcount } else { 0 };
    vec![
        Cell::Number(index),
        Cell::Text(row.name.clone()),
        Cell::Text(words(row.state).to_owned()),
        Cell::Number(headcount.into()),
        Cell::Text(row.local_chair.clone()),
        Cell::Text(row.reason.clone()),
        Cell::Text(names.join("; ")),
    ]
}

fn amendment(it: &Amendment) -> String {
    format!(
        "Điều chỉnh sau khi chốt: {}: {} ({}) thành {} ({}), lý do: {}",
        it.before.name,
        words(it.before.state),
        it.before.headcount,
        words(it.mark.state),
        it.mark.headcount,
        it.mark.reason
    )
}

/// Totals of every unit that has others below it, up the tree.
fn rolled_up(rows: &[RollRow], units: &[Unit]) -> Vec<String> {
    let parent: HashMap<UnitId, Option<UnitId>> =
        units.iter().map(|it| (it.id, it.parent)).collect();
    let mut sums: HashMap<UnitId, Vec<&RollRow>> = HashMap::new();
    for row in rows {
        let mut above = parent.get(&row.unit).copied().flatten();
        // A tree is never deeper than it has units; a loop in it ends here.
        for _ in 0..units.len() {
            let Some(unit) = above else { break };
            sums.entry(unit).or_default().push(row);
            above = parent.get(&unit).copied().flatten();
        }
    }
    let named = units.iter().filter_map(|unit| Some((unit, sums.get(&unit.id)?)));
    named
        .map(|(unit, rows)| {
            let totals = RollTotals::of(rows.iter().copied());
            format!("{}: {}", unit.name, summary(totals, 0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use protocol::id::SiteId;

    use super::*;

    #[test]
    fn totals_are_rolled_up_the_whole_tree() {
        let id = |n| UnitId::from_parts(n, 0);
        let unit = |n, parent: Option<u64>, name: &str| Unit {
            id: id(n),
            parent: parent.map(id),
            code: n.to_string(),
            name: name.into(),
            sites: Vec::new(),
        };
        let units = [
            unit(1, None, "Tỉnh"),
            unit(2, Some(1), "Cụm Bắc"),
            unit(3, Some(2), "Xã A"),
            unit(4, Some(1), "Xã B"),
        ];
        let row = |n, state, headcount| RollRow {
            site: SiteId::from_parts(n, 0),
            name: String::new(),
            unit: id(n),
            state,
            headcount,
            local_chair: String::new(),
            reason: String::new(),
        };
        let rows = [row(3, RollState::Online, 30), row(4, RollState::Absent, 12)];
        assert_eq!(
            rolled_up(&rows, &units),
            ["Tỉnh: 1/2 điểm cầu, 30 đại biểu", "Cụm Bắc: 1/1 điểm cầu, 30 đại biểu"]
        );
    }
}
