#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|data: &[u8]| peer_manager_fuzz::database::run(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    peer_manager_fuzz::database::mutate(data, size, max_size, seed, fuzzer_mutate)
});
