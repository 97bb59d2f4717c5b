//! See `sfu::fuzzing::dtls`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sfu::fuzzing::dtls(data));
