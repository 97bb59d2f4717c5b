//! A disk without room: a start is refused with a sentence; a running server refuses what it cannot
//! write down, keeps what it has acknowledged, and lives.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::{Node, free_tcp_port, free_udp_port, run_to_end, serve};

/// A small disk in memory, gone when it goes out of scope.
pub(crate) struct Disk {
    dir: tempfile::TempDir,
}

impl Disk {
    /// None, with a reason on the terminal, where this user may not mount.
    pub(crate) fn mount(mebibytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={mebibytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(dir.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("skipped: mounting a small disk needs root");
            return None;
        }
        Some(Self { dir })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes until nothing more fits.
    fn fill(&self) -> PathBuf {
        let file = self.path().join("filler");
        // Ending with "no space left" is what this is for.
        let _ = Command::new("dd")
            .args(["if=/dev/zero", "bs=4096"])
            .arg(format!("of={}", file.display()))
            .output();
        file
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.dir.path()).status();
    }
}

#[test]
fn a_start_on_a_full_disk_is_refused_with_the_remedy() {
    let Some(disk) = Disk::mount(4) else { return };
    let output = run_to_end(serve(disk.path(), free_tcp_port(), free_udp_port(), &[]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("is full") && said.contains("--data"), "{said}");
}

#[test]
fn a_running_server_survives_a_full_disk_and_loses_nothing_that_it_acknowledged() {
    let Some(disk) = Disk::mount(64) else { return };
    let mut node = Node::start(disk.path(), &["--demo"]);
    let host = node.sign_in(&node.account("Văn phòng"));
    let units = node.get("/api/units", &host).json();
    let site = units.as_array().unwrap().iter().find_map(|unit| unit["sites"][0]["id"].as_str());
    let meeting = |title: &str| {
        json!({"title": title, "venue": "", "scheduled_at": 1_800_000_000_000_u64, "sites": [site.unwrap()]})
            .to_string()
    };
    let answer = node.post("/api/meetings", &host, meeting("trước").as_bytes());
    assert_eq!(answer.status, 201, "{}", answer.text());

    let filler = disk.fill();
    let mut acknowledged = vec!["trước".to_owned()];
    let mut refused = false;
    // A few may still fit into pages that the database already has.
    for n in 0..2_000 {
        let title = format!("đầy {n}");
        let answer = node.post("/api/meetings", &host, meeting(&title).as_bytes());
        if answer.status == 201 {
            acknowledged.push(title);
            continue;
        }
        assert!(matches!(answer.status, 503 | 507), "{}", answer.status);
        assert_eq!(answer.json()["code"], "disk_full");
        refused = true;
        break;
    }
    assert!(refused, "the disk never got full");
    node.assert_alive();

    std::fs::remove_file(filler).unwrap();
    let answer = node.post("/api/meetings", &host, meeting("sau").as_bytes());
    assert_eq!(answer.status, 201, "it works again: {}", answer.text());
    acknowledged.push("sau".to_owned());
    drop(node);

    let node = Node::start(disk.path(), &["--demo"]);
    let host = node.sign_in(&node.account("Văn phòng"));
    let meetings = node.get("/api/meetings", &host).json();
    let titles: Vec<_> =
        meetings.as_array().unwrap().iter().filter_map(|m| m["title"].as_str()).collect();
    for title in acknowledged {
        assert!(titles.contains(&title.as_str()), "{title} was acknowledged and is gone");
    }
}
