//! Times, durations and numbers as an office writes them in Vietnamese: Asia/Ho_Chi_Minh is +07:00
//! all year, days below 10 and the months 1 and 2 take a leading zero (Nghị định 30/2020/NĐ-CP).
//! Pure: reads no clock and no time-zone table.

use protocol::time::Timestamp;

/// Milliseconds that Vietnam's clocks are ahead of UTC.
const AHEAD_OF_UTC_MS: i64 = 7 * 3_600_000;

/// A moment on a wall clock in Vietnam.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LocalTime {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
}

impl LocalTime {
    /// The wall clock at a moment; `None` outside the years 1 to 9999, which nobody means.
    pub(super) fn of(at: Timestamp) -> Option<Self> {
        let ms = at.0.checked_add(AHEAD_OF_UTC_MS)?;
        let (days, in_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
        let (year, month, day) = civil(days);
        let minutes = in_day / 60_000;
        (1..=9999).contains(&year).then_some(Self {
            year,
            month,
            day,
            hour: minutes / 60,
            minute: minutes % 60,
        })
    }

    /// "ngày 05 tháng 02 năm 2026".
    pub(super) fn long_date(self) -> String {
        let Self { year, month, day, .. } = self;
        let month = if month <= 2 { format!("{month:02}") } else { month.to_string() };
        format!("ngày {day:02} tháng {month} năm {year}")
    }

    /// "08 giờ 05 phút".
    pub(super) fn long_time(self) -> String {
        format!("{:02} giờ {:02} phút", self.hour, self.minute)
    }

    /// "08:05".
    pub(super) fn clock(self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }

    /// "05/02".
    pub(super) fn short_day(self) -> String {
        format!("{:02}/{:02}", self.day, self.month)
    }

    /// Both are on one calendar day.
    pub(super) fn same_day(self, other: Self) -> bool {
        (self.year, self.month, self.day) == (other.year, other.month, other.day)
    }

    /// The same moment for a file's own record: RFC 3339 with Vietnam's offset.
    pub(super) fn rfc3339(self) -> String {
        let Self { year, month, day, hour, minute } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00+07:00")
    }
}

/// Year, month and day of a number of days since 1970-01-01, in the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years are counted from 1 March, so that the leap day is a year's last day.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let in_era = shifted.rem_euclid(146_097);
    let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// "1 giờ 05 phút", "4 phút 30 giây", "30 giây": at most two units, the smaller part cut off.
pub(super) fn duration(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, 0, rest) => format!("{rest} giây"),
        (0, minutes, 0) => format!("{minutes} phút"),
        (0, minutes, rest) => format!("{minutes} phút {rest:02} giây"),
        (hours, 0, _) => format!("{} giờ", number(hours)),
        (hours, minutes, _) => format!("{} giờ {minutes:02} phút", number(hours)),
    }
}

/// "2.134": thousands parted by full stops.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T01:00:00Z.
    const MORNING: i64 = 1_795_395_600_000;

    fn local(ms: i64) -> LocalTime {
        LocalTime::of(Timestamp(ms)).unwrap()
    }

    #[test]
    fn one_in_the_morning_utc_is_eight_in_vietnam() {
        assert_eq!(local(MORNING).long_date(), "ngày 23 tháng 11 năm 2026");
        assert_eq!(local(MORNING).long_time(), "08 giờ 00 phút");
        assert_eq!(local(MORNING).clock(), "08:00");
        assert_eq!(local(MORNING).rfc3339(), "2026-11-23T08:00:00+07:00");
    }

    #[test]
    fn an_evening_in_utc_is_the_next_day_in_vietnam() {
        // 2025-12-31T17:00:00Z.
        assert_eq!(local(1_767_200_400_000).long_date(), "ngày 01 tháng 01 năm 2026");
        assert_eq!(local(1_767_200_400_000 - 1).long_date(), "ngày 31 tháng 12 năm 2025");
    }

    #[test]
    fn only_days_below_ten_and_the_months_one_and_two_take_a_zero() {
        let at = |month, day| LocalTime { year: 2026, month, day, hour: 0, minute: 0 }.long_date();
        assert_eq!(at(2, 9), "ngày 09 tháng 02 năm 2026");
        assert_eq!(at(7, 5), "ngày 05 tháng 7 năm 2026");
        assert_eq!(at(3, 10), "ngày 10 tháng 3 năm 2026");
        assert_eq!(at(10, 31), "ngày 31 tháng 10 năm 2026");
    }

    #[test]
    fn the_calendar_knows_leap_days_and_goes_on_day_after_day() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(-1), (1969, 12, 31));
        assert_eq!(civil(19_782), (2024, 2, 29));
        let mut before = civil(-719_162);
        assert_eq!(before, (1, 1, 1));
        for days in -719_161..200_000 {
            let (year, month, day) = civil(days);
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let february = if leap { 29 } else { 28 };
            let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            let next_day = (year, month) == (before.0, before.1) && day == before.2 + 1;
            let old_month_over = (1..=12).contains(&before.1)
                && before.2
                    == if before.1 == 2 { before.2 } else { lengths[before.1 as usize - 1] };
            let next_month = day == 1 && month == before.1 % 12 + 1 && old_month_over;
            assert!(next_day || next_month, "{before:?} then {:?}", (year, month, day));
            assert!(day <= lengths[month as usize - 1]);
            before = (year, month, day);
        }
    }

    #[test]
    fn a_moment_that_nobody_means_is_no_time_and_no_panic() {
        for ms in [i64::MIN, i64::MAX, i64::MAX - AHEAD_OF_UTC_MS] {
            assert_eq!(LocalTime::of(Timestamp(ms)), None);
        }
    }

    #[test]
    fn durations_are_written_in_words() {
        assert_eq!(duration(0), "0 giây");
        assert_eq!(duration(30_999), "30 giây");
        assert_eq!(duration(240_000), "4 phút");
        assert_eq!(duration(270_000), "4 phút 30 giây");
        assert_eq!(duration(243_000), "4 phút 03 giây");
        assert_eq!(duration(3_600_000), "1 giờ");
        assert_eq!(duration(3_900_000), "1 giờ 05 phút");
        assert_eq!(duration(u64::MAX), "5.124.095.576.030 giờ 25 phút");
    }

    #[test]
    fn thousands_are_parted_by_full_stops() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1.000"), (2_134, "2.134")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(number(1_234_567), "1.234.567");
        assert_eq!(number(u64::MAX), "18.446.744.073.709.551.615");
    }
}
