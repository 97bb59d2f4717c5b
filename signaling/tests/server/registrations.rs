//! Asking to speak before the meeting opens, by the links of a site and of delegates.

use hyper::{Method, StatusCode};
use protocol::api::{Delegate, JoinInfo, JoinLink, Meeting, Seat, Unit};
use protocol::client::ServerMessage;
use protocol::conduct::{Registration, SUBJECT_CHARS_MAX};
use protocol::role::RoomRole;
use serde_json::json;

use crate::support::{Page, Server};

async fn planned(server: &Server, cookie: &str) -> (String, Vec<String>) {
    let units: Vec<Unit> = server.get_json("/api/units", cookie).await;
    let sites: Vec<_> = units.iter().flat_map(|it| &it.sites).map(|it| it.id).take(3).collect();
    let new = json!({
        "title": "Giao ban", "venue": "", "scheduled_at": 4_000_000_000_000_i64, "sites": sites,
    });
    let meeting: Meeting = server.post_json("/api/meetings", Some(cookie), Some(&new)).await;
    let path = format!("/api/meetings/{}", meeting.id);
    let links: Vec<JoinLink> = server.get_json(&format!("{path}/links"), cookie).await;
    (path, links.iter().map(|it| it.path.replace("/vao/", "/api/join/")).collect())
}

async fn ask(server: &Server, join: &str, subject: &str) -> StatusCode {
    let body = Some(json!({ "subject": subject }));
    server.ask(Method::PUT, &format!("{join}/registration"), None, body).await.status()
}

async fn withdraw(server: &Server, join: &str) -> StatusCode {
    let path = format!("{join}/registration");
    server.ask(Method::DELETE, &path, None, None::<()>).await.status()
}

async fn info(server: &Server, join: &str) -> JoinInfo {
    serde_json::from_slice(&server.get(join, None).await.1).unwrap()
}

async fn welcomed(page: &mut Page) -> protocol::room::RoomSnapshot {
    let hears = |it| match it {
        ServerMessage::Welcome { snapshot, .. } => snapshot.map(|it| *it),
        _ => None,
    };
    page.hears(hears).await
}

#[tokio::test]
async fn who_asks_before_the_meeting_opens_is_first_in_its_queue() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let cookie = server.sign_in("vanphong").await;
    let (path, joins) = planned(&server, &cookie).await;
    assert!(info(&server, &joins[0]).await.may_register);
    assert_eq!(info(&server, &joins[0]).await.registered, None);

    let named = json!({ "site": null, "delegates": [
        { "name": "Nguyễn Văn An", "title": "Bí thư", "votes": true },
        { "name": "Trần Thị Bình", "title": "", "votes": false },
    ] });
    let delegates: Vec<Delegate> =
        server.post_json(&format!("{path}/delegates"), Some(&cookie), Some(named)).await;
    let delegate = delegates[0].path.replace("/vao/", "/api/join/");
    let guest = delegates[1].path.replace("/vao/", "/api/join/");
    assert_eq!(ask(&server, &guest, "").await, StatusCode::FORBIDDEN);
    assert!(!info(&server, &guest).await.may_register);

    assert_eq!(ask(&server, &joins[1], " Thủy lợi nội đồng ").await, StatusCode::NO_CONTENT);
    assert_eq!(ask(&server, &delegate, "").await, StatusCode::NO_CONTENT);
    assert_eq!(ask(&server, &joins[0], "Phòng cháy").await, StatusCode::NO_CONTENT);
    assert_eq!(ask(&server, &joins[2], "").await, StatusCode::NO_CONTENT);
    assert_eq!(ask(&server, &joins[1], "Thủy lợi").await, StatusCode::NO_CONTENT);
    assert_eq!(withdraw(&server, &joins[2]).await, StatusCode::NO_CONTENT);
    let long = "ả".repeat(SUBJECT_CHARS_MAX + 1);
    assert_eq!(ask(&server, &joins[0], &long).await, StatusCode::BAD_REQUEST);
    let unknown = "/api/join/AAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(ask(&server, unknown, "").await, StatusCode::NOT_FOUND);

    let list = format!("{path}/registrations");
    assert_eq!(server.get(&list, None).await.0, StatusCode::UNAUTHORIZED);
    let asked: Vec<Registration> = server.get_json(&list, &cookie).await;
    let subjects: Vec<_> = asked.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(subjects, ["Thủy lợi", "", "Phòng cháy"], "another subject keeps the place");
    assert_eq!(asked[1].delegate_name, "Nguyễn Văn An, Bí thư");
    let named: Vec<Delegate> = server.get_json(&format!("{path}/delegates"), &cookie).await;
    assert_eq!(named[0].came_at, None);

    let _: Meeting = server.post_json(&format!("{path}/open"), Some(&cookie), None::<()>).await;
    assert_eq!(ask(&server, &joins[2], "").await, StatusCode::CONFLICT, "too late");
    assert_eq!(withdraw(&server, &joins[0]).await, StatusCode::CONFLICT);
    let named: Vec<Delegate> = server.get_json(&format!("{path}/delegates"), &cookie).await;
    assert_eq!(named[0].came_at, None, "a kept seat is nobody who came");
    let seat: Seat = server.post_json(&joins[0], None, None::<()>).await;
    let mut page = Page::open(&server).await;
    page.hello(&seat.token, None).await;
    let room = welcomed(&mut page).await;
    let waits: Vec<_> = room
        .queue
        .iter()
        .map(|id| room.participants.iter().find(|it| it.id == *id).unwrap())
        .map(|it| (it.role, it.site))
        .collect();
    let site = |n: usize| asked[n].site;
    let expected =
        [(RoomRole::Site, site(0)), (RoomRole::Delegate, None), (RoomRole::Site, site(2))];
    assert_eq!(waits, expected);
    assert_eq!(room.registered[0].subject, "Thủy lợi");
    assert_eq!(room.queue[2], seat.participant, "it sits on the seat that was kept for it");
    server.stop().await;
}

#[tokio::test]
async fn a_link_that_was_taken_away_takes_its_registration_along() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let cookie = server.sign_in("vanphong").await;
    let (path, joins) = planned(&server, &cookie).await;
    assert_eq!(ask(&server, &joins[0], "Một").await, StatusCode::NO_CONTENT);
    let links: Vec<JoinLink> = server.get_json(&format!("{path}/links"), &cookie).await;
    let link = format!("{path}/links/{}", links[0].id);
    let revoked = server.ask(Method::DELETE, &link, Some(&cookie), None::<()>).await;
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    assert_eq!(ask(&server, &joins[0], "Hai").await, StatusCode::NOT_FOUND);
    let list = format!("{path}/registrations");
    let asked: Vec<Registration> = server.get_json(&list, &cookie).await;
    assert_eq!(asked, []);
    server.stop().await;
}
