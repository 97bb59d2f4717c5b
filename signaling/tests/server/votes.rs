//! A vote of 150 pages at once, on the real server: everybody's vote is in and counted in time.

use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use protocol::api::{Delegate, Seat};
use protocol::client::{ClientMessage, Command, ServerMessage};
use protocol::fact::Fact;
use protocol::id::CommandId;
use protocol::vote::{
    Choice, Share, ShareOf, VoteCommand, VoteFact, VoteMethod, VoteOutcome, VoteRules,
};
use serde_json::json;

use crate::support::{Page, Server};

const VOTERS: usize = 150;

/// From the last cast to the result on the chair's page. The figure; measured far below.
const COUNTED_MAX: Duration = Duration::from_secs(1);

#[expect(clippy::disallowed_methods, reason = "the test measures how long counting takes")]
fn now() -> Instant {
    Instant::now()
}

/// Delegates by name, each with a page.
async fn pages(server: &Server, n: usize) -> Vec<Page> {
    let cookie = server.sign_in("vanphong").await;
    let named: Vec<_> = (0..n)
        .map(|it| json!({ "name": format!("Đại biểu {it}"), "title": "", "votes": true }))
        .collect();
    let path = format!("/api/meetings/{}/delegates", server.report.meeting);
    let body = json!({ "site": null, "delegates": named });
    let delegates: Vec<Delegate> = server.post_json(&path, Some(&cookie), Some(body)).await;
    let mut pages = Vec::new();
    for delegate in &delegates {
        let join = delegate.path.replace("/vao/", "/api/join/");
        let seat: Seat = server.post_json(&join, None, None::<()>).await;
        pages.push(server.page(&seat).await);
    }
    pages
}

/// Opens a vote; its opening as the chair hears it.
async fn open(chair: &mut Page) -> protocol::id::VoteId {
    let rules = VoteRules {
        title: "Thông qua nghị quyết".into(),
        method: VoteMethod::Delegates,
        threshold: Some(Share::OverHalf),
        threshold_of: ShareOf::Eligible,
        quorum: None,
        held_back: false,
    };
    let id = CommandId::from_parts(7, 7);
    let command = Command::Vote(VoteCommand::Open { rules });
    chair.say(&ClientMessage::Command { id, command }).await;
    chair
        .hears(|it| match it {
            ServerMessage::Fact(record) => match record.fact {
                Fact::Vote(VoteFact::Opened { vote, .. }) => Some(vote),
                _ => None,
            },
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_of_150_is_counted_within_a_second_of_the_last_cast() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let mut voters = pages(&server, VOTERS).await;
    let mut chair = server.page(&server.seat("chutri").await).await;
    let vote = open(&mut chair).await;
    for (n, voter) in voters.iter_mut().enumerate() {
        let choice = [Choice::Agree, Choice::Agree, Choice::Disagree][n % 3];
        let cast = VoteCommand::Cast { vote, participant: None, tally: choice.one() };
        let id = CommandId::from_parts(8, n as u128);
        voter.say(&ClientMessage::Command { id, command: Command::Vote(cast) }).await;
    }
    let last_cast = now();
    let mut n_cast = 0;
    chair
        .fact(|it| {
            n_cast += usize::from(matches!(it, Fact::Vote(VoteFact::Cast { .. })));
            n_cast == VOTERS
        })
        .await;
    let all_in = now().duration_since(last_cast);
    let id = CommandId::from_parts(9, 9);
    let command = Command::Vote(VoteCommand::Close { vote });
    chair.say(&ClientMessage::Command { id, command }).await;
    let outcome: VoteOutcome = chair
        .hears(|it| match it {
            ServerMessage::Fact(record) => match record.fact {
                Fact::Vote(VoteFact::Closed { outcome, .. }) => Some(outcome),
                _ => None,
            },
            _ => None,
        })
        .await;
    let counted = now().duration_since(last_cast);
    assert_eq!((outcome.tally.agree, outcome.tally.disagree, outcome.eligible), (100, 50, 150));
    assert!(counted < COUNTED_MAX, "all in after {all_in:?}, counted after {counted:?}");
    // Shown with --nocapture.
    let _ = std::io::Write::write_fmt(
        &mut std::io::stdout(),
        format_args!("{VOTERS} votes: all in after {all_in:?}, counted after {counted:?}\n"),
    );
    server.stop().await;
}

#[tokio::test]
async fn delegates_are_named_by_those_who_may_and_a_link_that_was_taken_away_opens_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let path = format!("/api/meetings/{}/delegates", server.report.meeting);
    let body = json!({ "site": null, "delegates": [{ "name": "A", "title": "", "votes": true }] });
    let chair = server.sign_in("chutri").await;
    let refused = server.ask(Method::POST, &path, Some(&chair), Some(&body)).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let office = server.sign_in("vanphong").await;
    for wrong in [
        json!({ "site": null, "delegates": [] }),
        json!({ "site": null, "delegates": [{ "name": " ", "title": "", "votes": true }] }),
        json!({ "site": null, "delegates": [{ "name": "A", "title": "", "votes": true, "x": 1 }] }),
    ] {
        let answer = server.ask(Method::POST, &path, Some(&office), Some(&wrong)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
    let named: Vec<Delegate> = server.post_json(&path, Some(&office), Some(&body)).await;
    let join = named[0].path.replace("/vao/", "/api/join/");
    let seat: Seat = server.post_json(&join, None, None::<()>).await;
    let mut page = server.page(&seat).await;
    let remove = format!("{path}/{}", named[0].id);
    let removed = server.ask(Method::DELETE, &remove, Some(&office), None::<()>).await;
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    assert_eq!(page.closed().await, Some(protocol::error::ErrorCode::SeatInvalid));
    let again = server.ask(Method::POST, &join, None, None::<()>).await;
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
    server.stop().await;
}
