//! The two ways in which this program speaks to a terminal. A closed terminal is not an error.

use std::io::Write;

/// Says something on standard output.
pub(crate) fn say(text: &str) {
    // A reader that went away (`diemcau doctor | head`) wants no more, so the failure is dropped.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Says why something failed, and what to do, on standard error.
pub(crate) fn complain(text: &str) {
    // Nobody reads standard error: there is no better place to say so.
    let _ = writeln!(std::io::stderr().lock(), "diemcau: {text}");
}
