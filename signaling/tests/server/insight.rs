//! What the control desk sees behind the scenes, and who else does not.

use hyper::{Method, StatusCode, header};
use protocol::api::TraceStarted;
use protocol::control::{CameraPicture, MediaCommand, MediaEvent};
use protocol::fact::{Fact, FactRecord};
use protocol::insight::RoomRoutes;
use protocol::time::Timestamp;

use crate::support::Server;

#[tokio::test]
async fn the_desk_is_told_how_the_lines_go_and_a_secretary_is_not() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let path = format!("/api/meetings/{}/media", server.report.meeting);
    let desk = server.sign_in("kythuat").await;
    let secretary = server.sign_in("thuky").await;
    assert_eq!(server.get(&path, Some(&secretary)).await.0, StatusCode::FORBIDDEN);
    assert_eq!(server.get(&path, None).await.0, StatusCode::UNAUTHORIZED);
    let wrong = format!("{path}?of=../x");
    assert_eq!(server.get(&wrong, Some(&desk)).await.0, StatusCode::BAD_REQUEST);
    let mut request = server.request(Method::GET, &format!("{path}?of=abc"));
    request.headers_mut().insert(header::COOKIE, desk.parse().unwrap());
    let asking = tokio::spawn(crate::support::send_to_owned(server.address.clone(), request));
    let asked = server.media.hears(|it| match it {
        MediaCommand::Inspect { request, room, of } => Some((request, room, of)),
        _ => None,
    });
    let (request, room, of) = asked.await;
    assert_eq!((room.as_str(), of.as_deref()), ("demo", Some("abc")));
    let routes = RoomRoutes { at: Timestamp(5), shard: 1, sessions: Vec::new() };
    let routes = Box::new(routes);
    server.media.say.send(MediaEvent::Inspected { request, routes: routes.clone() }).await.unwrap();
    let answer = asking.await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(serde_json::from_slice::<RoomRoutes>(answer.body()).unwrap(), *routes);
}

#[tokio::test]
async fn every_camera_has_a_picture_and_the_node_is_asked_once_for_all_who_look() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let path = format!("/api/meetings/{}/snapshots", server.report.meeting);
    let desk = server.sign_in("kythuat").await;
    let secretary = server.sign_in("thuky").await;
    assert_eq!(server.get(&path, Some(&secretary)).await.0, StatusCode::FORBIDDEN);
    let mut request = server.request(Method::GET, &path);
    request.headers_mut().insert(header::COOKIE, desk.parse().unwrap());
    let asking = tokio::spawn(crate::support::send_to_owned(server.address.clone(), request));
    let asked = server.media.hears(|it| match it {
        MediaCommand::TakeSnapshots { request, newer_than, .. } => Some((request, newer_than)),
        _ => None,
    });
    let (request, newer_than) = asked.await;
    assert_eq!(newer_than, Timestamp(0));
    let webp = b"RIFF....WEBP".to_vec();
    let picture = CameraPicture { at: Timestamp(900), width: 320, height: 180, webp: webp.clone() };
    let cameras = vec![("xa-1".to_owned(), Some(picture)), ("xa-2".to_owned(), None)];
    server.media.say.send(MediaEvent::Snapshots { request, cameras }).await.unwrap();
    let bundle = asking.await.unwrap().into_body();
    assert!(bundle.windows(webp.len()).any(|it| it == webp));
    // Asked again at once, the node is left alone.
    let one = server.get(&format!("{path}/xa-1.webp"), Some(&desk)).await;
    assert_eq!((one.0, &one.1[..]), (StatusCode::OK, &webp[..]));
    let none = server.get(&format!("{path}/xa-2.webp"), Some(&desk)).await;
    assert_eq!(none.0, StatusCode::NOT_FOUND);
    assert!(
        !server
            .get(&format!("{path}?since=900"), Some(&desk))
            .await
            .1
            .windows(4)
            .any(|it| it == b"RIFF")
    );
}

#[tokio::test]
async fn a_trace_is_in_the_log_before_it_begins_and_is_fetched_once_by_whoever_asked() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let path = format!("/api/meetings/{}/traces", server.report.meeting);
    let seat = server.site(0).await;
    let _page = server.page(&seat).await;
    let (desk, chair) = (server.sign_in("kythuat").await, server.sign_in("chutri").await);
    let whose = |publisher: &str| Some(serde_json::json!({ "publisher": publisher }));
    let publisher = seat.participant.to_string();
    let ask = |cookie, publisher: &str| {
        let body = whose(publisher);
        let (server, path) = (&server, &path);
        async move { server.ask(Method::POST, path, Some(cookie), body).await.status() }
    };
    assert_eq!(ask(&chair, &publisher).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(&desk, "nobody").await, StatusCode::NOT_FOUND);
    let begun: TraceStarted = server.post_json(&path, Some(&desk), whose(&publisher)).await;
    let facts = format!("/api/meetings/{}/facts", server.report.meeting);
    let facts: Vec<FactRecord> = server.get_json(&facts, &desk).await;
    let is_it = |it: &FactRecord| matches!(it.fact, Fact::PacketsTraced { participant, .. } if participant == seat.participant);
    assert!(facts.iter().any(is_it));
    let asked = server.media.hears(|it| match it {
        MediaCommand::Trace { request, publisher, seconds, .. } => {
            Some((request, publisher, seconds))
        }
        _ => None,
    });
    let (request, of, seconds) = asked.await;
    assert_eq!((of, seconds), (publisher, begun.seconds));
    let path = format!("{path}/{}", begun.trace);
    assert_eq!(server.get(&path, Some(&desk)).await.0, StatusCode::ACCEPTED);
    let file = b"capture".to_vec();
    server.media.say.send(MediaEvent::Traced { request, file: file.clone() }).await.unwrap();
    let fetched = loop {
        let (status, body) = server.get(&path, Some(&desk)).await;
        if status != StatusCode::ACCEPTED {
            break (status, body);
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!((fetched.0, &fetched.1[..]), (StatusCode::OK, &file[..]));
    assert_eq!(server.get(&path, Some(&desk)).await.0, StatusCode::NOT_FOUND, "only once");
    assert_eq!(std::fs::read_dir(data.path().join("traces")).unwrap().count(), 0);
}
