//! See `sfu::fuzzing::transport_cc`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sfu::fuzzing::transport_cc(data));
