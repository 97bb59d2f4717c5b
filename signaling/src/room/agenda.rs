//! The agenda in motion. Beginning an item is one act: the floor comes back, or goes to the site that presents it;
//! the main picture follows, the clock starts.

use protocol::agenda::{
    AGENDA_ITEMS_MAX, Agenda, AgendaCommand, AgendaFact, AgendaItem, ITEM_MINUTES_MAX,
    ITEM_TITLE_CHARS_MAX,
};
use protocol::error::ErrorCode;
use protocol::fact::Fact;
use protocol::role::RoomRole;
use protocol::time::Timestamp;

use super::roster::Seat;
use super::state::State;
use super::{Now, command, conduct};
use crate::text::nfc;

/// Takes in what a fact says of the agenda.
pub(crate) fn apply(agenda: &mut Agenda, fact: &AgendaFact, at: Timestamp) {
    match fact {
        AgendaFact::Set { items } => {
            agenda.items.clone_from(items);
            let n = u32::try_from(items.len()).unwrap_or(u32::MAX);
            if agenda.current.is_some_and(|it| it >= n) {
                (agenda.current, agenda.since) = (None, None);
            }
        }
        AgendaFact::Began { index } => {
            agenda.current = Some(*index);
            agenda.since = Some(at);
            agenda.began_at.get_or_insert(at);
        }
    }
}

/// The facts of a command, or why it is refused.
pub(crate) fn facts_of(
    state: &State,
    seat: &Seat,
    command: &AgendaCommand,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    if !(seat.role.conducts() || seat.role.counts()) {
        return Err(ErrorCode::Forbidden);
    }
    match command {
        AgendaCommand::Set { items } => {
            let items: Vec<_> =
                items.iter().map(|it| AgendaItem { title: nfc(&it.title), ..it.clone() }).collect();
            if items.len() > AGENDA_ITEMS_MAX || !items.iter().all(is_sane) {
                return Err(ErrorCode::InvalidInput);
            }
            let changed = items != state.agenda.items;
            Ok(if changed { vec![Fact::Agenda(AgendaFact::Set { items })] } else { Vec::new() })
        }
        AgendaCommand::Begin { index } => begin(state, *index, now),
    }
}

fn is_sane(item: &AgendaItem) -> bool {
    (1..=ITEM_TITLE_CHARS_MAX).contains(&item.title.chars().count())
        && item.minutes <= ITEM_MINUTES_MAX
}

fn begin(state: &State, index: u32, now: Now) -> Result<Vec<Fact>, ErrorCode> {
    let item = usize::try_from(index).ok().and_then(|it| state.agenda.items.get(it));
    let item = item.ok_or(ErrorCode::NotInRoom)?;
    if state.agenda.current == Some(index) {
        return Ok(Vec::new()); // Chair and desk pressed it in the same instant.
    }
    let sits = |it: &&Seat| it.role == RoomRole::Site && it.site.is_some() && it.site == item.site;
    let presenter = state.roster.iter().find(sits);
    // A site that is away, or may not speak now, does not keep the agenda from going on.
    let presenter = presenter.filter(|it| conduct::speaks_at(state, it.id).is_ok());
    let mut facts = match presenter {
        Some(site) => command::invite(state, site, now)?,
        None => command::release_floor(state, now),
    };
    let shown = presenter.map(|it| it.id);
    let main = facts.iter().rev().find_map(|it| match it {
        Fact::MainPicture { participant, .. } => Some(*participant),
        _ => None,
    });
    if main.unwrap_or(state.main.participant) != shown {
        facts.push(match shown {
            None => command::main_back(),
            participant => {
                Fact::MainPicture { participant, source: protocol::media::Source::Camera }
            }
        });
    }
    facts.push(Fact::Agenda(AgendaFact::Began { index }));
    Ok(facts)
}
