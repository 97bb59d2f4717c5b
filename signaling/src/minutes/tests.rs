//! Minutes and chapters of a small meeting, written down as facts.

use protocol::agenda::{AgendaFact, Conclusion};
use protocol::api::{ChapterKind, Meeting, MeetingState, Recording, RecordingPhase, Site};
use protocol::fact::{Fact, FactRecord, LeaveReason};
use protocol::id::{MeetingId, MessageId, ParticipantId, RecordingId, SiteId, UnitId};
use protocol::role::RoomRole;
use protocol::time::Timestamp;

use super::chapters::chapters;
use super::draft::{Sources, draft};

fn seat(n: u64) -> ParticipantId {
    ParticipantId::from_parts(n, 0)
}

fn site(n: u64) -> Site {
    Site {
        id: SiteId::from_parts(n, 0),
        unit: UnitId::from_parts(n, 0),
        name: format!("Điểm cầu {n}"),
    }
}

fn log(facts: Vec<(i64, Option<u64>, Fact)>) -> Vec<FactRecord> {
    (1..)
        .zip(facts)
        .map(|(seq, (s, by, fact))| FactRecord {
            seq,
            at: Timestamp(s * 1_000),
            by: by.map(seat),
            fact,
        })
        .collect()
}

fn seated(n: u64, role: RoomRole) -> Fact {
    let site = (role == RoomRole::Site).then(|| site(n).id);
    let name = if role == RoomRole::Chair {
        "Chủ trì hội nghị".into()
    } else {
        format!("Điểm cầu {n}")
    };
    Fact::Seated { participant: seat(n), role, name, site, account: None, link: None }
}

/// Chair 1; sites 2 (drops once and speaks), 3 (connected when the server stops); 4 never comes.
fn facts() -> Vec<FactRecord> {
    let message = |n| MessageId::from_parts(n, 0);
    log(vec![
        (0, None, Fact::Opened { title: "Giao ban".into() }),
        (0, None, seated(1, RoomRole::Chair)),
        (0, None, Fact::Joined { participant: seat(1) }),
        (10, None, seated(2, RoomRole::Site)),
        (10, None, Fact::Joined { participant: seat(2) }),
        (10, None, seated(3, RoomRole::Site)),
        (10, None, Fact::Joined { participant: seat(3) }),
        (
            20,
            Some(2),
            Fact::Declared { participant: seat(2), headcount: 31, local_chair: "Bí thư".into() },
        ),
        (30, None, Fact::Left { participant: seat(2), reason: LeaveReason::Lost }),
        (40, None, Fact::Joined { participant: seat(2) }),
        (50, Some(1), Fact::FloorGranted { participant: seat(2) }),
        (65, None, Fact::Spoke { participant: seat(2), from: Timestamp(45_000), ms: 20_000 }),
        (80, None, Fact::Spoke { participant: seat(2), from: Timestamp(70_000), ms: 9_000 }),
        (80, None, Fact::Spoke { participant: seat(3), from: Timestamp(70_000), ms: 5_000 }),
        (90, Some(1), Fact::FloorReleased { participant: seat(2), held_ms: 40_000 }),
        (95, Some(1), Fact::MessageSent { message: message(1), text: "Nghỉ giải lao".into() }),
        (96, Some(1), Fact::MessageSent { message: message(2), text: "Cấm biển từ 12 giờ".into() }),
        (97, Some(1), Fact::DecisionMarked { message: message(1), decision: true }),
        (98, Some(1), Fact::DecisionMarked { message: message(1), decision: false }),
        (99, Some(1), Fact::DecisionMarked { message: message(2), decision: true }),
        (100, Some(1), Fact::HandRaised { participant: seat(3), raised: true }),
        (200, None, Fact::Resumed),
        (200, None, Fact::Left { participant: seat(1), reason: LeaveReason::Restarted }),
        (200, None, Fact::Left { participant: seat(2), reason: LeaveReason::Restarted }),
        (200, None, Fact::Left { participant: seat(3), reason: LeaveReason::Restarted }),
        (210, None, Fact::Joined { participant: seat(3) }),
        (220, Some(1), Fact::FloorGranted { participant: seat(3) }),
        (300, Some(1), Fact::Ended),
    ])
}

fn meeting() -> Meeting {
    Meeting {
        id: MeetingId::from_parts(1, 1),
        code: "m".into(),
        title: "Giao ban".into(),
        venue: "Hội trường UBND tỉnh".into(),
        scheduled_at: Timestamp(0),
        state: MeetingState::Ended,
        opened_at: Some(Timestamp(0)),
        ended_at: Some(Timestamp(300_000)),
        n_sites: 3,
        n_connected: 0,
        n_recordings: 0,
        has_minutes: false,
    }
}

#[test]
fn the_draft_says_who_was_there_for_how_long_and_who_spoke() {
    let facts = facts();
    let sites = [site(4), site(3), site(2)];
    let document = draft(&Sources {
        meeting: &meeting(),
        facts: &facts,
        sites: &sites,
        province: Some("Tỉnh Quảng Trị"),
        recordings: Vec::new(),
        log_hash: "abc".into(),
    });
    assert_eq!(document.place, "Quảng Trị");
    assert_eq!(document.venue, "Hội trường UBND tỉnh, trực tuyến đến 3 điểm cầu");
    assert_eq!((document.chair.as_str(), document.secretary.as_str()), ("Chủ trì hội nghị", ""));
    let rows: Vec<_> = document
        .attendance
        .iter()
        .map(|it| (it.name.as_str(), it.present, it.connected_ms, it.left_at.map(|it| it.0)))
        .collect();
    assert_eq!(
        rows,
        [
            ("Điểm cầu 4", false, 0, None),
            // 10 to 100 s, when the last fact before the stop was written, and 210 to 300 s.
            ("Điểm cầu 3", true, 180_000, Some(300_000)),
            // 10 to 30 s and 40 to 100 s.
            ("Điểm cầu 2", true, 80_000, Some(100_000)),
        ]
    );
    assert_eq!(
        (document.attendance[2].headcount, document.attendance[2].local_chair.as_str()),
        (31, "Bí thư")
    );
    let speeches: Vec<_> =
        document.speeches.iter().map(|it| (it.name.as_str(), it.held_ms, it.spoken_ms)).collect();
    // Of the first stretch, which began 5 s before the floor was given, 15 s count.
    assert_eq!(speeches, [("Điểm cầu 2", 40_000, 24_000), ("Điểm cầu 3", 80_000, 0)]);
    assert_eq!(document.decisions.len(), 1);
    assert_eq!(document.decisions[0].text, "Cấm biển từ 12 giờ");
    assert_eq!(document.decisions[0].name, "Chủ trì hội nghị");
}

#[test]
fn what_was_concluded_in_the_meeting_begins_the_conclusion_of_its_minutes() {
    let concluded = |at, title: &str, text: &str| {
        let conclusion = Conclusion { title: title.into(), text: text.into() };
        (at, Some(1), Fact::Agenda(AgendaFact::Concluded(conclusion)))
    };
    let facts = log(vec![
        concluded(10, "Tham luận", "Giao các xã."),
        concluded(20, "", "Hội nghị thống nhất."),
        concluded(30, "Tham luận", "Giao các xã, phường."),
        concluded(40, "Giải lao", "Nhầm."),
        concluded(50, "Giải lao", ""),
    ]);
    let (meeting, sites, log_hash) = (meeting(), [], String::new());
    let sources = Sources {
        meeting: &meeting,
        facts: &facts,
        sites: &sites,
        province: None,
        recordings: Vec::new(),
        log_hash,
    };
    let conclusion = draft(&sources).conclusion;
    assert_eq!(conclusion, "Tham luận: Giao các xã, phường.\n\nHội nghị thống nhất.");
}

#[test]
fn chapters_are_speeches_decisions_and_gaps_inside_the_recording() {
    let recording = Recording {
        id: RecordingId::from_parts(1, 1),
        meeting: meeting().id,
        title: "Giao ban".into(),
        started_at: Timestamp(60_000),
        stopped_at: Some(Timestamp(250_000)),
        phase: RecordingPhase::Ready,
        permille: 1_000,
        remaining_ms: 0,
        ms: 0,
        bytes: 0,
        files: Vec::new(),
        failure: None,
        chapters: Vec::new(),
    };
    let chapters = chapters(&facts(), &recording);
    let found: Vec<_> = chapters.iter().map(|it| (it.ms, it.kind, it.text.as_str())).collect();
    assert_eq!(
        found,
        [
            (36_000, ChapterKind::Decision, "Cấm biển từ 12 giờ"),
            (140_000, ChapterKind::Gap, ""),
            (160_000, ChapterKind::Speech, "Điểm cầu 3"),
        ]
    );
}

#[test]
fn a_meeting_without_a_hall_still_has_a_place() {
    let mut online = meeting();
    online.venue.clear();
    let sources = |meeting| Sources {
        meeting,
        facts: &[],
        sites: &[],
        province: None,
        recordings: Vec::new(),
        log_hash: String::new(),
    };
    assert_eq!(draft(&sources(&online)).venue, "");
    let sites = [site(1)];
    let document = draft(&Sources { sites: &sites, ..sources(&online) });
    assert_eq!(document.venue, "Trực tuyến đến 1 điểm cầu");
}
