//! See `sfu::fuzzing::trunk`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sfu::fuzzing::trunk(data));
