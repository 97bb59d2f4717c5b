//! The facts of a site that comes, in few bytes: 3,300 pages are told them, and every page's line carries them.

use protocol::client::ServerMessage;
use protocol::fact::{Fact, FactRecord};
use protocol::media::Source;
use protocol::role::RoomRole;

use super::roster::Roster;

/// One message for two facts: a site is seated by its link and joins.
pub(super) fn came(seated: &FactRecord, joined: &FactRecord) -> Option<ServerMessage> {
    let Fact::Seated {
        participant,
        role: RoomRole::Site,
        name,
        site: Some(site),
        account: None,
        link: Some(_),
    } = &seated.fact
    else {
        return None;
    };
    let is_joined = joined.fact == Fact::Joined { participant: *participant };
    let is_one_moment = joined.seq == seated.seq + 1 && joined.at == seated.at;
    let is_nobodys = seated.by.is_none() && joined.by.is_none();
    (is_joined && is_one_moment && is_nobodys)
        .then(|| ServerMessage::Came { who: (seated.at, *participant, *site, name.clone()) })
}

/// A track that begins, by the places of seat and source.
pub(super) fn sends(roster: &Roster, record: &FactRecord) -> Option<ServerMessage> {
    let Fact::Published { participant, source } = &record.fact else { return None };
    if record.by.is_some() {
        return None;
    }
    let seat = u32::try_from(roster.place_of(*participant)?).ok()?;
    let source = Source::ALL.iter().position(|it| it == source)?;
    Some(ServerMessage::Sends { what: (seat, u8::try_from(source).ok()?) })
}
