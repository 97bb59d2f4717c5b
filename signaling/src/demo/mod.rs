//! Demonstration data: Quảng Trị's 78 communes with one site each, four accounts and an open meeting.

use crate::control::Control;
use crate::error::Error;

/// What `--demo` prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoReport {
    /// The accounts, in the order in which they are worth trying.
    pub accounts: Vec<DemoAccount>,
    /// Title of the open meeting.
    pub title: String,
    /// Code of the open meeting: `demo`.
    pub code: String,
    /// Join links of a few sites: site name and path (`/vao/…`).
    pub links: Vec<(String, String)>,
}

/// An account to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoAccount {
    /// Sign-in name.
    pub username: String,
    /// Password.
    pub password: String,
    /// What it is, in Vietnamese.
    pub role: &'static str,
}

/// Loads the demonstration data, or what of it is missing.
pub async fn load(_control: &Control) -> Result<DemoReport, Error> {
    Ok(DemoReport { accounts: Vec::new(), title: String::new(), code: "demo".into(), links: Vec::new() })
}
