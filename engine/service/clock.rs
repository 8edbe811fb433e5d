//! Which day it is: the one thing of the world's time that a verdict depends on, because suppressions end.

use std::time::{SystemTime, UNIX_EPOCH};

use tamiz_core::Date;

/// The day it is, by this machine's clock, in UTC.
#[expect(clippy::disallowed_methods, reason = "suppressions of a policy end on a day, and the core has no clock")]
#[must_use]
pub fn today() -> Date {
    Date::from_unix(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
