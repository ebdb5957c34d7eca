//! A time as stellar-core writes it: text in UTC, `YYYY-MM-DD HH:MM:SS`.
//!
//! stellar-core turns its clock into the fields of a date, has SOCI print them, and finds out what is due by comparing text. So
//! a year must have four digits: one before 1000 would be written back with fewer, and sort wrongly. A time outside the years
//! 1000 to 9999 is written as the nearest one inside. Fields need not be in range: stellar-core reads what it has written with
//! the carry of `mktime` (in the zone of the machine; here, in UTC).
//!
//! Sources: stellar-core's `src/overlay/PeerManager.cpp` and `src/util/Timer.cpp`, SOCI's `src/core/common.cpp`; the
//! arithmetic is that of <https://howardhinnant.github.io/date_algorithms.html>, in the proleptic Gregorian calendar.

/// 1000-01-01 00:00:00.
const EARLIEST: i64 = -30_610_224_000;
/// 9999-12-31 23:59:59.
const LATEST: i64 = 253_402_300_799;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
const DAYS_PER_ERA: i64 = 400 * 365 + 97;
/// Days from the first of March of the year 0 to the beginning of 1970.
const DAYS_BEFORE_EPOCH: i64 = 719_468;

/// The text of a time.
pub(super) struct Timestamp([u8; 19]);

impl Timestamp {
    /// The text of a time in seconds since the Unix epoch, or of the nearest time that has one.
    pub(super) fn of(seconds: i64) -> Self {
        let seconds = seconds.clamp(EARLIEST, LATEST);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let second = seconds.rem_euclid(SECONDS_PER_DAY);
        let mut text = *b"0000-00-00 00:00:00";
        for (end, mut number) in
            [(4, year), (7, month), (10, day), (13, second / 3600), (16, second / 60 % 60), (19, second % 60)]
        {
            for digit in text[..end].iter_mut().rev().take_while(|digit| digit.is_ascii_digit()) {
                *digit += u8::try_from(number % 10).unwrap_or(0);
                number /= 10;
            }
        }
        Self(text)
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The seconds since the Unix epoch that a text means, if it is a time.
///
/// In addition to the form that is written here, it may have numbers with fewer digits, as stellar-core writes early years; a
/// date alone, which means its midnight; `T` before the time; a fraction of a second, which is cut off; and `Z` at the end. The
/// date must exist in the calendar, and the time in the day, unless the form is the one that stellar-core writes.
pub(super) fn parse(text: &[u8]) -> Option<i64> {
    let mut rest = text;
    let year = number(&mut rest, 4)?;
    let month = field(behind(&mut rest, b'-')?)?;
    let day = field(behind(&mut rest, b'-')?)?;
    let (time, is_written_so) = match rest {
        [] => ([0; 3], false),
        [separator @ (b' ' | b'T'), time @ ..] => {
            let (time, has_more) = time_of_day(time)?;
            (time, *separator == b' ' && !has_more)
        }
        _ => return None,
    };
    let [hour, minute, second] = time;
    // What stellar-core writes, it also reads, with the carry of `mktime`. The fields of its records begin as zeros, so a
    // record whose next attempt was never set has "1900-01-00 00:00:00" in the file: the last day of 1899.
    let months = year * 12 + month - 1;
    let (carried_year, carried_month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    let days = days_from_civil(carried_year, carried_month, 1) + day - 1;
    let is_in_range = civil_from_days(days) == (year, month, day)
        && (0..24).contains(&hour)
        && [minute, second].iter().all(|number| (0..60).contains(number));
    (is_in_range || is_written_so).then_some(days * SECONDS_PER_DAY + (hour * 60 + minute) * 60 + second)
}

/// The hour, the minute and the second of a text, and whether there is a fraction or `Z` after them.
fn time_of_day(mut rest: &[u8]) -> Option<([i64; 3], bool)> {
    let hour = field(&mut rest)?;
    let minute = field(behind(&mut rest, b':')?)?;
    let second = field(behind(&mut rest, b':')?)?;
    let has_more = !rest.is_empty();
    if let Some(fraction) = behind(&mut rest, b'.') {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        *fraction = fraction.get(digits..).filter(|_| digits > 0)?;
    }
    matches!(rest, [] | [b'Z']).then_some(([hour, minute, second], has_more))
}

/// Reads a field other than the year: one or two digits, or one after a minus sign, as C prints a negative one.
fn field(rest: &mut &[u8]) -> Option<i64> {
    match behind(rest, b'-') {
        Some(rest) => number(rest, 1).map(|number| -number),
        None => number(rest, 2),
    }
}

/// Reads one to `most` digits.
fn number(rest: &mut &[u8], most: usize) -> Option<i64> {
    let digits = rest.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    let (read, behind) = rest.split_at_checked(digits).filter(|_| digits > 0)?;
    *rest = behind;
    Some(read.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

/// The rest after a symbol, if that is next.
fn behind<'a, 'b>(rest: &'a mut &'b [u8], symbol: u8) -> Option<&'a mut &'b [u8]> {
    *rest = rest.strip_prefix(&[symbol])?;
    Some(rest)
}

/// The number of days from the beginning of 1970 to a date.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // A year that begins in March has its leap day last.
    let year = year - i64::from(month <= 2);
    let of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year.div_euclid(400) * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year
        - DAYS_BEFORE_EPOCH
}

/// The year, the month and the day this many days after the beginning of 1970.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_BEFORE_EPOCH;
    let of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (days.div_euclid(DAYS_PER_ERA) * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use rusqlite::Connection;

    /// 0000-01-01 00:00:00, the first time that SQLite knows.
    const YEAR_0: i64 = -62_167_219_200;

    fn days_in(year: i64, month: i64) -> i64 {
        match month {
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    #[test]
    fn every_day_of_ten_thousand_years_follows_the_one_before() {
        let mut days = YEAR_0 / SECONDS_PER_DAY;
        for year in 0..10_000 {
            for month in 1..=12 {
                for day in 1..=days_in(year, month) {
                    assert_eq!(
                        (days_from_civil(year, month, day), civil_from_days(days)),
                        (days, (year, month, day))
                    );
                    days += 1;
                }
            }
        }
        assert_eq!(days * SECONDS_PER_DAY, LATEST + 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn sqlite_writes_and_reads_the_same_text(seconds in prop_oneof![EARLIEST..=LATEST, 0..1_i64 << 33]) {
            thread_local!(static SQLITE: Connection = Connection::open_in_memory().expect("SQLite"));
            let ours = Timestamp::of(seconds);
            let (text, number): (String, i64) = SQLITE.with(|sqlite| {
                let sql = "SELECT datetime(?1, 'unixepoch'), CAST(strftime('%s', ?2) AS INTEGER)";
                sqlite.prepare_cached(sql)?.query_row((seconds, ours.as_str()), |row| Ok((row.get(0)?, row.get(1)?)))
            }).expect("an answer");
            prop_assert_eq!(ours.as_str(), text);
            prop_assert_eq!((number, parse(ours.as_str().as_bytes())), (seconds, Some(seconds)));
        }

        #[test]
        // Except that 24:00:00 is a time of day for SQLite.
        fn sqlite_agrees_about_what_is_read(text in "[0-9]{4}-[01][0-9]-[0-3][0-9](T([01][0-9]|2[0-35-9]):[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,3})?Z?| ([01][0-9]|2[0-35-9]):[0-6][0-9]:[0-6][0-9](Z|\\.[0-9]{1,3}Z?))?") {
            thread_local!(static SQLITE: Connection = Connection::open_in_memory().expect("SQLite"));
            let theirs: Option<i64> = SQLITE.with(|sqlite| {
                // SQLite takes the 31st of a short month for a day of the next one, and may round fractions up.
                let sql = "SELECT CASE WHEN date(?1, '+0 days') = substr(?1, 1, 10) THEN CAST(strftime('%s', substr(?1, 1, 19)) AS INTEGER) END";
                sqlite.prepare_cached(sql)?.query_row([&text], |row| row.get(0))
            }).expect("an answer");
            prop_assert_eq!(parse(text.as_bytes()), theirs);
        }

        #[test]
        fn fields_that_stellar_core_writes_carry_over_as_sqlite_adds_them(year in 20..9980_i64, month in -9..=99_i64, day in -9..=99_i64, hour in -9..=99_i64, minute in -9..=99_i64, second in -9..=99_i64) {
            thread_local!(static SQLITE: Connection = Connection::open_in_memory().expect("SQLite"));
            let theirs: i64 = SQLITE.with(|sqlite| {
                let sql = "SELECT CAST(strftime('%s', printf('%04d-01-01', ?1), printf('%+d months', ?2 - 1), printf('%+d days', ?3 - 1), \
                           printf('%+d hours', ?4), printf('%+d minutes', ?5), printf('%+d seconds', ?6)) AS INTEGER)";
                sqlite.prepare_cached(sql)?.query_row((year, month, day, hour, minute, second), |row| row.get(0))
            }).expect("an answer");
            // printf of C counts the sign as one of the two places.
            let two = |number: i64| if number < 0 { number.to_string() } else { format!("{number:02}") };
            let text = format!("{year}-{}-{} {}:{}:{}", two(month), two(day), two(hour), two(minute), two(second));
            prop_assert_eq!(parse(text.as_bytes()), Some(theirs), "{}", text);
        }

        #[test]
        fn any_text_is_read_or_refused(text: Vec<u8>) {
            if let Some(seconds) = parse(&text) {
                // Carrying over moves a time by at most nine years.
                let most = 9 * 366 * SECONDS_PER_DAY;
                prop_assert!((YEAR_0 - most..=LATEST + most).contains(&seconds));
            }
        }
    }

    #[test]
    fn what_has_no_text_becomes_the_nearest_that_has_one() {
        for (seconds, text) in [
            (i64::MIN, "1000-01-01 00:00:00"),
            (YEAR_0, "1000-01-01 00:00:00"),
            (EARLIEST - 1, "1000-01-01 00:00:00"),
            (EARLIEST, "1000-01-01 00:00:00"),
            (-1, "1969-12-31 23:59:59"),
            (0, "1970-01-01 00:00:00"),
            (i64::from(i32::MAX) + 1, "2038-01-19 03:14:08"),
            (9_999_999_999, "2286-11-20 17:46:39"),
            (LATEST, "9999-12-31 23:59:59"),
            (LATEST + 1, "9999-12-31 23:59:59"),
            (i64::MAX, "9999-12-31 23:59:59"),
        ] {
            assert_eq!(Timestamp::of(seconds).as_str(), text);
        }
    }

    #[test]
    fn forms_whose_meaning_is_certain_are_read() {
        for (text, seconds) in [
            ("2026-01-01", 1_767_225_600),
            ("2026-1-1 0:0:9", 1_767_225_609),
            ("2026-01-01T00:00:09Z", 1_767_225_609),
            ("2026-01-01 00:00:09.999", 1_767_225_609),
            ("2024-02-29 00:00:00", 1_709_164_800),
            ("0-01-01 00:00:00", YEAR_0),
            ("999-12-31 23:59:59", EARLIEST - 1),
            ("1900-01-00 00:00:00", -2_209_075_200),
            ("2026-01-00 00:00:00", 1_767_225_600 - SECONDS_PER_DAY),
            ("2026-00-01 00:00:00", 1_767_225_600 - 31 * SECONDS_PER_DAY),
            ("2025-13-01 00:00:00", 1_767_225_600),
            ("2023-02-29 00:00:00", 1_677_628_800),
            ("2025-12-31 24:00:00", 1_767_225_600),
            ("2025-12-31 23:60:00", 1_767_225_600),
            ("2025-12-31 23:59:60", 1_767_225_600),
            ("2026-01-01 00:00:-1", 1_767_225_600 - 1),
            ("2026-01-02 -1:60:00", 1_767_225_600 + SECONDS_PER_DAY),
            ("9999-12-31 23:59:60", LATEST + 1),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(seconds), "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "now",
            "2026",
            "2026-01",
            "2026-01-01 ",
            "2026-01-01 00:00",
            "2026-01-01 00:00:00 ",
            " 2026-01-01",
            "+2026-01-01",
            "-1-01-01 00:00:00",
            "10000-01-01 00:00:0",
            "2026-13-01",
            "2026-00-01",
            "2026-02-29",
            "2026-04-31",
            "2026-01-00",
            "1900-02-29",
            "2026-01-01T24:00:00",
            "2026-01-01T00:60:00",
            "2026-01-01T00:00:60",
            "2026-01-01 00:00:60Z",
            "2026-02-29 00:00:00.5",
            "2026-01-01 00:00:100",
            "2026-01-01 00:00:-10",
            "2026-01-01 00:00:-",
            "2026-01-01 00:00:--1",
            "2026-01--1",
            "2026-01-01 00:00:00.",
            "2026-01-01 00:00:00+02:00",
            "2026/01/01",
            "12:00:00",
            "2026-01-01 00:00:00\0",
            "2026-01-011",
            "２026-01-01",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
