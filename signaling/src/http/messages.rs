//! What was written in a meeting, taken away as CSV or plain text: messages to everyone, notes between sites and
//! the desk, words on every screen. For those who run or prepare the meeting.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use protocol::desk::DeskFact;
use protocol::fact::{Fact, FactRecord};
use protocol::id::{MeetingId, ParticipantId};
use protocol::role::AccountRole;
use protocol::table::{Cell, Column, TableDocument};
use protocol::time::Timestamp;

use super::access::SignedIn;
use super::body::Parsed;
use super::meetings::found;
use super::table::{self, Kind};
use super::{ApiError, App};
use crate::db::facts;

/// How the file is called.
const STEM: &str = "tin-nhan";

/// Vietnam has no summer time.
const OFFSET_S: i64 = 7 * 3_600;

/// One line of the file.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    at: String,
    from: String,
    to: String,
    text: String,
}

/// `GET /api/meetings/{id}/messages.csv`.
pub(super) async fn csv(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Response, ApiError> {
    let lines = lines(&app, &account, id).await?;
    table::answer(&app, id, STEM, as_table(&lines), Kind::Csv).await
}

/// `GET /api/meetings/{id}/messages.txt`.
pub(super) async fn txt(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Response, ApiError> {
    let lines = lines(&app, &account, id).await?;
    let text =
        lines.iter().map(|it| format!("[{}] {} → {}: {}\r\n", it.at, it.from, it.to, it.text));
    table::file(&app, id, STEM, Kind::Txt, text.collect::<String>().into_bytes()).await
}

async fn lines(app: &App, account: &SignedIn, id: MeetingId) -> Result<Vec<Line>, ApiError> {
    use AccountRole::{Chair, Desk, Host, Secretary};
    account.require(&[Desk, Secretary, Chair, Host])?;
    found(app, id).await?;
    let entries = facts::list(&app.db, id).await?;
    Ok(written(entries.iter().map(|it| &it.record)))
}

fn written<'a>(records: impl Iterator<Item = &'a FactRecord>) -> Vec<Line> {
    let mut names: HashMap<ParticipantId, String> = HashMap::new();
    let mut lines = Vec::new();
    for record in records {
        let name = |id: Option<ParticipantId>| {
            id.and_then(|it| names.get(&it).cloned()).unwrap_or_else(|| "Bàn kỹ thuật".to_owned())
        };
        let (to, text) = match &record.fact {
            Fact::Seated { participant, name, .. } => {
                names.insert(*participant, name.clone());
                continue;
            }
            Fact::MessageSent { text, .. } => ("Mọi điểm cầu".to_owned(), text),
            Fact::Desk(DeskFact::Noted { to, text, .. }) => (name(*to), text),
            Fact::Desk(DeskFact::Announced { text }) if !text.is_empty() => {
                ("Thông báo trên màn hình".to_owned(), text)
            }
            _ => continue,
        };
        let (at, from, text) = (local(record.at), name(record.by), text.clone());
        lines.push(Line { at, from, to, text });
    }
    lines
}

fn as_table(lines: &[Line]) -> TableDocument {
    let column = |heading: &str| Column { heading: heading.to_owned(), share: 1 };
    let row = |line: &Line| {
        [&line.at, &line.from, &line.to, &line.text].map(|it| Cell::Text(it.clone())).to_vec()
    };
    TableDocument {
        title: String::new(),
        lines: Vec::new(),
        columns: ["Thời gian", "Người gửi", "Nơi nhận", "Nội dung"].map(column).to_vec(),
        rows: lines.iter().map(row).collect(),
        notes: Vec::new(),
        seal: String::new(),
    }
}

/// `dd/mm/yyyy hh:mm:ss` in Vietnam.
fn local(at: Timestamp) -> String {
    let seconds = at.0.div_euclid(1_000) + OFFSET_S;
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to a date: Howard Hinnant's civil_from_days.
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{day:02}/{month:02}/{year} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use protocol::id::MessageId;
    use protocol::role::RoomRole;

    use super::*;

    #[test]
    fn times_are_those_of_vietnam() {
        assert_eq!(local(Timestamp(0)), "01/01/1970 07:00:00");
        assert_eq!(local(Timestamp(1_709_225_999_000)), "29/02/2024 23:59:59");
        assert_eq!(local(Timestamp(1_709_226_000_000)), "01/03/2024 00:00:00");
        assert_eq!(local(Timestamp(1_798_736_400_000)), "01/01/2027 00:00:00");
    }

    #[test]
    fn messages_notes_and_words_for_all_are_in_the_file_and_no_formula() {
        let (site, message) = (ParticipantId::from_parts(1, 1), MessageId::from_parts(1, 1));
        let name = "Điểm cầu xã Lệ Thủy".to_owned();
        let seated = Fact::Seated {
            participant: site,
            role: RoomRole::Site,
            name,
            site: None,
            account: None,
            link: None,
        };
        let facts = [
            (None, seated),
            (Some(site), Fact::MessageSent { message, text: "=1+1".into() }),
            (
                Some(site),
                Fact::Desk(DeskFact::Noted { message, to: None, text: "Mất tiếng".into() }),
            ),
            (None, Fact::Desk(DeskFact::Noted { message, to: Some(site), text: "Đã rõ".into() })),
            (None, Fact::Desk(DeskFact::Announced { text: "Giải lao".into() })),
            (None, Fact::Desk(DeskFact::Announced { text: String::new() })),
        ];
        let records: Vec<_> = (1..)
            .zip(facts)
            .map(|(seq, (by, fact))| FactRecord { seq, at: Timestamp(0), by, fact })
            .collect();
        let csv = table::csv(&as_table(&written(records.iter())));
        assert_eq!(csv.lines().count(), 5, "a heading and four lines: {csv}");
        assert!(csv.contains("\"Điểm cầu xã Lệ Thủy\",\"Mọi điểm cầu\",\"'=1+1\""));
        assert!(csv.contains("\"Điểm cầu xã Lệ Thủy\",\"Bàn kỹ thuật\",\"Mất tiếng\""));
        assert!(csv.contains("\"Bàn kỹ thuật\",\"Điểm cầu xã Lệ Thủy\",\"Đã rõ\""));
    }
}
