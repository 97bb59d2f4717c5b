//! What `--demo` prints: where to go, who may sign in, which links lead into the running meeting.

use std::fmt::Write;
use std::net::SocketAddr;

use signaling::demo::DemoReport;

/// Rows of the box are this wide at most before a line just sticks out (a join link must stay whole).
const WIDTH: usize = 78;

/// What the demonstration offers, for a person to try and for scripts to read: an account's row begins
/// with its sign-in name and password.
pub(crate) fn show(url: &str, demo: &DemoReport) -> String {
    let mut lines = vec![demo.title.clone(), url.to_owned(), String::new()];
    lines.push("Tài khoản / accounts".to_owned());
    for account in &demo.accounts {
        lines.push(format!("  {:<12} {:<20} {}", account.username, account.password, account.role));
    }
    lines.push(String::new());
    lines.push("Liên kết vào họp / join links".to_owned());
    for (site, path) in &demo.links {
        lines.push(format!("  {site}"));
        lines.push(format!("    {url}{path}"));
    }
    frame("Điểm Cầu: dữ liệu trình diễn / demonstration", &lines)
}

/// Lines in a frame, with `title` in its upper edge.
pub(crate) fn frame(title: &str, lines: &[String]) -> String {
    let width =
        lines.iter().map(|line| columns(line)).max().unwrap_or(0).clamp(columns(title), WIDTH);
    let mut text = String::new();
    let edge = "─".repeat(width.saturating_sub(columns(title)));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "╭─ {title} {edge}╮");
    for line in lines {
        let rest = " ".repeat((width + 2).saturating_sub(columns(line)));
        let _ = writeln!(text, "│ {line}{rest}│");
    }
    let _ = write!(text, "╰{}╯", "─".repeat(width + 3));
    text
}

/// Vietnamese text in NFC has one column a character.
fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The address that a browser on this machine uses.
pub(crate) fn local_url(http: SocketAddr) -> String {
    if http.ip().is_unspecified() || http.ip().is_loopback() {
        format!("http://localhost:{}", http.port())
    } else {
        format!("http://{http}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_ends_at_the_same_column() {
        let text = frame("Điểm Cầu", &["ngắn".to_owned(), "một dòng dài hơn".to_owned()]);
        let widths: Vec<_> = text.lines().map(columns).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }

    #[test]
    fn an_address_that_means_all_of_them_is_shown_as_localhost() {
        assert_eq!(local_url(([0, 0, 0, 0], 8080).into()), "http://localhost:8080");
        assert_eq!(local_url(([10, 0, 0, 1], 80).into()), "http://10.0.0.1:80");
    }
}
