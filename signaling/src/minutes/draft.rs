//! The draft of the minutes: a pure function of the facts. Figures come from the log; what only people
//! know (who spoke in a hall, what was concluded) is left to the secretary.

use std::collections::HashMap;

use protocol::agenda::AgendaFact;
use protocol::api::{Meeting, Site};
use protocol::conduct::ConductFact;
use protocol::fact::{Fact, FactRecord};
use protocol::id::{ParticipantId, SiteId};
use protocol::minutes::{
    AttendanceRow, DecisionRow, MinutesDocument, MinutesForm, RecordingRow, SpeechRow,
};
use protocol::role::RoomRole;
use protocol::roll::{RollFact, RollState};
use protocol::time::Timestamp;

use super::chapters::decisions;
use super::{papers, votes};
use crate::room::concluded;

/// What a draft is made from.
pub(super) struct Sources<'a> {
    pub(super) meeting: &'a Meeting,
    pub(super) facts: &'a [FactRecord],
    /// Invited, in protocol order.
    pub(super) sites: &'a [Site],
    /// Name of the unit at the top of the tree, for example "Tỉnh Quảng Trị".
    pub(super) province: Option<&'a str>,
    pub(super) recordings: Vec<RecordingRow>,
    pub(super) log_hash: String,
}

/// Drafts the minutes of a meeting.
pub(super) fn draft(sources: &Sources<'_>) -> MinutesDocument {
    let read = Reading::of(sources.facts);
    let meeting = sources.meeting;
    let started_at = meeting.opened_at.unwrap_or(meeting.scheduled_at);
    let ended_at = meeting.ended_at.or(read.last_at).unwrap_or(started_at);
    MinutesDocument {
        form: MinutesForm::State,
        parent_body: String::new(),
        issuing_body: String::new(),
        number: String::new(),
        place: sources.province.map(place_name).unwrap_or_default(),
        dated: ended_at,
        title: meeting.title.clone(),
        started_at,
        ended_at,
        venue: venue(&meeting.venue, sources.sites.len()),
        chair: read.name_of_role(RoomRole::Chair),
        secretary: read.name_of_role(RoomRole::Secretary),
        attendance: checked(read.attendance(sources.sites, ended_at), sources.facts),
        opening: agenda(sources.facts),
        speeches: read.speeches(ended_at),
        decisions: read.decisions(sources.facts),
        votes: votes::rows(sources.facts),
        conclusion: conclusion(sources.facts),
        recordings: sources.recordings.clone(),
        papers: papers::rows(sources.facts),
        recipients: Vec::new(),
        log_hash: sources.log_hash.clone(),
    }
}

/// The agenda as it was set last; the secretary writes the rest of the opening.
fn agenda(facts: &[FactRecord]) -> String {
    let items = facts.iter().rev().find_map(|record| match &record.fact {
        Fact::Agenda(AgendaFact::Set { items }) => Some(items),
        _ => None,
    });
    let Some(items) = items.filter(|it| !it.is_empty()) else { return String::new() };
    let lines = items.iter().zip(1..).map(|(item, n): (_, u32)| format!("{n}. {}.", item.title));
    format!("Chương trình:\n\n{}", lines.collect::<Vec<_>>().join("\n\n"))
}

/// What chair and secretary wrote on each item while the meeting went on.
fn conclusion(facts: &[FactRecord]) -> String {
    let mut conclusions = Vec::new();
    for record in facts {
        if let Fact::Agenda(AgendaFact::Concluded(conclusion)) = &record.fact {
            concluded(&mut conclusions, conclusion);
        }
    }
    let text = conclusions.iter().map(|it| match it.title.as_str() {
        "" => it.text.clone(),
        title => format!("{title}: {}", it.text),
    });
    text.collect::<Vec<_>>().join("\n\n")
}

/// Attendance as the last closed roll has it; what the connections alone say where none was taken.
fn checked(mut rows: Vec<AttendanceRow>, facts: &[FactRecord]) -> Vec<AttendanceRow> {
    let closed = facts.iter().rev().find_map(|record| match &record.fact {
        Fact::Roll(RollFact::Closed { rows, .. }) => Some(rows),
        _ => None,
    });
    for row in &mut rows {
        let called = closed.into_iter().flatten().find(|it| Some(it.site) == row.site);
        if let Some(called) = called {
            row.present = called.state.is_present();
            row.headcount = called.headcount;
            row.remark = match called.state {
                RollState::InPerson => format!("Trực tiếp. {}", called.reason),
                RollState::Online | RollState::Absent | RollState::Unchecked => {
                    called.reason.clone()
                }
            };
        }
    }
    rows
}

/// "Hội trường UBND tỉnh, trực tuyến đến 78 điểm cầu".
fn venue(hall: &str, n_sites: usize) -> String {
    let online = format!("trực tuyến đến {n_sites} điểm cầu");
    match (hall.trim(), n_sites) {
        (hall, 0) => hall.to_owned(),
        ("", _) => format!("T{}", &online[1..]),
        (hall, _) => format!("{hall}, {online}"),
    }
}

/// The date line names the place without "Tỉnh" (Nghị định 30/2020/NĐ-CP, Phụ lục I, mục II.4).
fn place_name(province: &str) -> String {
    let bare = ["Tỉnh ", "Thành phố "].iter().find_map(|prefix| province.strip_prefix(prefix));
    bare.unwrap_or(province).to_owned()
}

#[derive(Default)]
struct SeatFacts {
    name: String,
    role: Option<RoomRole>,
    site: Option<SiteId>,
    headcount: u32,
    local_chair: String,
    first_joined: Option<Timestamp>,
    last_left: Option<Timestamp>,
    connected_since: Option<Timestamp>,
    connected_ms: u64,
}

struct Held {
    participant: ParticipantId,
    /// The delegate who was invited.
    delegate: Option<ParticipantId>,
    from: Timestamp,
    to: Option<Timestamp>,
}

struct Spoke {
    participant: ParticipantId,
    from: Timestamp,
    ms: u64,
}

/// The chair's own hall, as the minutes call it.
const MAIN_SITE: &str = "Điểm cầu chính";

/// What the facts say, gathered in one pass.
#[derive(Default)]
struct Reading {
    order: Vec<ParticipantId>,
    seats: HashMap<ParticipantId, SeatFacts>,
    held: Vec<Held>,
    spoke: Vec<Spoke>,
    last_at: Option<Timestamp>,
}

impl Reading {
    fn of(facts: &[FactRecord]) -> Self {
        let mut reading = Self::default();
        let mut before = None;
        for record in facts {
            if record.fact == Fact::Resumed {
                // The server was down since the last fact before: nobody was connected meanwhile.
                reading.all_gone(before.unwrap_or(record.at));
            }
            reading.take(record);
            before = Some(record.at);
        }
        reading.last_at = before;
        reading
    }

    fn seat(&mut self, id: ParticipantId) -> &mut SeatFacts {
        self.seats.entry(id).or_insert_with(|| {
            self.order.push(id);
            SeatFacts::default()
        })
    }

    fn take(&mut self, record: &FactRecord) {
        match &record.fact {
            Fact::Seated { participant, role, name, site, .. } => {
                let seat = self.seat(*participant);
                name.clone_into(&mut seat.name);
                (seat.role, seat.site) = (Some(*role), *site);
            }
            Fact::Joined { participant } => {
                let seat = self.seat(*participant);
                seat.first_joined.get_or_insert(record.at);
                seat.connected_since.get_or_insert(record.at);
            }
            Fact::Left { participant, .. } => self.seat(*participant).gone(record.at),
            Fact::Declared { participant, headcount, local_chair } => {
                let seat = self.seat(*participant);
                seat.headcount = *headcount;
                local_chair.clone_into(&mut seat.local_chair);
            }
            Fact::FloorGranted { participant } => {
                self.floor_back(record.at);
                let participant = *participant;
                self.held.push(Held { participant, delegate: None, from: record.at, to: None });
            }
            Fact::Conduct(ConductFact::Speaks { delegate, .. }) => {
                if let Some(held) = self.held.last_mut() {
                    held.delegate = Some(*delegate);
                }
            }
            Fact::FloorReleased { .. } => self.floor_back(record.at),
            Fact::Spoke { participant, from, ms } => {
                self.spoke.push(Spoke { participant: *participant, from: *from, ms: *ms });
            }
            Fact::Ended => {
                self.all_gone(record.at);
                self.floor_back(record.at);
            }
            _ => {}
        }
    }

    fn floor_back(&mut self, at: Timestamp) {
        if let Some(held) = self.held.last_mut() {
            held.to.get_or_insert(at);
        }
    }

    fn all_gone(&mut self, at: Timestamp) {
        for seat in self.seats.values_mut() {
            seat.gone(at);
        }
    }

    fn name(&self, id: ParticipantId) -> String {
        self.seats.get(&id).map(|it| it.name.clone()).unwrap_or_default()
    }

    fn name_of_role(&self, role: RoomRole) -> String {
        let seats = self.order.iter().filter_map(|id| self.seats.get(id));
        let mut named = seats.filter(|it| it.role == Some(role) && it.first_joined.is_some());
        named.next().map(|it| it.name.clone()).unwrap_or_default()
    }

    /// The chair's own hall where it has declared its delegates, every invited site in protocol order, then whoever came as a site without being invited.
    fn attendance(&self, sites: &[Site], ended_at: Timestamp) -> Vec<AttendanceRow> {
        let seat_of = |site: SiteId| self.seats.values().find(|it| it.site == Some(site));
        let absent = SeatFacts::default();
        let invited = sites.iter().map(|site| {
            seat_of(site.id).unwrap_or(&absent).row(Some(site.id), &site.name, ended_at)
        });
        let others = self.order.iter().filter_map(|id| self.seats.get(id)).filter(|it| {
            it.role == Some(RoomRole::Site)
                && it.site.is_none_or(|site| sites.iter().all(|invited| invited.id != site))
        });
        let halls = self
            .order
            .iter()
            .filter_map(|id| self.seats.get(id))
            .filter(|it| it.role == Some(RoomRole::Chair) && it.headcount > 0);
        let halls = halls.map(|it| it.row(None, MAIN_SITE, ended_at));
        halls.chain(invited).chain(others.map(|it| it.row(it.site, &it.name, ended_at))).collect()
    }

    fn speeches(&self, ended_at: Timestamp) -> Vec<SpeechRow> {
        self.held
            .iter()
            .map(|held| {
                let to = held.to.unwrap_or(ended_at);
                SpeechRow {
                    at: held.from,
                    name: self.name(held.participant),
                    speaker: held.delegate.map(|it| self.name(it)).unwrap_or_default(),
                    held_ms: to.ms_since(held.from),
                    spoken_ms: self.spoken_ms(held.participant, held.from, to),
                    summary: String::new(),
                }
            })
            .collect()
    }

    /// Speech of a participant inside a stretch of time; only the part that overlaps counts.
    fn spoken_ms(&self, participant: ParticipantId, from: Timestamp, to: Timestamp) -> u64 {
        let mine = self.spoke.iter().filter(|it| it.participant == participant);
        mine.map(|it| {
            let end = Timestamp(it.from.0.saturating_add_unsigned(it.ms));
            end.min(to).ms_since(it.from.max(from))
        })
        .sum()
    }

    fn decisions(&self, facts: &[FactRecord]) -> Vec<DecisionRow> {
        let marked = decisions(facts);
        let sent = facts.iter().filter_map(|record| match &record.fact {
            Fact::MessageSent { message, text } if marked.get(message) == Some(&true) => {
                let name = record.by.map(|id| self.name(id)).unwrap_or_default();
                Some(DecisionRow { at: record.at, name, text: text.clone() })
            }
            _ => None,
        });
        sent.collect()
    }
}

impl SeatFacts {
    fn gone(&mut self, at: Timestamp) {
        if let Some(since) = self.connected_since.take() {
            self.connected_ms += at.ms_since(since);
            self.last_left = Some(at);
        }
    }

    fn row(&self, site: Option<SiteId>, name: &str, ended_at: Timestamp) -> AttendanceRow {
        let running = self.connected_since.map_or(0, |since| ended_at.ms_since(since));
        AttendanceRow {
            site,
            name: name.to_owned(),
            present: self.first_joined.is_some(),
            headcount: self.headcount,
            local_chair: self.local_chair.clone(),
            joined_at: self.first_joined,
            left_at: if running > 0 { Some(ended_at) } else { self.last_left },
            connected_ms: self.connected_ms + running,
            remark: String::new(),
        }
    }
}
