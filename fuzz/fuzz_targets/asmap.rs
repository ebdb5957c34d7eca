#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peer_manager_fuzz::asmap::run(data));
