//! How a recording is kept after its meeting: on record, held, and destroyed by two.

use hyper::{Method, StatusCode, header};
use protocol::api::{Recording, RecordingPhase};
use protocol::control::{RecorderCommand, RecorderEvent};
use protocol::custody::{Custody, CustodyEvent, CustodyRight, StorageReport};
use protocol::id::RecordingId;
use serde_json::json;

use crate::support::Server;

async fn act(server: &Server, id: RecordingId, cookie: &str, what: &str, why: &str) -> StatusCode {
    let path = format!("/api/recordings/{id}/custody");
    let body = json!({ "act": what, "reason": why });
    server.ask(Method::POST, &path, Some(cookie), Some(body)).await.status()
}

/// Looks at, holds, and in the end destroys a recording that is ready.
pub(crate) async fn check(server: &mut Server, id: RecordingId) {
    let path = format!("/api/recordings/{id}");
    let (host, chair) = (server.sign_in("vanphong").await, server.sign_in("chutri").await);
    let secretary = server.sign_in("thuky").await;
    let before: Custody = server.get_json(&format!("{path}/custody"), &secretary).await;
    let taken = CustodyEvent::Downloaded { path: "composed.mp4".into() };
    assert!(before.entries.iter().any(|it| it.event == taken), "{:?}", before.entries);
    for from in [0, 4, 2] {
        let mut request = server.request(Method::GET, &format!("{path}/files/composed.mp4"));
        request.headers_mut().insert(header::COOKIE, host.parse().unwrap());
        request.headers_mut().insert(header::RANGE, format!("bytes={from}-").parse().unwrap());
        assert_eq!(server.send(request).await.status(), StatusCode::PARTIAL_CONTENT);
    }
    let seen: Custody = server.get_json(&format!("{path}/custody"), &secretary).await;
    assert_eq!(seen.n_entries, before.n_entries + 1, "one looking, however many pieces");
    assert_eq!(server.get(&format!("{path}/custody"), None).await.0, StatusCode::UNAUTHORIZED);
    let storage: StorageReport = server.get_json("/api/archive", &host).await;
    assert!(storage.recordings == 1 && storage.free_bytes > 0);

    let (ok, forbidden, conflict) = (StatusCode::OK, StatusCode::FORBIDDEN, StatusCode::CONFLICT);
    assert_eq!(act(server, id, &secretary, "hold", "x").await, forbidden);
    assert_eq!(act(server, id, &host, "hold", "").await, StatusCode::BAD_REQUEST);
    assert_eq!(act(server, id, &host, "hold", "Thanh tra yêu cầu").await, ok);
    assert_eq!(act(server, id, &secretary, "ask_destruction", "Hết hạn").await, conflict);
    assert_eq!(act(server, id, &host, "release", "Xong").await, forbidden);
    assert_eq!(act(server, id, &chair, "release", "Xong").await, ok);
    assert_eq!(act(server, id, &chair, "approve_destruction", "").await, conflict, "nobody asked");
    assert_eq!(act(server, id, &chair, "ask_destruction", "Hết hạn").await, ok);
    assert_eq!(act(server, id, &chair, "approve_destruction", "").await, forbidden, "not alone");
    assert_eq!(act(server, id, &chair, "decline_destruction", "").await, ok);
    assert_eq!(act(server, id, &secretary, "ask_destruction", "Hết hạn").await, ok);
    assert_eq!(act(server, id, &host, "approve_destruction", "").await, forbidden);
    let shown: Custody = server.get_json(&format!("{path}/custody"), &chair).await;
    assert!(shown.may.contains(&CustodyRight::ApproveDestruction));
    assert!(shown.asked.is_some_and(|it| !it.mine && it.reason == "Hết hạn"));
    assert_eq!(act(server, id, &chair, "approve_destruction", "").await, ok);
    let is_it =
        |it| matches!(it, RecorderCommand::Destroy { recording } if recording == id).then_some(());
    server.recorder.hears(is_it).await;
    // A recorder that was restarted in between has done nothing: it is told again.
    server.recorder.say.send(RecorderEvent::Ready { unfinished: Vec::new() }).await.unwrap();
    server.recorder.hears(is_it).await;
    server.recorder.say.send(RecorderEvent::Destroyed { recording: id }).await.unwrap();
    loop {
        let recording: Recording = server.get_json(&path, &host).await;
        if recording.phase == RecordingPhase::Destroyed {
            assert!(recording.files.is_empty());
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let file = format!("{path}/files/composed.mp4");
    assert_eq!(server.get(&file, Some(&chair)).await.0, StatusCode::NOT_FOUND);
    assert_eq!(act(server, id, &chair, "hold", "x").await, conflict);
    let compose =
        server.ask(Method::POST, &format!("{path}/compose"), Some(&secretary), None::<()>).await;
    assert_eq!(compose.status(), conflict);
    let left: Custody = server.get_json(&format!("{path}/custody"), &host).await;
    assert_eq!(left.entries[0].event, CustodyEvent::Destroyed, "the log is kept");
}
