//! The agenda in motion. Beginning an item is one act: the regime, the floor (it comes back, or goes to the site that
//! presents the item), the main picture, the scene, the document and the clock.

use protocol::agenda::{
    AGENDA_ITEMS_MAX, Agenda, AgendaCommand, AgendaFact, AgendaItem, CONCLUSION_CHARS_MAX,
    Conclusion, ITEM_MINUTES_MAX, ITEM_TITLE_CHARS_MAX,
};
use protocol::error::ErrorCode;
use protocol::fact::{Fact, FactRecord};
use protocol::role::RoomRole;
use protocol::time::Timestamp;

use super::roster::Seat;
use super::state::State;
use super::{Now, command, conduct, paper, scene};
use crate::db::facts::Entry;
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
        AgendaFact::Concluded(conclusion) => concluded(&mut agenda.conclusions, conclusion),
    }
}

/// A conclusion takes the place of the one before on the same item; an empty one leaves none.
pub(crate) fn concluded(conclusions: &mut Vec<Conclusion>, new: &Conclusion) {
    match conclusions.iter().position(|it| it.title == new.title) {
        Some(at) if new.text.is_empty() => {
            conclusions.remove(at);
        }
        Some(at) => new.text.clone_into(&mut conclusions[at].text),
        None if new.text.is_empty() => {}
        None => conclusions.push(new.clone()),
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
            items.iter().try_for_each(|it| is_there(state, it))?;
            let changed = items != state.agenda.items;
            Ok(if changed { vec![Fact::Agenda(AgendaFact::Set { items })] } else { Vec::new() })
        }
        AgendaCommand::Begin { index } => begin(state, *index, now),
        AgendaCommand::Conclude { index, text } => conclude(state, seat, *index, text),
    }
}

/// Chair and secretary write it; whoever only works the desk does not conclude.
fn conclude(
    state: &State,
    seat: &Seat,
    index: Option<u32>,
    text: &str,
) -> Result<Vec<Fact>, ErrorCode> {
    if seat.role == RoomRole::Desk {
        return Err(ErrorCode::Forbidden);
    }
    let items = &state.agenda.items;
    let title = match index {
        None => String::new(),
        Some(index) => {
            let item = usize::try_from(index).ok().and_then(|it| items.get(it));
            item.ok_or(ErrorCode::InvalidInput)?.title.clone()
        }
    };
    let text = nfc(text);
    let mut after = state.agenda.conclusions.clone();
    let conclusion = Conclusion { title, text };
    concluded(&mut after, &conclusion);
    let is_long = conclusion.text.chars().count() > CONCLUSION_CHARS_MAX;
    // One on each item, of agendas set anew as well, and one on the meeting as a whole.
    if is_long || after.len() > 2 * AGENDA_ITEMS_MAX {
        return Err(ErrorCode::InvalidInput);
    }
    let is_new = after != state.agenda.conclusions;
    Ok(if is_new { vec![Fact::Agenda(AgendaFact::Concluded(conclusion))] } else { Vec::new() })
}

fn is_sane(item: &AgendaItem) -> bool {
    (1..=ITEM_TITLE_CHARS_MAX).contains(&item.title.chars().count())
        && item.minutes <= ITEM_MINUTES_MAX
}

/// Scene and document that an item names are in the room when it is set.
fn is_there(state: &State, item: &AgendaItem) -> Result<(), ErrorCode> {
    // What an item named already may have gone meanwhile.
    if state.agenda.items.contains(item) {
        return Ok(());
    }
    if item.scene.is_some_and(|it| !state.scenes.knows(it)) {
        return Err(ErrorCode::NotFound);
    }
    if item.paper.is_some_and(|it| !state.papers.knows(it)) {
        return Err(ErrorCode::PaperUnknown);
    }
    Ok(())
}

/// One act: regime, floor, main picture, scene, document, clock. What is not there any more (a site that is away, a
/// scene that was thrown away, a document that is closed) does not keep the agenda from going on.
fn begin(state: &State, index: u32, now: Now) -> Result<Vec<Fact>, ErrorCode> {
    let item = usize::try_from(index).ok().and_then(|it| state.agenda.items.get(it));
    let item = item.ok_or(ErrorCode::NotInRoom)?;
    if state.agenda.current == Some(index) {
        return Ok(Vec::new()); // Chair and desk pressed it in the same instant.
    }
    let mut act = Act { after: state.clone(), facts: Vec::new(), now };
    if let Some(regime) = item.regime {
        act.add(conduct::regime_facts(&act.after, regime, now));
    }
    act.add(floor(&act.after, item, now)?);
    if let Some(scene) = item.scene {
        act.add(scene::show_kept(&act.after, scene, now).unwrap_or_default());
    }
    let shown = item.paper.map(|it| paper::go_to(&act.after, it, now).unwrap_or_default());
    // A scene that brings its own document keeps it.
    let ends = item.paper.is_none() && item.scene.is_none();
    act.add(shown.unwrap_or_else(|| if ends { paper::end(&act.after) } else { Vec::new() }));
    act.add(vec![Fact::Agenda(AgendaFact::Began { index })]);
    Ok(act.facts)
}

/// Facts of one act, each computed from the room as the ones before it leave it.
struct Act {
    after: State,
    facts: Vec<Fact>,
    now: Now,
}

impl Act {
    fn add(&mut self, facts: Vec<Fact>) {
        for fact in facts {
            let (seq, at) = (self.after.seq + 1, self.now.at);
            let record = FactRecord { seq, at, by: None, fact: fact.clone() };
            self.after.apply(&Entry { record, command: None });
            self.facts.push(fact);
        }
    }
}

/// The floor goes to the site that presents the item, or comes back; the main picture follows.
fn floor(state: &State, item: &AgendaItem, now: Now) -> Result<Vec<Fact>, ErrorCode> {
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
    Ok(facts)
}
