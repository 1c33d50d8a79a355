//! The time of day.

use js_sys::Date;

/// Local time as ISO 8601 with its offset: `2026-11-30T09:41:05+01:00`.
pub fn now() -> String {
    let date = Date::new_0();
    let behind_utc = date.get_timezone_offset();
    // The same instant, shifted so that what UTC calls it is the local time.
    let local = Date::new(&(date.get_time() - 60_000.0 * behind_utc).into());
    let text = String::from(local.to_iso_string());
    let seconds = text.get(..19).unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "minutes of less than a day"
    )]
    let minutes = -behind_utc as i32;
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("{seconds}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
