//! A meeting as it should be: signing in, joining, speaking, recording, minutes.

use hyper::{Method, StatusCode, header};
use protocol::api::{JoinInfo, Meeting, MeetingState, Minutes, Recording, RecordingPhase, Unit};
use protocol::client::{ClientMessage, Command, SendLine, ServerMessage};
use protocol::control::{
    JournalNote, MediaCommand, MediaEvent, RecorderCommand, RecorderEvent, RecordingFile,
    SessionKind,
};
use protocol::error::ErrorCode;
use protocol::fact::{Fact, FactRecord};
use protocol::media::{Layer, Slot, Source, TrackKey, Want};
use serde_json::json;

use crate::support::{Server, request_to, send_to};
use crate::{custody, reviews};

#[tokio::test]
async fn the_office_signs_in_sees_the_province_and_plans_a_meeting() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let cookie = server.sign_in("vanphong").await;
    let units: Vec<Unit> = server.get_json("/api/units", &cookie).await;
    assert_eq!(units.len(), 79);
    assert_eq!((units[0].code.as_str(), units[0].parent), ("44", None));
    let site = |name: &str| {
        let sites = units.iter().flat_map(|it| &it.sites);
        sites.clone().find(|it| it.name == name).unwrap_or_else(|| panic!("{name}")).id
    };
    let sites = [site("Điểm cầu xã Lệ Thủy"), site("Điểm cầu đặc khu Cồn Cỏ")];
    let new = json!({
        "title": " Giao ban tha\u{301}ng 7 ", "venue": "Hội trường UBND tỉnh",
        "scheduled_at": 1_800_000_000_000_i64, "sites": [sites[0], sites[1], sites[0]],
    });
    let meeting: Meeting = server.post_json("/api/meetings", Some(&cookie), Some(&new)).await;
    assert_eq!((meeting.title.as_str(), meeting.n_sites), ("Giao ban tháng 7", 2));
    let path = format!("/api/meetings/{}", meeting.id);
    let links: Vec<protocol::api::JoinLink> =
        server.get_json(&format!("{path}/links"), &cookie).await;
    let join = links[0].path.replace("/vao/", "/api/join/");
    let (status, body) = server.get(&join, None).await;
    assert_eq!(status, StatusCode::OK);
    let info: JoinInfo = serde_json::from_slice(&body).unwrap();
    assert_eq!((info.title.as_str(), info.state), ("Giao ban tháng 7", MeetingState::Scheduled));
    let early = server.ask(Method::POST, &join, None, None::<()>).await;
    assert_eq!(early.status(), StatusCode::CONFLICT);
    let opened: Meeting =
        server.post_json(&format!("{path}/open"), Some(&cookie), None::<()>).await;
    assert_eq!(opened.state, MeetingState::Open);
    let seat: protocol::api::Seat = server.post_json(&join, None, None::<()>).await;
    assert_eq!(seat.meeting, meeting.id);
    let revoke = format!("{path}/links/{}", links[0].id);
    let mut page = server.page(&seat).await;
    let revoked = server.ask(Method::DELETE, &revoke, Some(&cookie), None::<()>).await;
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    assert_eq!(page.closed().await, Some(ErrorCode::SeatInvalid));
    assert_eq!(server.get(&join, None).await.0, StatusCode::NOT_FOUND);
    let ended: Meeting = server.post_json(&format!("{path}/end"), Some(&cookie), None::<()>).await;
    assert_eq!(ended.state, MeetingState::Ended);
    server.stop().await;
}

#[tokio::test]
async fn a_site_is_invited_is_granted_at_the_node_and_thanked() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let (chair, site) = (server.seat("chutri").await, server.site(0).await);
    let mut desk = server.page(&chair).await;
    let mut page = server.page(&site).await;
    desk.fact(|it| *it == Fact::Joined { participant: site.participant }).await;
    page.command(Command::RaiseHand { raised: true }).await.unwrap();
    desk.command(Command::Invite { participant: site.participant }).await.unwrap();
    page.fact(|it| *it == Fact::FloorGranted { participant: site.participant }).await;
    let publisher = site.participant.to_string();
    let granted = |wanted: bool, publisher: String| {
        move |it: MediaCommand| match it {
            MediaCommand::SetRoom(room) => {
                assert_eq!(room.room, "demo");
                let grant = room.grants.iter().find(|it| it.publisher == publisher)?;
                (grant.audio == wanted).then_some(room.clone())
            }
            _ => None,
        }
    };
    let room = server.media.hears(granted(true, publisher.clone())).await;
    assert!(room.pinned.contains(&publisher));
    desk.command(Command::Thank).await.unwrap();
    let room = server.media.hears(granted(false, publisher.clone())).await;
    assert!(!room.pinned.contains(&publisher));
    assert_eq!(room.main.unwrap().publisher, chair.participant.to_string());
    let refused = page.command(Command::MuteAll).await;
    assert_eq!(refused, Err(ErrorCode::Forbidden));
    server.stop().await;
}

#[tokio::test]
async fn an_offer_is_answered_and_what_is_watched_reaches_the_node() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let (chair, site) = (server.seat("chutri").await, server.site(0).await);
    let mut desk = server.page(&chair).await;
    let mut page = server.page(&site).await;
    desk.fact(|it| *it == Fact::Joined { participant: site.participant }).await;
    let track = |of: &protocol::api::Seat, source| TrackKey {
        publisher: of.participant.to_string(),
        source,
    };
    let wanted = Want { track: track(&chair, Source::Camera), layer_max: Layer::High };
    let stranger = TrackKey { publisher: "stranger".into(), source: Source::Camera };
    let wants = vec![wanted.clone(), Want { track: stranger, layer_max: Layer::Low }];
    page.say(&ClientMessage::Watch { wants }).await;
    let sends = vec![SendLine { mid: "0".into(), source: Source::Microphone }];
    page.say(&ClientMessage::Offer { sdp: "v=0".into(), sends, restarts: false }).await;
    let offer = server
        .media
        .hears(|it| if let MediaCommand::Offer(offer) = it { Some(offer) } else { None })
        .await;
    assert_eq!((offer.room.as_str(), offer.sdp.as_str()), ("demo", "v=0"));
    assert_eq!(offer.kind, SessionKind::Room { sends: vec![("0".into(), Source::Microphone)] });
    let answer = MediaEvent::Answer { request: offer.request, sdp: "v=0 answer".into() };
    server.media.say.send(answer).await.unwrap();
    page.hears(|it| (it == ServerMessage::Answer { sdp: "v=0 answer".into() }).then_some(())).await;
    let told = server
        .media
        .hears(|it| {
            if let MediaCommand::SetWants { session, wants } = it {
                Some((session, wants))
            } else {
                None
            }
        })
        .await;
    assert_eq!(told, (offer.session, vec![wanted]));
    let camera = track(&site, Source::Camera);
    let started = MediaEvent::TrackStarted { room: "demo".into(), track: camera };
    server.media.say.send(started).await.unwrap();
    let participant = site.participant;
    desk.fact(|it| *it == Fact::Published { participant, source: Source::Camera }).await;
    let slots = vec![Slot { mid: "4".into(), track: Some(track(&chair, Source::Camera)) }];
    let event = MediaEvent::Slots { session: offer.session, slots: slots.clone() };
    server.media.say.send(event).await.unwrap();
    page.hears(|it| (it == ServerMessage::Slots { slots: slots.clone() }).then_some(())).await;
    let closed = MediaEvent::SessionClosed { session: offer.session };
    server.media.say.send(closed).await.unwrap();
    page.hears(|it| (it == ServerMessage::MediaLost).then_some(())).await;
    desk.fact(|it| *it == Fact::Unpublished { participant, source: Source::Camera }).await;
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_looks_for_a_new_way_stays_the_same_session() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let site = server.site(0).await;
    let mut page = server.page(&site).await;
    let offer = |sdp: &str, restarts| ClientMessage::Offer {
        sdp: sdp.into(),
        sends: vec![SendLine { mid: "0".into(), source: Source::Microphone }],
        restarts,
    };
    page.say(&offer("nothing to restart", true)).await;
    page.hears(|it| {
        (it == ServerMessage::MediaRefused { code: ErrorCode::NotFound }).then_some(())
    })
    .await;
    let mut sessions = Vec::new();
    for (sdp, restarts) in [("first", false), ("again", true), ("another", false)] {
        page.say(&offer(sdp, restarts)).await;
        let found = |it| match it {
            MediaCommand::Offer(offer) => Some(Ok(offer)),
            MediaCommand::CloseSession { session } => Some(Err(session)),
            _ => None,
        };
        let mut offer = server.media.hears(found).await;
        if let Err(closed) = offer {
            assert_eq!((sdp, closed), ("another", sessions[0]), "only a new connection ends it");
            offer = server.media.hears(found).await;
        }
        let offer = offer.unwrap();
        assert_eq!(offer.sdp, sdp);
        sessions.push(offer.session);
        let answer = MediaEvent::Answer { request: offer.request, sdp: sdp.into() };
        server.media.say.send(answer).await.unwrap();
        page.hears(|it| (it == ServerMessage::Answer { sdp: sdp.into() }).then_some(())).await;
    }
    assert_eq!(sessions[0], sessions[1]);
    assert_ne!(sessions[0], sessions[2]);
}

#[tokio::test]
async fn a_meeting_is_recorded_ended_drafted_edited_and_printed() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let (chair, site) = (server.seat("chutri").await, server.site(1).await);
    let mut desk = server.page(&chair).await;
    let mut page = server.page(&site).await;
    desk.fact(|it| *it == Fact::Joined { participant: site.participant }).await;
    let local_chair = "Đ/c Nguyễn Văn A, Chủ tịch UBND xã".to_owned();
    page.command(Command::Declare { headcount: 25, local_chair: local_chair.clone() })
        .await
        .unwrap();
    desk.command(Command::StartRecording).await.unwrap();
    let recording = server
        .recorder
        .hears(|it| {
            if let RecorderCommand::Start { recording, .. } = it { Some(recording) } else { None }
        })
        .await;
    let name =
        JournalNote::Name { publisher: site.participant.to_string(), name: site.name.clone() };
    server
        .recorder
        .hears(|it| matches!(it, RecorderCommand::Note { note, .. } if note == name).then_some(()))
        .await;
    desk.command(Command::Invite { participant: site.participant }).await.unwrap();
    let from = protocol::time::Timestamp(
        server.meeting(&server.sign_in("thuky").await).await.opened_at.unwrap().0,
    );
    let spoke = MediaEvent::Spoke {
        room: "demo".into(),
        publisher: site.participant.to_string(),
        from,
        ms: 60_000,
    };
    server.media.say.send(spoke).await.unwrap();
    desk.fact(|it| matches!(it, Fact::Spoke { ms: 60_000, .. })).await;
    desk.command(Command::SendMessage { text: "Sơ tán dân trước 17 giờ".into() }).await.unwrap();
    let secretary = server.sign_in("thuky").await;
    let facts: Vec<FactRecord> = server
        .get_json(&format!("/api/meetings/{}/facts", server.report.meeting), &secretary)
        .await;
    let message = facts
        .iter()
        .find_map(|it| {
            if let Fact::MessageSent { message, .. } = &it.fact { Some(*message) } else { None }
        })
        .unwrap();
    desk.command(Command::MarkDecision { message, decision: true }).await.unwrap();
    desk.command(Command::End).await.unwrap();
    assert_eq!(page.closed().await, Some(ErrorCode::MeetingEnded));
    server
        .recorder
        .hears(|it| {
            matches!(it, RecorderCommand::Stop { recording: it, .. } if it == recording)
                .then_some(())
        })
        .await;
    compose(&server, data.path(), recording).await;
    check_recording(&server, recording, &secretary).await;
    check_minutes(&mut server, &secretary, &local_chair).await;
    custody::check(&mut server, recording).await;
    server.stop().await;
    let verified = signaling::verify(data.path()).await.unwrap();
    assert!(matches!(verified, signaling::Verified::Whole { n_meetings: 1, .. }), "{verified:?}");
}

/// What the recorder does after a recording was stopped.
async fn compose(server: &Server, data: &std::path::Path, recording: protocol::id::RecordingId) {
    let files =
        vec![RecordingFile { path: "composed.mp4".into(), bytes: 10, sha256: "ab".repeat(32) }];
    let folder = data.join(format!("archive/{}/{recording}", server.report.meeting));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("composed.mp4"), b"0123456789").unwrap();
    std::fs::write(folder.join("manifest.json"), b"{}").unwrap();
    server
        .recorder
        .say
        .send(RecorderEvent::Composing { recording, permille: 500, remaining_ms: 9 })
        .await
        .unwrap();
    server
        .recorder
        .say
        .send(RecorderEvent::Composed { recording, ms: 90_000, files })
        .await
        .unwrap();
}

async fn check_recording(server: &Server, id: protocol::id::RecordingId, cookie: &str) {
    let path = format!("/api/recordings/{id}");
    let recording = loop {
        let recording: Recording = server.get_json(&path, cookie).await;
        if recording.phase == RecordingPhase::Ready {
            break recording;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!(recording.ms, 90_000);
    let chapters: Vec<_> = recording.chapters.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(chapters, [server.report.links[1].0.as_str(), "Sơ tán dân trước 17 giờ"]);
    let mut request = server.request(Method::GET, &format!("{path}/files/composed.mp4?download=1"));
    request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
    request.headers_mut().insert(header::RANGE, "bytes=2-4".parse().unwrap());
    let part = server.send(request).await;
    assert_eq!((part.status(), &part.body()[..]), (StatusCode::PARTIAL_CONTENT, &b"234"[..]));
    assert_eq!(part.headers()[header::CONTENT_TYPE], "video/mp4");
    for path in ["manifest.json", "..%2F..%2F..%2Fdiemcau.db", "../../diemcau.db"] {
        let path = format!("/api/recordings/{id}/files/{path}");
        assert_eq!(server.get(&path, Some(cookie)).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    reviews::check_notes(server, &path, cookie).await;
    let path = format!("{path}/files/composed.mp4");
    assert_eq!(server.get(&path, None).await.0, StatusCode::UNAUTHORIZED);
}

async fn check_minutes(server: &mut Server, cookie: &str, local_chair: &str) {
    let path = format!("/api/meetings/{}/minutes", server.report.meeting);
    let mut minutes: Minutes = server.get_json(&path, cookie).await;
    let document = &minutes.document;
    assert_eq!(document.attendance.len(), 78);
    let row = &document.attendance[1];
    assert_eq!((row.present, row.headcount, row.local_chair.as_str()), (true, 25, local_chair));
    assert_eq!(document.attendance.iter().filter(|it| it.present).count(), 1);
    assert_eq!(document.speeches.len(), 1);
    assert_eq!(document.decisions[0].text, "Sơ tán dân trước 17 giờ");
    assert_eq!(document.venue, "Hội trường Tỉnh ủy, trực tuyến đến 78 điểm cầu");
    assert_eq!((document.place.as_str(), document.log_hash.len()), ("Quảng Trị", 64));
    assert_eq!((document.recordings[0].ms, document.recordings[0].sha256.len()), (90_000, 64));
    minutes.document.conclusion = "Giao UBND các xã thực hiện.".into();
    minutes.document.log_hash = "forged".into();
    let put = |minutes: Minutes| server.ask(Method::PUT, &path, Some(cookie), Some(minutes));
    assert_eq!(put(minutes.clone()).await.status(), StatusCode::OK);
    assert_eq!(put(minutes).await.status(), StatusCode::CONFLICT);
    let kept: Minutes = server.get_json(&path, cookie).await;
    assert_eq!(kept.version, 2);
    assert_eq!(
        (kept.document.conclusion.as_str(), kept.document.log_hash.len()),
        ("Giao UBND các xã thực hiện.", 64)
    );
    let again: Minutes =
        server.post_json(&format!("{path}/redraft"), Some(cookie), None::<()>).await;
    assert_eq!((again.version, again.document.conclusion.as_str()), (3, ""));
    let say = server.recorder.say.clone();
    let address = server.address.clone();
    let recorder = &mut server.recorder;
    let printing = async {
        let (request, document) = recorder
            .hears(|it| {
                if let RecorderCommand::RenderMinutes { request, document, .. } = it {
                    Some((request, document))
                } else {
                    None
                }
            })
            .await;
        assert_eq!(document.attendance.len(), 78);
        say.send(RecorderEvent::Rendered { request, document: Ok(b"%PDF-1.7".to_vec()) })
            .await
            .unwrap();
    };
    printing_while(printing, &address, &format!("{path}.pdf"), cookie).await;
}

/// Asks for the document on a connection of its own while the recorder prints.
async fn printing_while(
    printing: impl Future<Output = ()>,
    address: &str,
    path: &str,
    cookie: &str,
) {
    let asking = async {
        let mut request = request_to(address, Method::GET, path);
        request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
        let response = send_to(address, request).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/pdf");
        response.into_body()
    };
    let ((), document) = tokio::join!(printing, asking);
    assert_eq!(&document[..], b"%PDF-1.7");
}
