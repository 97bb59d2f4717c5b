//! `diemcau topology`: the tree of media nodes of the server that runs on this data folder, as text.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, ensure};
use protocol::node::{NodeState, NodeView, ROOT};

use crate::config::Config;

/// The server answers within this time.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// More is no answer of ours, bytes.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Asks the server and draws what it says.
pub(crate) fn show(config: &Config) -> anyhow::Result<String> {
    let token = signaling::token::operator(&config.node.data)?;
    let address = reachable(config.http.listen);
    let body = get(address, &token).with_context(|| {
        format!(
            "The server of {} is not reached at {address}. Is it running, and is \
            --http the address that it was given?",
            config.node.data.display()
        )
    })?;
    let nodes: Vec<NodeView> =
        serde_json::from_str(&body).context("The server's answer is not understood")?;
    Ok(draw(&nodes))
}

/// Where a server that listens on `listen` is reached from this machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    (ip, listen.port()).into()
}

/// One request over plain HTTP to this very machine: the server closes after it, and says its length.
fn get(address: SocketAddr, token: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    write!(
        stream,
        "GET /api/nodes HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("The answer is cut short")?;
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.contains(" 200 "), "The server says: {status}");
    Ok(body.to_owned())
}

/// The tree, each node below its parent.
fn draw(nodes: &[NodeView]) -> String {
    let mut out = String::new();
    let is_known = |name: &String| nodes.iter().any(|it| it.name == *name);
    let tops = nodes.iter().filter(|it| !it.parent.as_ref().is_some_and(is_known));
    for top in tops {
        draw_below(nodes, top, "", "", &mut out);
    }
    out.truncate(out.trim_end().len());
    out
}

fn draw_below(nodes: &[NodeView], node: &NodeView, head: &str, indent: &str, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{head}{}", line(node));
    let below: Vec<_> = nodes
        .iter()
        .filter(|it| it.parent.as_ref() == Some(&node.name) && it.name != ROOT)
        .collect();
    for (at, child) in below.iter().enumerate() {
        let is_last = at + 1 == below.len();
        let (branch, rest) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        draw_below(nodes, child, &format!("{indent}{branch}"), &format!("{indent}{rest}"), out);
    }
}

fn line(node: &NodeView) -> String {
    let state = match node.state {
        NodeState::Up => "up",
        NodeState::Draining => "draining",
        NodeState::Detached => "detached",
        NodeState::Gone => "gone",
    };
    let load = f64::from(node.load_permille) / 10.0;
    let mut line = format!(
        "{}  {state}  {} of {} sites  load {load:.1} %",
        node.name, node.sessions, node.capacity
    );
    if let Some(trunk) = &node.trunk {
        let mbps = |bps: u64| bps as f64 / 1e6;
        let _ = write!(
            line,
            "  trunk ↓ {:.2} ↑ {:.2} Mbit/s  {:.1} ms  lost {:.1} %",
            mbps(trunk.received_bps),
            mbps(trunk.sent_bps),
            f64::from(trunk.rtt_us) / 1e3,
            f64::from(trunk.lost_permille) / 10.0
        );
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, parent: Option<&str>) -> NodeView {
        NodeView {
            name: name.to_owned(),
            parent: parent.map(str::to_owned),
            state: NodeState::Up,
            sessions: 3,
            capacity: 150,
            load_permille: 12,
            trunk: None,
            sites: Vec::new(),
            units: Vec::new(),
            networks: Vec::new(),
            program: String::new(),
        }
    }

    #[test]
    fn each_node_stands_below_its_parent() {
        let nodes = [
            node("cum-1", Some("root")),
            node("cum-2", Some("root")),
            node("root", None),
            node("xa-1", Some("cum-1")),
        ];
        let text = draw(&nodes);
        let heads: Vec<_> = text.lines().map(|it| it.split("  up").next().unwrap()).collect();
        assert_eq!(heads, ["root", "├─ cum-1", "│  └─ xa-1", "└─ cum-2"]);
        assert!(text.contains("3 of 150 sites  load 1.2 %"));
    }

    #[test]
    fn a_server_on_all_addresses_is_reached_on_this_machine() {
        let at = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(at("[::]:8080"), "[::1]:8080");
        assert_eq!(at("0.0.0.0:1"), "127.0.0.1:1");
        assert_eq!(at("10.0.0.1:1"), "10.0.0.1:1");
    }
}
