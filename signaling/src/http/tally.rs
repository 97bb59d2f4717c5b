//! The result of one vote as a table to be taken away: its counts by site, and what follows from them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, VoteId};
use protocol::table::{Cell, Column, TableDocument};
use protocol::vote::{Share, ShareOf, SiteTally, VoteMethod, VoteOutcome, VoteRules};

use super::access::SignedIn;
use super::body::Parsed;
use super::meetings::found;
use super::table::{self, Kind};
use super::{ApiError, App};
use crate::db::facts;
use crate::room::reports;

/// How the file is called.
const STEM: &str = "bieu-quyet";

/// `GET /api/meetings/{id}/votes/{vote}/result.csv`.
pub(super) async fn csv(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Parsed((id, vote)): Parsed<(MeetingId, VoteId)>,
) -> Result<Response, ApiError> {
    answer(&app, id, vote, Kind::Csv).await
}

/// `GET /api/meetings/{id}/votes/{vote}/result.xlsx`.
pub(super) async fn xlsx(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Parsed((id, vote)): Parsed<(MeetingId, VoteId)>,
) -> Result<Response, ApiError> {
    answer(&app, id, vote, Kind::Xlsx).await
}

/// `GET /api/meetings/{id}/votes/{vote}/result.pdf`.
pub(super) async fn pdf(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Parsed((id, vote)): Parsed<(MeetingId, VoteId)>,
) -> Result<Response, ApiError> {
    answer(&app, id, vote, Kind::Pdf).await
}

async fn answer(app: &App, id: MeetingId, vote: VoteId, kind: Kind) -> Result<Response, ApiError> {
    let meeting = found(app, id).await?;
    let entries = facts::list(&app.db, id).await?;
    let report = reports(entries.iter().map(|it| &it.record))
        .into_iter()
        .find(|it| it.view.vote == vote)
        .ok_or(ErrorCode::NotFound)?;
    // What is not counted yet, or was called off, has no result.
    let outcome = report.view.outcome.ok_or(ErrorCode::NotFound)?;
    let seal = facts::last_hash(&app.db, id).await?;
    let mut table = written(&report.view.rules, &outcome);
    table.lines.insert(0, meeting.title);
    table.seal = format!("Nhật ký sự kiện (SHA-256): {seal}");
    table::answer(app, id, STEM, table, kind).await
}

fn written(rules: &VoteRules, outcome: &VoteOutcome) -> TableDocument {
    let column = |heading: &str, share| Column { heading: heading.to_owned(), share };
    let mut lines = vec![rules.title.clone(), method(rules.method).to_owned()];
    lines.extend(rule(rules));
    lines.extend(verdict(rules, outcome));
    let mut rows: Vec<_> =
        outcome.by_site.iter().zip(1..).map(|(row, index)| cells(row, index)).collect();
    rows.push(total(outcome));
    TableDocument {
        title: "Kết quả biểu quyết".to_owned(),
        lines,
        columns: vec![
            column("STT", 1),
            column("Điểm cầu", 6),
            column("Có quyền", 2),
            column("Đồng ý", 2),
            column("Không đồng ý", 2),
            column("Phiếu trắng", 2),
            column("Không biểu quyết", 3),
        ],
        rows,
        notes: outcome
            .ballots
            .iter()
            .map(|it| format!("Danh sách phiếu (SHA-256): {it}"))
            .collect(),
        seal: String::new(),
    }
}

fn method(method: VoteMethod) -> &'static str {
    match method {
        VoteMethod::Cards => "Hình thức: giơ thẻ tại điểm cầu",
        VoteMethod::Delegates => "Hình thức: từng đại biểu trên thiết bị riêng",
        VoteMethod::Consensus => "Hình thức: thống nhất, điểm cầu có ý kiến khác thì báo",
        VoteMethod::Poll => "Hình thức: thăm dò ý kiến bằng phiếu kín",
    }
}

fn rule(rules: &VoteRules) -> Option<String> {
    let share = |share| match share {
        Share::OverHalf => "quá nửa",
        Share::TwoThirds => "từ hai phần ba",
    };
    let whole = match rules.threshold_of {
        ShareOf::Eligible => "số đại biểu có quyền biểu quyết",
        ShareOf::Voted => "số đại biểu đã biểu quyết",
    };
    rules.threshold.map(|it| format!("Thông qua khi {} {whole} đồng ý", share(it)))
}

fn verdict(rules: &VoteRules, outcome: &VoteOutcome) -> Vec<String> {
    let mut lines = Vec::new();
    if rules.quorum.is_some() && outcome.quorum_met == Some(false) {
        lines.push("Không đủ số người biểu quyết".to_owned());
    }
    lines.extend(outcome.adopted.map(|adopted| {
        let words = if adopted {
            "Kết quả: được thông qua"
        } else {
            "Kết quả: không được thông qua"
        };
        words.to_owned()
    }));
    lines
}

fn cells(row: &SiteTally, index: u64) -> Vec<Cell> {
    let name = if row.name.is_empty() { "Hội trường" } else { &row.name };
    let mut cells = vec![Cell::Number(index), Cell::Text(name.to_owned())];
    cells.extend(counts(row.eligible, row.tally));
    cells
}

fn total(outcome: &VoteOutcome) -> Vec<Cell> {
    let mut cells = vec![Cell::Text(String::new()), Cell::Text("Cộng".to_owned())];
    cells.extend(counts(outcome.eligible, outcome.tally));
    cells
}

fn counts(eligible: u32, tally: protocol::vote::Tally) -> [Cell; 5] {
    let silent = u64::from(eligible).saturating_sub(tally.total());
    [eligible.into(), tally.agree.into(), tally.disagree.into(), tally.blank.into(), silent]
        .map(Cell::Number)
}

#[cfg(test)]
mod tests {
    use protocol::vote::Tally;

    use super::*;

    #[test]
    fn the_last_row_is_the_sum_of_the_others_and_tells_who_kept_silent() {
        let tally = |agree, disagree, blank| Tally { agree, disagree, blank };
        let site = |name: &str, eligible, tally| SiteTally {
            site: None,
            name: name.to_owned(),
            eligible,
            tally,
        };
        let outcome = VoteOutcome {
            tally: tally(25, 3, 2),
            eligible: 42,
            quorum_met: Some(false),
            adopted: Some(false),
            by_site: vec![site("Xã A", 30, tally(25, 3, 2)), site("", 12, Tally::default())],
            ballots: None,
        };
        let rules = VoteRules {
            title: "Thông qua nghị quyết".to_owned(),
            method: VoteMethod::Cards,
            threshold: Some(Share::OverHalf),
            threshold_of: ShareOf::Eligible,
            quorum: Some(Share::TwoThirds),
            held_back: false,
        };
        let table = written(&rules, &outcome);
        let numbers = |row: &[Cell]| -> Vec<u64> {
            let number = |it: &Cell| match it {
                Cell::Number(number) => Some(*number),
                Cell::Text(_) => None,
            };
            row.iter().skip(2).filter_map(number).collect()
        };
        assert_eq!(numbers(&table.rows[0]), [30, 25, 3, 2, 0]);
        assert_eq!(numbers(&table.rows[1]), [12, 0, 0, 0, 12]);
        assert_eq!(numbers(&table.rows[2]), [42, 25, 3, 2, 12]);
        assert_eq!(table.rows[1][1], Cell::Text("Hội trường".to_owned()));
        assert_eq!(table.lines[2], "Thông qua khi quá nửa số đại biểu có quyền biểu quyết đồng ý");
        assert_eq!(table.lines[3], "Không đủ số người biểu quyết");
    }
}
