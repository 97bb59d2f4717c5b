//! Nothing short reaches a page before its snapshot: `came` and `sends` say only what changes in it.

use proptest::prelude::{any, prop_assert};
use proptest::proptest;
use protocol::client::ServerMessage;
use protocol::control::MediaEvent;
use protocol::media::{Source, TrackKey};

use super::{CHAIR, SITE, Stage, seat};
use crate::room::{Input, Output};

/// Sites of the crowd.
const N_SITES: u64 = 8;

fn is_short(message: &ServerMessage) -> bool {
    matches!(message, ServerMessage::Came { .. } | ServerMessage::Sends { .. })
}

/// What each page was told first, over all connections.
fn firsts(stage: &Stage, connection: u64) -> Option<&ServerMessage> {
    stage.sent.iter().find(|(to, _)| *to == connection).map(|(_, message)| message)
}

#[test]
fn a_page_that_comes_is_given_the_room_before_anything_short_even_while_facts_wait_for_the_disk() {
    let mut stage = Stage::open();
    stage.arrive(CHAIR);
    let now = stage.now();
    // Two come in the same instant: the second while the first one's facts are not yet on disk.
    for n in [SITE, SITE + 1] {
        let connects = stage.connects(n, n, None);
        stage.room.handle_input(connects, now);
    }
    let mut welcomed = Vec::new();
    while let Some(output) = stage.room.poll_output() {
        match output {
            Output::Send(connection, message) => match *message {
                ServerMessage::Welcome { snapshot: Some(_), .. } => welcomed.push(connection),
                _ => assert!(welcomed.contains(&connection), "{connection} heard {message:?}"),
            },
            Output::Broadcast(message) => {
                assert!(!is_short(&message), "nothing is told before it is on disk");
            }
            _ => {}
        }
    }
    assert_eq!(
        welcomed,
        [SITE, SITE + 1],
        "the room is given at once, not when the disk has answered"
    );
}

proptest! {
    #[test]
    fn the_first_thing_that_any_page_hears_is_the_room(
        order in proptest::collection::vec((0..N_SITES, any::<bool>()), 1..40),
    ) {
        let mut stage = Stage::open();
        stage.arrive(CHAIR);
        for (n, (site, sends)) in order.into_iter().enumerate() {
            let connection = 100 + u64::try_from(n).unwrap();
            let site = SITE + site;
            if sends {
                let publisher = seat(site).to_string();
                let track = TrackKey { publisher, source: Source::Camera };
                let event = MediaEvent::TrackStarted { room: "demo".into(), track };
                stage.put(Input::Media(Box::new(event)));
            } else {
                stage.arrive_on(connection, site, None);
                let first = firsts(&stage, connection);
                let is_room = matches!(first, Some(ServerMessage::Welcome { snapshot: Some(_), .. }));
                prop_assert!(is_room, "{first:?}");
            }
        }
    }
}
