//! What the office does to a room over HTTP: it ends meetings, shows seats out, holds polls.

use protocol::desk::DeskFact;
use protocol::error::ErrorCode;
use protocol::fact::{Fact, LeaveReason};
use protocol::id::ParticipantId;
use protocol::role::RoomRole;

use super::ending::Asked;
use super::io::{Act, Now, OfficeRequest, Output};
use super::{ReplyTo, Room, command, paper, roll, vote};

impl Room {
    pub(super) fn office(&mut self, request: OfficeRequest, act: &Act, now: Now) {
        if self.staged.ended && *act != Act::Wait {
            return self.output(Output::Answer(request, Err(ErrorCode::MeetingEnded)));
        }
        if *act == Act::End && self.waits_for_last_words(Asked::Office(request), now) {
            return;
        }
        match self.facts_of_act(act, now) {
            Ok(facts) => {
                for fact in facts {
                    self.stage(by(act), fact, None, now);
                }
                self.gathering.replies.push(ReplyTo::Office(request));
            }
            Err(code) => self.output(Output::Answer(request, Err(code))),
        }
    }

    fn facts_of_act(&self, act: &Act, now: Now) -> Result<Vec<Fact>, ErrorCode> {
        let state = &self.staged;
        match act {
            Act::Wait => Ok(Vec::new()),
            Act::End => Ok(command::end(state, now)),
            Act::Expel(id) => Ok(match state.roster.get(*id) {
                Some(seat) if seat.removed_at.is_none() => {
                    command::leave(state, seat, LeaveReason::Removed, now)
                }
                Some(_) | None => Vec::new(),
            }),
            Act::Trace { publisher, account, seconds } => {
                let participant =
                    state.roster.by_publisher(publisher).ok_or(ErrorCode::NotInRoom)?;
                let (account, seconds) = (*account, *seconds);
                Ok(vec![Fact::PacketsTraced { participant, account, seconds }])
            }
            Act::SyncPapers(ready) => Ok(paper::synced(state, ready)),
            Act::Call { by, sites, reached } => {
                if !super::desk::runs(self.role_of(*by)?) {
                    return Err(ErrorCode::Forbidden);
                }
                let (sites, reached) = (sites.clone(), *reached);
                Ok(vec![Fact::Desk(DeskFact::Called { sites, reached })])
            }
            Act::OpenRoll { by, roll, rules, sites } => {
                roll::open(state, self.role_of(*by)?, *roll, *rules, sites)
            }
            Act::OpenPoll { by, vote, rules, public_key } => {
                vote::open(state, self.role_of(*by)?, *vote, rules, Some(public_key.clone()))
            }
            Act::IssueBallot { vote, participant, blinded } => {
                vote::issue(state, *vote, *participant, blinded)
            }
            Act::ClosePoll { by, vote, tally, ballots } => {
                vote::close_poll(state, self.role_of(*by)?, *vote, *tally, ballots)
            }
        }
    }

    fn role_of(&self, id: ParticipantId) -> Result<RoomRole, ErrorCode> {
        let seat = self.staged.roster.get(id).filter(|it| it.removed_at.is_none());
        seat.map(|it| it.role).ok_or(ErrorCode::NotInRoom)
    }
}

/// Who does it, where a seat does.
fn by(act: &Act) -> Option<ParticipantId> {
    match act {
        Act::OpenRoll { by, .. }
        | Act::OpenPoll { by, .. }
        | Act::ClosePoll { by, .. }
        | Act::Call { by, .. } => Some(*by),
        Act::IssueBallot { participant, .. } => Some(*participant),
        Act::Wait | Act::End | Act::Expel(_) | Act::Trace { .. } | Act::SyncPapers(_) => None,
    }
}
