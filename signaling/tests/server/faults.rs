//! A meeting as it should not be: crashes, strangers, wrong input.

use std::time::Duration;

use futures_util::SinkExt as _;
use hyper::{Method, StatusCode, header};
use protocol::api::{JoinInfo, JoinLink, Meeting, MeetingState, Problem, Seat};
use protocol::client::{ClientMessage, Command, ServerMessage, VERSION};
use protocol::control::{MediaCommand, MediaEvent, RecorderCommand, SessionKind};
use protocol::error::ErrorCode;
use protocol::fact::{Fact, LeaveReason};
use protocol::id::CommandId;
use protocol::media::{Source, TrackKey};
use serde_json::json;
use signaling::token::{TokenRequest, issue};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Page, Server, request_to, send_to};

#[tokio::test]
async fn after_a_crash_the_meeting_goes_on_with_the_same_seats() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let (chair, site) = (server.seat("chutri").await, server.site(0).await);
    let mut desk = server.page(&chair).await;
    let mut page = server.page(&site).await;
    desk.fact(|it| *it == Fact::Joined { participant: site.participant }).await;
    let id = CommandId::from_parts(7, 7);
    let message = Command::SendMessage { text: "Nước đang lên".into() };
    page.command_with(id, message.clone()).await.unwrap();
    desk.command(Command::StartRecording).await.unwrap();
    desk.command(Command::Invite { participant: site.participant }).await.unwrap();
    let (seen, epoch) = (desk.last_seq, desk.epoch.clone());
    let password = server.report.accounts[0].password.clone();
    server.kill();

    let mut server = Server::start(data.path()).await;
    assert_eq!(server.report.accounts[0].password, password, "the same passwords are printed");
    let mut desk = Page::open(&server).await;
    desk.last_seq = seen;
    desk.hello(&chair.token, Some(seen)).await;
    assert!(!desk.welcomed().await, "the page resumes by number");
    assert_ne!(desk.epoch, epoch);
    desk.fact(|it| *it == Fact::Resumed).await;
    let reason = LeaveReason::Restarted;
    desk.fact(|it| *it == Fact::Left { participant: site.participant, reason }).await;
    let mut page = Page::open(&server).await;
    page.hello(&site.token, None).await;
    page.welcomed().await;
    desk.fact(|it| *it == Fact::Joined { participant: site.participant }).await;
    // The floor waited, the recording goes on, the command that is sent again is carried out once.
    page.command_with(id, message).await.unwrap();
    desk.command(Command::Thank).await.unwrap();
    let facts: Vec<protocol::fact::FactRecord> = server
        .get_json(&format!("/api/meetings/{}/facts", chair.meeting), &server.sign_in("thuky").await)
        .await;
    let n = |pick: fn(&Fact) -> bool| facts.iter().filter(|it| pick(&it.fact)).count();
    assert_eq!(n(|it| matches!(it, Fact::MessageSent { .. })), 1);
    assert_eq!(n(|it| matches!(it, Fact::FloorReleased { .. })), 1);
    assert_eq!(n(|it| matches!(it, Fact::RecordingStarted { .. })), 1);
    server.recorder.hears(|it| matches!(it, RecorderCommand::Start { .. }).then_some(())).await;
    server.stop().await;
}

#[tokio::test]
async fn a_second_page_on_a_seat_replaces_the_first() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let site = server.site(0).await;
    let mut first = server.page(&site).await;
    let mut second = server.page(&site).await;
    assert_eq!(first.closed().await, Some(ErrorCode::SeatTaken));
    second.command(Command::RaiseHand { raised: true }).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_comes_back_within_five_seconds_is_not_in_the_log() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let (chair, site) = (server.seat("chutri").await, server.site(0).await);
    let mut desk = server.page(&chair).await;
    let page = server.page(&site).await;
    desk.fact(|it| *it == Fact::Joined { participant: site.participant }).await;
    let seen = desk.last_seq;
    drop(page);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut page = Page::open(&server).await;
    page.last_seq = seen;
    page.hello(&site.token, Some(seen)).await;
    assert!(!page.welcomed().await);
    page.command(Command::RaiseHand { raised: true }).await.unwrap();
    desk.hears(|it| match it {
        ServerMessage::Fact(record) => {
            assert!(matches!(record.fact, Fact::HandRaised { .. }), "{record:?}");
            Some(())
        }
        _ => None,
    })
    .await;
    drop(page);
    let reason = LeaveReason::Lost;
    desk.fact(|it| *it == Fact::Left { participant: site.participant, reason }).await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_the_protocol_closes_the_page_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let seat = server.site(0).await;
    let text = |text: &str| text.to_owned();
    let large = format!("{{\"type\":\"ping\"{}}}", " ".repeat(70_000));
    let huge = "x".repeat(300_000);
    for (message, code) in [
        (text("not JSON"), ErrorCode::UnknownMessage),
        (text("{\"type\":\"dance\"}"), ErrorCode::UnknownMessage),
        (text("{\"type\":\"watch\",\"wants\":[],\"more\":1}"), ErrorCode::UnknownMessage),
        (large, ErrorCode::TooLarge),
        (huge, ErrorCode::TooLarge),
    ] {
        let mut page = server.page(&seat).await;
        page.say_text(message.clone()).await;
        assert_eq!(page.closed().await, Some(code), "{}", &message[..message.len().min(40)]);
    }
    let mut page = Page::open(&server).await;
    page.say(&ClientMessage::Ping).await;
    assert_eq!(page.closed().await, Some(ErrorCode::UnknownMessage));
    let mut page = Page::open(&server).await;
    let (version, token) = (VERSION + 1, seat.token.clone());
    page.say(&ClientMessage::Hello { version, token, resume_after: None }).await;
    assert_eq!(page.closed().await, Some(ErrorCode::VersionMismatch));
    let mut page = Page::open(&server).await;
    page.hello("guess", None).await;
    assert_eq!(page.closed().await, Some(ErrorCode::SeatInvalid));
    let mut page = server.page(&seat).await;
    for _ in 0..1_000 {
        // The server may have closed before the last one is out.
        let ping = Message::Text("{\"type\":\"ping\"}".into());
        if page.socket.send(ping).await.is_err() {
            break;
        }
    }
    assert_eq!(page.closed().await, Some(ErrorCode::TooManyRequests));
    assert_eq!(server.get("/healthz", None).await.0, StatusCode::OK);
    server.page(&seat).await.command(Command::RaiseHand { raised: true }).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_another_server_gets_no_websocket_and_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let mut request = server.request(Method::GET, "/ws");
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("origin", "https://elsewhere.example"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    assert_eq!(server.send(request).await.status(), StatusCode::FORBIDDEN);
    let cookie = server.sign_in("vanphong").await;
    let path = format!("/api/meetings/{}/end", server.report.meeting);
    let mut request = server.request(Method::POST, &path);
    request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
    request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(server.send(request).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(server.meeting(&cookie).await.ended_at, None);
    server.stop().await;
}

#[tokio::test]
async fn five_wrong_passwords_lock_the_account_for_a_while() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let wrong = json!({ "username": "ChuTri", "password": "123456" });
    for _ in 0..5 {
        let response = server.ask(Method::POST, "/api/session", None, Some(&wrong)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(&response.body()[..], br#"{"code":"wrong_password","field":null}"#);
    }
    let password = &server.report.accounts[1].password;
    let right = json!({ "username": "chutri", "password": password });
    let response = server.ask(Method::POST, "/api/session", None, Some(right)).await;
    assert_eq!(&response.body()[..], br#"{"code":"account_locked","field":null}"#);
    server.sign_in("thuky").await;
    server.stop().await;
}

#[tokio::test]
async fn rights_and_bodies_are_checked() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let desk = server.sign_in("kythuat").await;
    let new =
        json!({ "title": "x", "venue": "", "scheduled_at": 1_800_000_000_000_i64, "sites": [] });
    let create = |cookie: String, body: serde_json::Value| {
        let server = &server;
        async move {
            let response =
                server.ask(Method::POST, "/api/meetings", Some(&cookie), Some(body)).await;
            (response.status(), String::from_utf8_lossy(response.body()).into_owned())
        }
    };
    assert_eq!(create(desk, new.clone()).await.0, StatusCode::FORBIDDEN);
    let host = server.sign_in("vanphong").await;
    let mut long = new.clone();
    long["title"] = json!("ă".repeat(301));
    let (status, body) = create(host.clone(), long).await;
    assert_eq!(
        (status, body.as_str()),
        (StatusCode::BAD_REQUEST, r#"{"code":"invalid_input","field":"title"}"#)
    );
    let mut unknown = new.clone();
    unknown["admin"] = json!(true);
    assert_eq!(create(host.clone(), unknown).await.0, StatusCode::BAD_REQUEST);
    let mut foreign = new.clone();
    foreign["sites"] = json!(["01ARZ3NDEKTSV4RRFFQ69G5FAV"]);
    assert!(create(host.clone(), foreign).await.1.contains("sites"));
    let mut large = new;
    large["venue"] = json!("x".repeat(100_000));
    assert_eq!(create(host.clone(), large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    for path in ["/api/meetings/nonsense", "/api/nothing", "/api/join/0000"] {
        let (status, body) = server.get(path, Some(&host)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(body.starts_with(b"{\"code\":"), "{path}");
    }
    assert_eq!(server.get("/api/units", None).await.0, StatusCode::UNAUTHORIZED);
    server.stop().await;
}

#[tokio::test]
async fn whip_wants_a_token_and_its_publisher_becomes_a_participant() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let mut desk = server.page(&server.seat("chutri").await).await;
    let token = |publish| {
        let as_id = Some("codec-1".into());
        let (room, life_s) = ("demo".into(), 600);
        issue(data.path(), &TokenRequest { room, publish, subscribe: !publish, as_id, life_s })
            .unwrap()
    };
    let address = server.address.clone();
    let offer = |path: &str, token: Option<String>, content_type: &str| {
        let mut request = request_to(&address, Method::POST, path);
        request.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        if let Some(token) = token {
            let value = format!("Bearer {token}");
            request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        send_to(&address, request)
    };
    let sdp = "application/sdp";
    assert_eq!(offer("/whip/demo/codec-1", None, sdp).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        offer("/whip/demo/codec-2", Some(token(true)), sdp).await.status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        offer("/whip/demo/codec-1", Some(token(false)), sdp).await.status(),
        StatusCode::FORBIDDEN
    );
    let wrong_type = offer("/whip/demo/codec-1", Some(token(true)), "text/plain").await;
    assert_eq!(wrong_type.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let accepted = offer("/whip/demo/codec-1", Some(token(true)), sdp);
    let say = server.media.say.clone();
    let node = async {
        let offer = server
            .media
            .hears(|it| if let MediaCommand::Offer(offer) = it { Some(offer) } else { None })
            .await;
        assert_eq!((offer.publisher.as_str(), &offer.kind), ("codec-1", &SessionKind::Publish));
        say.send(MediaEvent::Answer { request: offer.request, sdp: "v=0".into() }).await.unwrap();
        let track = TrackKey { publisher: "codec-1".into(), source: Source::Camera };
        say.send(MediaEvent::TrackStarted { room: "demo".into(), track }).await.unwrap();
    };
    let (accepted, ()) = tokio::join!(accepted, node);
    assert_eq!((accepted.status(), &accepted.body()[..]), (StatusCode::CREATED, &b"v=0"[..]));
    assert_eq!(accepted.headers()["access-control-allow-origin"], "*");
    desk.fact(|it| matches!(it, Fact::Seated { name, .. } if name == "codec-1")).await;
    desk.fact(|it| matches!(it, Fact::MicrophoneGranted { granted: true, .. })).await;
    desk.fact(|it| matches!(it, Fact::Published { source: Source::Camera, .. })).await;
    let location = accepted.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let mut request = server.request(Method::DELETE, &location);
    let value = format!("Bearer {}", token(true));
    request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
    assert_eq!(server.send(request).await.status(), StatusCode::OK);
    desk.fact(|it| matches!(it, Fact::Left { reason: LeaveReason::Left, .. })).await;
    server.stop().await;
}

#[tokio::test]
async fn rooms_on_demand_exist_only_where_they_are_allowed() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start_with(data.path(), true).await;
    let mut request = server.request(Method::POST, "/whep/bench/r1?of=p1,p2");
    request.headers_mut().insert(header::CONTENT_TYPE, "application/sdp".parse().unwrap());
    let address = server.address.clone();
    let media = &mut server.media;
    let say = media.say.clone();
    let node = async {
        let room = media
            .hears(|it| {
                if let MediaCommand::SetRoom(room) = it {
                    (room.room == "bench").then_some(room)
                } else {
                    None
                }
            })
            .await;
        assert!(room.open);
        let offer = media
            .hears(|it| if let MediaCommand::Offer(offer) = it { Some(offer) } else { None })
            .await;
        let of = vec!["p1".to_owned(), "p2".to_owned()];
        assert_eq!(offer.kind, SessionKind::Receive { of });
        let code = ErrorCode::UnsupportedMedia;
        say.send(MediaEvent::Refused { request: offer.request, code }).await.unwrap();
    };
    let asking = async { send_to(&address, request).await.status() };
    let ((), status) = tokio::join!(node, asking);
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn every_address_of_the_page_is_the_page_and_files_are_files() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let get = |path: &str, accept: &str| {
        let mut request = server.request(Method::GET, path);
        request.headers_mut().insert(header::ACCEPT, accept.parse().unwrap());
        server.send(request)
    };
    let page = get("/vao/0123", "text/html,*/*").await;
    assert_eq!((page.status(), &page.body()[..]), (StatusCode::OK, &b"<!doctype html>"[..]));
    assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"));
    let script = get("/assets/app-1a2b.js", "*/*").await;
    assert!(script.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    assert_eq!(get("/assets/gone.js", "text/html").await.status(), StatusCode::NOT_FOUND);
    let metrics = get("/metrics", "*/*").await;
    let text = String::from_utf8_lossy(metrics.body()).into_owned();
    assert!(
        text.contains("\ndiemcau_sites_connected 0\n") && text.contains("diemcau_other 1"),
        "{text}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_link_is_good_from_the_meetings_day_to_its_end_and_says_why_it_is_not() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let cookie = server.sign_in("vanphong").await;
    let units: Vec<protocol::api::Unit> = server.get_json("/api/units", &cookie).await;
    let site = units.iter().flat_map(|it| &it.sites).next().unwrap().id;
    // A meeting that was planned for 2001-09-09 and never opened.
    let new = json!({
        "title": "Giao ban", "venue": "", "scheduled_at": 1_000_000_000_000_i64, "sites": [site],
    });
    let meeting: Meeting = server.post_json("/api/meetings", Some(&cookie), Some(&new)).await;
    let path = format!("/api/meetings/{}", meeting.id);
    let links: Vec<JoinLink> = server.get_json(&format!("{path}/links"), &cookie).await;
    let join = links[0].path.replace("/vao/", "/api/join/");
    let refusal = async |method: Method, path: &str, cookie: Option<&str>| {
        let answer = server.ask(method, path, cookie, None::<()>).await;
        let problem: Problem = serde_json::from_slice(answer.body()).unwrap();
        (answer.status(), problem.code)
    };
    let (gone, missing) = (StatusCode::GONE, StatusCode::NOT_FOUND);
    let expired = (gone, ErrorCode::LinkExpired);
    assert_eq!(refusal(Method::GET, &join, None).await, expired);
    assert_eq!(refusal(Method::POST, &join, None).await, expired);

    // The office opens it late: the same link lets the site in, to this meeting and no other.
    let _: Meeting = server.post_json(&format!("{path}/open"), Some(&cookie), None::<()>).await;
    let seat: Seat = server.post_json(&join, None, None::<()>).await;
    assert_eq!(seat.meeting, meeting.id);
    let shown: Vec<JoinLink> = server.get_json(&format!("{path}/links"), &cookie).await;
    assert!(shown[0].expires_at > links[0].expires_at);
    let other = format!("/api/meetings/{}/links/{}", server.report.meeting, links[0].id);
    let not_there = (missing, ErrorCode::NotFound);
    assert_eq!(refusal(Method::DELETE, &other, Some(&cookie)).await, not_there);
    assert_eq!(server.get(&join, None).await.0, StatusCode::OK, "it was not this one's to revoke");
    let token = join.rsplit('/').next().unwrap();
    let mut page = Page::open(&server).await;
    page.hello(token, None).await;
    assert_eq!(page.closed().await, Some(ErrorCode::SeatInvalid), "a link is not a seat");

    // Nonsense of any kind is a link that does not exist.
    let long = "A".repeat(5_000);
    for foreign in ["AAAAAAAAAAAAAAAAAAAAAAAAAA", "x", "%00", "..%2F..", "%F0%9F%92%A9", &long] {
        let foreign = format!("/api/join/{foreign}");
        let invalid = (missing, ErrorCode::LinkInvalid);
        assert_eq!(refusal(Method::GET, &foreign, None).await, invalid, "{foreign:.40}");
        assert_eq!(refusal(Method::POST, &foreign, None).await, invalid, "{foreign:.40}");
    }

    // After the end the link tells that the meeting is over, and so does the seat that it gave.
    let _: Meeting = server.post_json(&format!("{path}/end"), Some(&cookie), None::<()>).await;
    let (status, body) = server.get(&join, None).await;
    let info: JoinInfo = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, info.state), (StatusCode::OK, MeetingState::Ended));
    assert_eq!(refusal(Method::POST, &join, None).await, (gone, ErrorCode::MeetingEnded));
    let mut page = Page::open(&server).await;
    page.hello(&seat.token, None).await;
    assert_eq!(page.closed().await, Some(ErrorCode::MeetingEnded));
    server.stop().await;
}
