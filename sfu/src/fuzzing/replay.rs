//! Everything in `sfu/fuzz/corpus` goes through its target in every ordinary test run: seeds, and whatever
//! once made a target fail.

use std::path::Path;

/// A folder's name and the function that its files go through.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 13] = [
    ("stun", super::stun),
    ("framing", super::framing),
    ("rtp", super::rtp),
    ("rtcp", super::rtcp),
    ("transport_cc", super::transport_cc),
    ("feedback", super::feedback),
    ("offer", super::offer),
    ("dtls", super::dtls),
    ("codecs", super::codecs),
    ("red", super::red),
    ("dependency", super::dependency),
    ("node", super::node),
    ("trunk", super::trunk),
];

/// Bytes of all corpora together: they are committed, so they stay small.
const CORPUS_BYTES_MAX: u64 = 1024 * 1024;

#[test]
fn every_committed_input_keeps_the_promises_of_its_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut n_bytes = 0;
    for (name, target) in TARGETS {
        assert!(root.join(format!("fuzz_targets/{name}.rs")).exists(), "{name} is not a target");
        let inputs = std::fs::read_dir(root.join("corpus").join(name));
        let mut n_inputs = 0;
        for input in inputs.unwrap_or_else(|err| panic!("{name}: {err}")) {
            let input = input.unwrap().path();
            let bytes = std::fs::read(&input).unwrap();
            n_bytes += bytes.len() as u64;
            n_inputs += 1;
            let outcome = std::panic::catch_unwind(|| target(&bytes));
            assert!(outcome.is_ok(), "{} breaks a promise", input.display());
        }
        assert!(n_inputs >= 2, "{name} has no seeds");
    }
    assert!(n_bytes < CORPUS_BYTES_MAX, "{n_bytes} bytes");
    let n_targets = std::fs::read_dir(root.join("fuzz_targets")).unwrap().count();
    assert_eq!(n_targets, TARGETS.len(), "a target that is not replayed");
}
