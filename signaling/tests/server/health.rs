//! The control desk over HTTP, monitor windows, and what a join costs the others.

use std::time::Duration;

use futures_util::StreamExt as _;
use hyper::{Method, StatusCode};
use protocol::api::{JoinLink, Seat};
use protocol::client::{ClientMessage, ServerMessage};
use protocol::control::MediaEvent;
use protocol::error::ErrorCode;
use protocol::health::{
    Called, CameraSign, Contact, DeskSite, MicrophoneSign, Signs, WaitingAnswer, WaitingSite,
};
use protocol::media::{Source, TrackKey};
use protocol::role::RoomRole;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Page, Server};

#[tokio::test]
async fn a_site_whose_page_is_open_is_called_and_the_others_are_named_with_their_telephone() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let desk = server.sign_in("kythuat").await;
    let path = format!("/api/meetings/{}", server.report.meeting);
    let early = json!({ "sites": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"] });
    let calls = format!("{path}/calls");
    let refused = server.ask(Method::POST, &calls, Some(&desk), Some(&early)).await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{:?}", refused.body());
    let _page = server.page(&server.seat("kythuat").await).await;
    let sites: Vec<DeskSite> = server.get_json(&format!("{path}/desk"), &desk).await;
    assert_eq!(sites.len(), 78);
    assert!(sites.iter().all(|it| it.contact.phone.starts_with("0900")), "{:?}", sites[0]);
    let token = server.report.links[0].1.strip_prefix("/vao/").unwrap();
    let wait = format!("/api/join/{token}/waiting");
    let answer: WaitingAnswer = server.post_json(&wait, None, None::<()>).await;
    assert_eq!(answer.called_at, None);
    let waiting: Vec<WaitingSite> = server.get_json(&format!("{path}/waiting"), &desk).await;
    assert_eq!(waiting.len(), 1);
    let wanted = json!({ "sites": sites.iter().map(|it| it.site).collect::<Vec<_>>() });
    let called: Called = server.post_json(&calls, Some(&desk), Some(&wanted)).await;
    assert_eq!((called.reached.len(), called.unreached.len()), (1, 77));
    let answer: WaitingAnswer = server.post_json(&wait, None, None::<()>).await;
    assert!(answer.called_at.is_some(), "it rings");
    let stranger = server.ask(Method::POST, &calls, Some(&desk), Some(&early)).await;
    assert_eq!(stranger.status(), StatusCode::BAD_REQUEST, "not invited");
    let _entered = server.site(0).await;
    let waiting: Vec<WaitingSite> = server.get_json(&format!("{path}/waiting"), &desk).await;
    assert!(waiting.is_empty(), "who has entered does not wait");
    let contact = Contact { person: "Hồ Văn Tý".into(), phone: "0900 111 222".into() };
    let at = format!("/api/sites/{}/contact", sites[0].site);
    let set = server.ask(Method::PUT, &at, Some(&desk), Some(&contact)).await;
    assert_eq!(set.status(), StatusCode::OK);
    let sites: Vec<DeskSite> = server.get_json(&format!("{path}/desk"), &desk).await;
    assert_eq!(sites[0].contact, contact);
    let wrong = json!({ "person": "", "phone": "gọi sau" });
    let refused = server.ask(Method::PUT, &at, Some(&desk), Some(wrong)).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    for path in [format!("{path}/desk"), format!("{path}/waiting")] {
        assert_eq!(server.get(&path, None).await.0, StatusCode::UNAUTHORIZED);
    }
    server.stop().await;
}

#[tokio::test]
async fn monitor_windows_of_one_account_stand_beside_each_other_and_count_nowhere() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let cookie = server.sign_in("kythuat").await;
    let path = format!("/api/meetings/{}/monitors", server.report.meeting);
    let desk = server.seat("kythuat").await;
    let mut pages = vec![server.page(&desk).await];
    for window in [1, 2, 3] {
        let seat: Seat =
            server.post_json(&format!("{path}/{window}"), Some(&cookie), None::<()>).await;
        assert_eq!(seat.role, RoomRole::Observer);
        pages.push(server.page(&seat).await);
        let again: Seat =
            server.post_json(&format!("{path}/{window}"), Some(&cookie), None::<()>).await;
        assert_eq!(again.participant, seat.participant, "a window keeps its seat");
    }
    for wrong in ["0", "9"] {
        let at = format!("{path}/{wrong}");
        let refused = server.ask(Method::POST, &at, Some(&cookie), None::<()>).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{wrong}");
    }
    let secretary = server.sign_in("thuky").await;
    let refused =
        server.ask(Method::POST, &format!("{path}/1"), Some(&secretary), None::<()>).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(server.meeting(&cookie).await.n_connected, 0, "none of them is a site");
    let muted = pages[1].command(protocol::client::Command::MuteAll).await;
    assert_eq!(muted, Err(ErrorCode::Forbidden));
    let mut site = server.page(&server.site(0).await).await;
    let signs = Signs { camera: CameraSign::Frozen, microphone: MicrophoneSign::Closed, level: 0 };
    site.say(&ClientMessage::Signs(signs)).await;
    for page in &mut pages {
        let told = page
            .hears(|it| match it {
                ServerMessage::Health { sites } => sites.first().and_then(|it| it.signs),
                _ => None,
            })
            .await;
        assert_eq!(told, signs);
    }
    server.stop().await;
}

/// Bytes of all texts that a page is sent until there is silence.
async fn bytes_until_silence(page: &mut Page) -> usize {
    let mut bytes = 0;
    while let Ok(Some(Ok(message))) =
        tokio::time::timeout(Duration::from_millis(700), page.socket.next()).await
    {
        if let Message::Text(text) = message {
            bytes += text.len();
        }
    }
    bytes
}

/// Issue 6: "a join or leave costs each other site at most 200 bytes", also the first time a site comes, with the microphone
/// and the camera that it then sends.
#[tokio::test]
async fn with_78_sites_a_join_or_a_leave_costs_a_bystander_at_most_200_bytes() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let cookie = server.sign_in("kythuat").await;
    let path = format!("/api/meetings/{}/links", server.report.meeting);
    let links: Vec<JoinLink> = server.get_json(&path, &cookie).await;
    let mut pages = Vec::new();
    for link in &links {
        let join = link.path.replace("/vao/", "/api/join/");
        let seat: Seat = server.post_json(&join, None, None::<()>).await;
        if pages.len() + 1 == links.len() {
            bytes_until_silence(&mut first(&mut pages).1).await;
        }
        let page = server.page(&seat).await;
        pages.push((seat, page));
    }
    assert_eq!(pages.len(), 78);
    let (last_seat, mut last) = pages.pop().unwrap();
    for source in [Source::Microphone, Source::Camera] {
        let track = TrackKey { publisher: last_seat.participant.to_string(), source };
        let started = MediaEvent::TrackStarted { room: "demo".into(), track };
        server.media.say.send(started).await.unwrap();
    }
    let bystander = &mut first(&mut pages).1;
    let came = bytes_until_silence(bystander).await;
    let leave = protocol::client::Command::Leave;
    last.command(leave).await.ok();
    let left = bytes_until_silence(bystander).await;
    let _returned = server.page(&last_seat).await;
    let back = bytes_until_silence(bystander).await;
    println!("a first join costs a bystander {came} bytes, a leave {left}, a return {back}");
    assert!(left > 0 && left <= 200, "a leave: {left}");
    assert!(back > 0 && back <= 200, "a return: {back}");
    assert!(came > back && came <= 200, "a first join: {came}");
    server.stop().await;
}

fn first(pages: &mut [(Seat, Page)]) -> &mut (Seat, Page) {
    pages.first_mut().expect("somebody came")
}
