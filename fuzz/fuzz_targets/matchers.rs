#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tamiz_fuzz::matchers(data));
