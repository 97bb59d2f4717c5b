//! Notes at moments of a recording: everybody's to read who reviews, one's own to change.

use hyper::{Method, StatusCode};
use protocol::review::{NOTE_CHARS_MAX, ReviewNote};
use serde_json::json;

use crate::support::Server;

pub(crate) async fn check_notes(server: &Server, recording: &str, cookie: &str) {
    let path = format!("{recording}/notes");
    let chair = server.sign_in("chutri").await;
    let asked = async |method, path: &str, who: &str, ms: u64, text: &str| {
        let body = (method != Method::DELETE).then(|| json!({ "ms": ms, "text": text }));
        server.ask(method, path, Some(who), body).await.status()
    };
    let text = json!({ "ms": 61_000, "text": " Xem lại số liệu \n" });
    let note: ReviewNote = server.post_json(&path, Some(cookie), Some(text)).await;
    assert_eq!((note.ms, note.text.as_str(), note.mine), (61_000, "Xem lại số liệu", true));
    assert_eq!(asked(Method::POST, &path, cookie, 2_000, "").await, StatusCode::CREATED);
    let long = "ả".repeat(NOTE_CHARS_MAX + 1);
    for (ms, text) in [(1_000_000_000, ""), (1, long.as_str())] {
        let refused = asked(Method::POST, &path, cookie, ms, text).await;
        assert_eq!(refused, StatusCode::BAD_REQUEST);
    }
    let seen: Vec<ReviewNote> = server.get_json(&path, &chair).await;
    let seen: Vec<_> = seen.iter().map(|it| (it.ms, it.mine)).collect();
    assert_eq!(
        seen,
        [(2_000, false), (61_000, false)],
        "in the video's order, and not the chair's"
    );

    let one = format!("{path}/{}", note.id);
    for method in [Method::PUT, Method::DELETE] {
        let refused = asked(method, &one, &chair, 1, "của người khác").await;
        assert_eq!(refused, StatusCode::NOT_FOUND);
    }
    assert_eq!(asked(Method::PUT, &one, cookie, 1_000, "Đã xem").await, StatusCode::NO_CONTENT);
    let seen: Vec<ReviewNote> = server.get_json(&path, cookie).await;
    assert_eq!((seen[0].ms, seen[0].text.as_str(), seen[0].mine), (1_000, "Đã xem", true));
    assert_eq!(asked(Method::DELETE, &one, cookie, 0, "").await, StatusCode::NO_CONTENT);
    assert_eq!(asked(Method::DELETE, &one, cookie, 0, "").await, StatusCode::NOT_FOUND);
    assert_eq!(server.get(&path, None).await.0, StatusCode::UNAUTHORIZED);
}
