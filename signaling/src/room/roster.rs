//! Who sits in a room: seats in the order in which they were given, with what each sends and may send.

use std::collections::HashMap;

use protocol::conduct::{ConductFact, Regime};
use protocol::fact::{Fact, LeaveReason};
use protocol::id::{MeetingId, ParticipantId, SiteId};
use protocol::media::Source;
use protocol::role::RoomRole;
use protocol::room::Participant;
use protocol::time::Timestamp;
use sha2::{Digest as _, Sha256};

/// One seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) id: ParticipantId,
    /// Its name at the media node.
    pub(crate) publisher: String,
    pub(crate) role: RoomRole,
    pub(crate) name: String,
    pub(crate) site: Option<SiteId>,
    pub(crate) connected: bool,
    /// It was connected at some time; a seat that only registered to speak was not.
    pub(crate) came: bool,
    /// Shown out, and when: seat secrets given before do not count any more.
    pub(crate) removed_at: Option<Timestamp>,
    pub(crate) headcount: u32,
    pub(crate) local_chair: String,
    pub(crate) sources: Vec<Source>,
    pub(crate) microphone_granted: bool,
    pub(crate) self_muted: bool,
    /// Heard so far, ms.
    pub(crate) spoken_ms: u64,
}

/// The seats of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roster {
    meeting: MeetingId,
    seats: Vec<Seat>,
    place: HashMap<ParticipantId, usize>,
    by_publisher: HashMap<String, ParticipantId>,
}

impl Roster {
    pub(crate) fn new(meeting: MeetingId) -> Self {
        Self { meeting, seats: Vec::new(), place: HashMap::new(), by_publisher: HashMap::new() }
    }

    pub(crate) fn get(&self, id: ParticipantId) -> Option<&Seat> {
        self.place.get(&id).and_then(|index| self.seats.get(*index))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter()
    }

    /// Where a seat stands in the list that a snapshot has.
    pub(crate) fn place_of(&self, id: ParticipantId) -> Option<usize> {
        self.place.get(&id).copied()
    }

    /// Who publishes under this name.
    pub(crate) fn by_publisher(&self, publisher: &str) -> Option<ParticipantId> {
        self.by_publisher.get(publisher).copied()
    }

    fn get_mut(&mut self, id: ParticipantId) -> Option<&mut Seat> {
        self.place.get(&id).and_then(|index| self.seats.get_mut(*index))
    }

    /// Takes in what a fact says about seats.
    pub(crate) fn apply(&mut self, fact: &Fact, at: Timestamp, holder: Option<ParticipantId>) {
        match fact {
            Fact::Seated { participant, role, name, site, .. } => {
                self.seat(*participant, *role, name, *site);
            }
            Fact::Joined { participant } => self.with(*participant, |seat| {
                seat.connected = true;
                seat.came = true;
            }),
            Fact::Left { participant, reason } => self.with(*participant, |seat| {
                seat.connected = false;
                seat.sources.clear();
                if *reason == LeaveReason::Removed {
                    seat.removed_at = Some(at);
                }
            }),
            Fact::Declared { participant, headcount, local_chair } => {
                self.with(*participant, |seat| {
                    seat.headcount = *headcount;
                    seat.local_chair.clone_from(local_chair);
                });
            }
            Fact::Published { participant, source } => self.with(*participant, |seat| {
                if !seat.sources.contains(source) {
                    seat.sources.push(*source);
                    seat.sources.sort_unstable();
                }
            }),
            Fact::Unpublished { participant, source } => {
                self.with(*participant, |seat| seat.sources.retain(|it| it != source));
            }
            Fact::MicrophoneGranted { participant, granted } => {
                self.with(*participant, |seat| seat.microphone_granted = *granted);
            }
            Fact::SelfMuted { participant, muted } => {
                self.with(*participant, |seat| seat.self_muted = *muted);
            }
            Fact::AllMuted => {
                for seat in self.seats.iter_mut().filter(|it| it.role != RoomRole::Chair) {
                    seat.microphone_granted = false;
                }
            }
            Fact::Spoke { participant, ms, .. } => {
                self.with(*participant, |seat| seat.spoken_ms = seat.spoken_ms.saturating_add(*ms));
            }
            Fact::Conduct(ConductFact::Regime { regime }) => self.under(*regime, holder),
            Fact::Opened { .. }
            | Fact::HandRaised { .. }
            | Fact::FloorGranted { .. }
            | Fact::FloorReleased { .. }
            | Fact::Conduct(_)
            | Fact::MainPicture { .. }
            | Fact::MessageSent { .. }
            | Fact::DecisionMarked { .. }
            | Fact::RecordingStarted { .. }
            | Fact::RecordingFailed { .. }
            | Fact::RecordingStopped { .. }
            | Fact::PacketsTraced { .. }
            | Fact::Agenda(_)
            | Fact::Roll(_)
            | Fact::Vote(_)
            | Fact::Desk(_)
            | Fact::Scene(_)
            | Fact::Paper(_)
            | Fact::Breakout(_)
            | Fact::Resumed
            | Fact::Ended => {}
        }
    }

    /// Grants the microphones as a regime does. In a discussion everybody may speak, but nobody's room is
    /// heard before its own technician opens the microphone.
    fn under(&mut self, regime: Regime, holder: Option<ParticipantId>) {
        for seat in self.seats.iter_mut().filter(|it| it.role != RoomRole::Chair) {
            if regime != Regime::Discussion {
                seat.microphone_granted = holder == Some(seat.id);
            } else if seat.role.publishes() && !seat.microphone_granted {
                seat.microphone_granted = true;
                seat.self_muted = true;
            }
        }
    }

    /// What a group discussion does to a room's own button; the chair's is its own.
    pub(crate) fn mute_self(&mut self, id: ParticipantId, muted: bool) {
        if let Some(seat) = self.get_mut(id).filter(|it| it.role != RoomRole::Chair) {
            seat.self_muted = muted;
        }
    }

    fn with(&mut self, id: ParticipantId, change: impl FnOnce(&mut Seat)) {
        // A fact about a seat that was never given would be a damaged log; it changes nothing.
        if let Some(seat) = self.get_mut(id) {
            change(seat);
        }
    }

    fn seat(&mut self, id: ParticipantId, role: RoomRole, name: &str, site: Option<SiteId>) {
        if let Some(seat) = self.get_mut(id) {
            seat.role = role;
            name.clone_into(&mut seat.name);
            seat.site = site;
            seat.removed_at = None;
            seat.microphone_granted |= role == RoomRole::Chair;
            return;
        }
        let publisher = if id == whip_participant(self.meeting, name) {
            name.to_owned()
        } else {
            id.to_string()
        };
        self.place.insert(id, self.seats.len());
        self.by_publisher.insert(publisher.clone(), id);
        self.seats.push(Seat {
            id,
            publisher,
            role,
            name: name.to_owned(),
            site,
            connected: false,
            came: false,
            removed_at: None,
            headcount: 0,
            local_chair: String::new(),
            sources: Vec::new(),
            microphone_granted: role == RoomRole::Chair,
            self_muted: false,
            spoken_ms: 0,
        });
    }
}

impl Seat {
    pub(crate) fn to_participant(&self) -> Participant {
        Participant {
            id: self.id,
            publisher: self.publisher.clone(),
            role: self.role,
            name: self.name.clone(),
            site: self.site,
            connected: self.connected,
            headcount: self.headcount,
            local_chair: self.local_chair.clone(),
            sources: self.sources.clone(),
            microphone_granted: self.microphone_granted,
            self_muted: self.self_muted,
            spoken_ms: self.spoken_ms,
        }
    }

    /// Whether its screen may be shown at all, given who holds the floor.
    pub(crate) fn may_show_screen(&self, holder: Option<ParticipantId>) -> bool {
        matches!(self.role, RoomRole::Chair | RoomRole::Desk) || holder == Some(self.id)
    }
}

/// The seat of a WHIP publisher: computed from its name, so that it is the same after a restart and the
/// facts alone tell which seats are WHIP publishers.
pub(crate) fn whip_participant(meeting: MeetingId, name: &str) -> ParticipantId {
    let mut hash = Sha256::new();
    hash.update(b"whip");
    hash.update(meeting.to_string().as_bytes());
    hash.update(name.as_bytes());
    let mut wide = [0; 16];
    wide.copy_from_slice(&hash.finalize()[..16]);
    let bits = u128::from_le_bytes(wide);
    let unix_ms = u64::try_from(bits >> 80).expect("48 bits are left") & ((1 << 48) - 1);
    ParticipantId::from_parts(unix_ms, bits & ((1 << 80) - 1))
}
