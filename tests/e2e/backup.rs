//! A data folder is copied while the server runs, and a server of the copy is the same server.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::{BINARY, Node, run_to_end};

fn diemcau(arguments: &[&Path]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments);
    command
}

fn path(text: &str) -> &Path {
    Path::new(text)
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn backup(data: &Path, to: &Path) -> Output {
    run_to_end(diemcau(&[path("backup"), path("--data"), data, to]))
}

fn restore(from: &Path, data: &Path) -> Output {
    run_to_end(diemcau(&[path("restore"), from, path("--data"), data]))
}

#[test]
fn a_copy_of_a_running_server_is_whole_and_is_the_same_server() {
    let dir = tempfile::tempdir().unwrap();
    let [data, copy, again] = ["data", "copy", "again"].map(|it| dir.path().join(it));
    let node = Node::start(&data, &["--demo"]);
    let host = node.account("Văn phòng");
    // As much as a recording has, so that the copy takes a moment.
    std::fs::create_dir_all(data.join("archive/m/r")).unwrap();
    std::fs::write(data.join("archive/m/r/large.bin"), vec![7; 64 << 20]).unwrap();

    let done = backup(&data, &copy);
    assert!(done.status.success(), "{}", text(&done));
    let checked = run_to_end(diemcau(&[path("verify"), &copy]));
    assert!(checked.status.success(), "{}", text(&checked));
    assert!(text(&backup(&data, &copy)).contains("is not empty"));
    assert!(text(&backup(&data, &data.join("copy"))).contains("in the data folder itself"));

    let done = restore(&copy, &again);
    assert!(done.status.success(), "{}", text(&done));
    assert!(text(&restore(&copy, &again)).contains("is not empty"));
    let meetings = |node: &Node| {
        let cookie = node.sign_in(&host);
        node.get("/api/meetings", &cookie).json().as_array().unwrap().len()
    };
    let before = meetings(&node);
    let token_key = |folder: &Path| std::fs::read(folder.join("media-token.key")).unwrap();
    assert_eq!(token_key(&data), token_key(&again), "tokens given out before still work");
    drop(node);
    let node = Node::start(&again, &[]);
    assert_eq!(meetings(&node), before);
}

#[test]
fn a_copy_that_was_interrupted_or_changed_is_never_taken_for_whole() {
    let dir = tempfile::tempdir().unwrap();
    let [data, copy, again] = ["data", "copy", "again"].map(|it| dir.path().join(it));
    drop(Node::start(&data, &[]));
    std::fs::create_dir_all(data.join("archive/m/r")).unwrap();
    let large = data.join("archive/m/r/large.bin");
    std::fs::write(&large, vec![7; 256 << 20]).unwrap();

    let mut command = diemcau(&[path("backup"), path("--data"), &data, &copy]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(120));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!copy.exists(), "what was interrupted has no name");
    std::fs::write(&large, vec![7; 1 << 20]).unwrap();
    let done = backup(&data, &copy);
    assert!(done.status.success(), "{}", text(&done));
    assert!(!copy.with_file_name("copy.part").exists());

    std::fs::write(copy.join("archive/m/r/large.bin"), vec![8; 1 << 20]).unwrap();
    let refused = restore(&copy, &again);
    assert!(!refused.status.success());
    assert!(
        text(&refused).contains("archive/m/r/large.bin is not as it was"),
        "{}",
        text(&refused)
    );
    assert!(!again.exists(), "nothing half-written");
    let list = copy.join("backup.json");
    let outside = std::fs::read_to_string(&list).unwrap().replace("archive/m/r/large.bin", "../x");
    std::fs::write(&list, outside).unwrap();
    assert!(text(&restore(&copy, &again)).contains("is no file of a copy"));
    std::fs::remove_file(&list).unwrap();
    assert!(text(&restore(&copy, &again)).contains("is no copy of `diemcau backup`"));
    assert!(!again.exists());
}
