//! See `sfu::fuzzing::feedback`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sfu::fuzzing::feedback(data));
