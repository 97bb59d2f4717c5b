//! What the media node is told of a room: the whole wanted state, computed from the room's state alone.

use protocol::conduct::Regime;
use protocol::control::{RoomMedia, Tap};
use protocol::media::{Grant, Want};
use protocol::role::RoomRole;

use super::state::State;

/// The wanted state of a room.
pub(crate) fn wanted(state: &State, code: &str) -> RoomMedia {
    let holder = state.floor.holder_id();
    let sending = || state.roster.iter().filter(|it| it.connected && it.role.publishes());
    let grants = sending().map(|seat| Grant {
        publisher: seat.publisher.clone(),
        audio: seat.microphone_granted
            && (state.conduct.regime != Regime::Lecture || seat.role.conducts()),
        camera: true,
        screen: seat.may_show_screen(holder),
    });
    let pinned = sending()
        .filter(|seat| seat.role == RoomRole::Chair || Some(seat.id) == holder)
        .map(|seat| seat.publisher.clone());
    RoomMedia {
        room: code.to_owned(),
        open: false,
        grants: grants.collect(),
        pinned: pinned.collect(),
        main: state.main_track(),
        tap: state.recording.as_ref().map(|it| Tap { recording: it.recording }),
    }
}

/// Of what a page wants, what is in this room and a picture.
pub(crate) fn sane_wants(state: &State, wants: Vec<Want>) -> Vec<Want> {
    let known = |want: &Want| {
        !want.track.source.is_audio() && state.roster.by_publisher(&want.track.publisher).is_some()
    };
    wants.into_iter().filter(known).collect()
}
