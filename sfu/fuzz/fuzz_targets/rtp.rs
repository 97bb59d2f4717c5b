//! See `sfu::fuzzing::rtp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sfu::fuzzing::rtp(data));
