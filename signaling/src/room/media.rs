//! What the media node is told of a room: the whole wanted state, computed from the room's state alone.

use protocol::conduct::Regime;
use protocol::control::{RoomMedia, Tap};
use protocol::media::{Grant, Want};
use protocol::role::RoomRole;

use super::state::State;

/// The wanted state of a room.
pub(crate) fn wanted(state: &State, code: &str) -> RoomMedia {
    let holder = state.floor.holder_id();
    let in_group = |id| state.breakout.as_ref().is_some_and(|it| it.group_of(id).is_some());
    let sending = || state.roster.iter().filter(|it| it.connected && it.role.publishes());
    let grants = sending().map(|seat| Grant {
        publisher: seat.publisher.clone(),
        // In its group everybody may speak, whatever the hall's regime is.
        audio: in_group(seat.id)
            || seat.microphone_granted
                && (state.conduct.regime != Regime::Lecture || seat.role.conducts()),
        camera: true,
        screen: in_group(seat.id) || seat.may_show_screen(holder),
    });
    let pinned = sending()
        .filter(|seat| seat.role == RoomRole::Chair || Some(seat.id) == holder)
        .map(|seat| seat.publisher.clone());
    RoomMedia {
        room: code.to_owned(),
        open: false,
        grants: grants.collect(),
        pinned: pinned.collect(),
        groups: groups(state),
        oversees: oversees(state),
        main: state.main_track(),
        tap: state.recording.as_ref().map(|it| Tap { recording: it.recording }),
    }
}

/// Who is in which group, counted from 1.
fn groups(state: &State) -> Vec<(String, u8)> {
    let groups = state.breakout.iter().flat_map(|it| it.groups.iter().zip(1..));
    let publisher = |id| state.roster.get(id).map(|it| it.publisher.clone());
    let members = groups.flat_map(|(group, n)| group.members.iter().map(move |it| (*it, n)));
    members.filter_map(|(id, n)| Some((publisher(id)?, n))).collect()
}

/// Who sees all groups while there are some.
fn oversees(state: &State) -> Vec<String> {
    if state.breakout.is_none() {
        return Vec::new();
    }
    let run = state.roster.iter().filter(|it| it.role.conducts() || it.role.counts());
    run.map(|it| it.publisher.clone()).collect()
}

/// Of what a page wants, what is in this room and a picture.
pub(crate) fn sane_wants(state: &State, wants: Vec<Want>) -> Vec<Want> {
    let known = |want: &Want| {
        !want.track.source.is_audio() && state.roster.by_publisher(&want.track.publisher).is_some()
    };
    wants.into_iter().filter(known).collect()
}
