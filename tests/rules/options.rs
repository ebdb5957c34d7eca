//! Options that change the specification's numbers: the back-off; and those that make no sense.

use crate::common::{START, TestClock, ipv4};
use peer_manager::BackOffUpdate::{Increase, Reset};
use peer_manager::{Error, Options, PeerManager};

/// The shortest and the longest of many waits after so many failures.
fn waits(seconds: u32, exponent: u32, failures: u32) -> (i64, i64) {
    let options = Options {
        backoff_seconds: seconds,
        max_backoff_exponent: exponent,
        ..TestClock::at(START).options(u64::from(seconds))
    };
    let manager = PeerManager::open(options).unwrap();
    let waits = (0..400).map(|n| {
        for _ in 0..failures {
            manager.update_backoff(&ipv4(n), Increase).unwrap();
        }
        if failures == 0 {
            manager.update_backoff(&ipv4(n), Reset).unwrap();
        }
        manager.load(&ipv4(n)).unwrap().unwrap().next_attempt - START
    });
    let waits: Vec<_> = waits.collect();
    (*waits.iter().min().unwrap(), *waits.iter().max().unwrap())
}

#[test]
fn a_back_off_is_from_1_second_to_the_unit_doubled_with_each_failure_up_to_the_exponent() {
    for (seconds, exponent, failures, longest) in [
        (0, 0, 0, 10),
        (0, 0, 3, 80),
        (0, 0, 12, 10 << 10),
        (1, 0, 0, 1),
        (1, 0, 1, 2),
        (1, 3, 2, 4),
        (1, 3, 9, 8),
        (0, 1, 5, 20),
        (3600, 0, 0, 3600),
        (3600, 20, 22, 3600 << 20),
    ] {
        let (least, most) = waits(seconds, exponent, failures);
        assert!(least >= 1 && most <= longest, "{least} to {most} of {longest}");
        // Of 400 draws, the longest is in the upper tenth, except once in 10^18.
        assert!(most > longest - longest / 10 - 1, "{most} of {longest}");
    }
}

fn refused(change: impl FnOnce(&mut Options)) -> String {
    let mut options = Options::default();
    change(&mut options);
    match PeerManager::open(options) {
        Err(Error::InvalidArgument(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_that_are_too_large_are_refused() {
    for seconds in [3601, u32::MAX] {
        assert_eq!(
            refused(|options| options.backoff_seconds = seconds),
            format!("backoff_seconds is {seconds}, which is too much; use at most 3600")
        );
    }
    for exponent in [21, u32::MAX] {
        assert_eq!(
            refused(|options| options.max_backoff_exponent = exponent),
            format!("max_backoff_exponent is {exponent}, which is too much; use at most 20")
        );
    }
}

#[test]
fn a_part_of_the_shared_list_without_a_shared_list_is_refused() {
    for percent in [1, 50, 100] {
        assert_eq!(
            refused(|options| options.share_max_percent = percent),
            format!(
                "share_max_percent is {percent}, but without share_cache_seconds there is no shared list that it could \
                 bound; set that too"
            )
        );
        let both = Options { share_max_percent: percent, share_cache_seconds: 1, ..Options::default() };
        assert!(PeerManager::open(both).is_ok());
    }
}
