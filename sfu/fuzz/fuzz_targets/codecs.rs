//! See `sfu::fuzzing::codecs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sfu::fuzzing::codecs(data));
