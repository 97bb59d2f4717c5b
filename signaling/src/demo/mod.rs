//! Demonstration data: Quảng Trị's 78 communes with one site each, four accounts and an open meeting.
//! Loading it again adds what is missing and changes nothing else.

mod communes;

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use protocol::api::{Meeting, MeetingState};
use protocol::error::ErrorCode;
use protocol::health::Contact;
use protocol::id::{MeetingId, SiteId, UnitId};
use protocol::role::AccountRole;
use protocol::time::Timestamp;

use self::communes::COMMUNES;
use crate::account;
use crate::clock;
use crate::control::Control;
use crate::db::meetings::NewRow;
use crate::db::units::NewUnit;
use crate::db::{Db, DbError, contacts, links, meetings, units};
use crate::error::Error;
use crate::http::meetings::new_link;
use crate::secret::{Secret, entropy};

const PROVINCE_CODE: &str = "44";
const PROVINCE: &str = "Tỉnh Quảng Trị";
const PROVINCE_SITE: &str = "Điểm cầu tỉnh Quảng Trị (Hội trường Tỉnh ủy)";
const CODE: &str = "demo";
const TITLE: &str = "Hội nghị trực tuyến toàn tỉnh triển khai công tác phòng, chống thiên tai";
const VENUE: &str = "Hội trường Tỉnh ủy";

/// Where the passwords are kept, for the next start to print the same ones.
const PASSWORDS_FILE: &str = "demo-accounts.txt";

/// One password for all demonstration accounts, for tests.
const PASSWORD_VARIABLE: &str = "DIEMCAU_DEMO_PASSWORD";

/// The demonstration's links work so long, ms.
const LINKS_MS: i64 = 30 * 86_400_000;

/// Links that are printed.
const LINKS_PRINTED: usize = 5;

const ACCOUNTS: [(&str, &str, AccountRole, &str); 4] = [
    ("vanphong", "Văn phòng Tỉnh ủy", AccountRole::Host, "Văn phòng: lên lịch, mời điểm cầu"),
    ("chutri", "Chủ trì hội nghị", AccountRole::Chair, "Chủ trì: điều hành, mời phát biểu"),
    (
        "thuky",
        "Thư ký hội nghị",
        AccountRole::Secretary,
        "Thư ký: ghi chép, bản ghi hình, biên bản",
    ),
    ("kythuat", "Bàn kỹ thuật", AccountRole::Desk, "Kỹ thuật viên điều khiển"),
];

/// What `--demo` prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoReport {
    /// The accounts, in the order in which they are worth trying.
    pub accounts: Vec<DemoAccount>,
    /// Title of the open meeting.
    pub title: String,
    /// Code of the open meeting: `demo`.
    pub code: String,
    /// The open meeting.
    pub meeting: MeetingId,
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
    /// What it is for, in Vietnamese.
    pub role: &'static str,
}

/// Loads the demonstration data, or what of it is missing. Needs the control plane to be open, not yet
/// running.
pub async fn load(control: &Control) -> Result<DemoReport, Error> {
    let now = clock::now();
    let db = &control.db;
    load_units(db, now).await?;
    let accounts = load_accounts(db, control.data(), now).await?;
    let meeting = load_meeting(control, now).await?;
    links::extend(db, meeting.id, Timestamp(now.0 + LINKS_MS)).await?;
    let links = links::list(db, meeting.id).await?;
    let is_open = links.into_iter().filter(|it| !it.revoked);
    Ok(DemoReport {
        accounts,
        title: meeting.title,
        code: meeting.code,
        meeting: meeting.id,
        links: is_open.take(LINKS_PRINTED).map(|it| (it.site_name, it.path)).collect(),
    })
}

fn unix_ms(now: Timestamp) -> u64 {
    u64::try_from(now.0).unwrap_or(0)
}

async fn load_units(db: &Db, now: Timestamp) -> Result<(), DbError> {
    let found = units::find_by_code(db, PROVINCE_CODE).await?;
    let province = found.unwrap_or_else(|| UnitId::from_parts(unix_ms(now), entropy()));
    let mut new = Vec::new();
    if found.is_none() {
        new.push(NewUnit {
            id: province,
            parent: None,
            code: PROVINCE_CODE.to_owned(),
            name: PROVINCE.to_owned(),
            site: SiteId::from_parts(unix_ms(now), entropy()),
            site_name: PROVINCE_SITE.to_owned(),
            position: 0,
        });
    }
    for (position, commune) in (1..).zip(COMMUNES) {
        if units::find_by_code(db, commune.code).await?.is_none() {
            new.push(NewUnit {
                id: UnitId::from_parts(unix_ms(now), entropy()),
                parent: Some(province),
                code: commune.code.to_owned(),
                name: commune.name.to_owned(),
                site: SiteId::from_parts(unix_ms(now), entropy()),
                site_name: site_name(commune.name),
                position,
            });
        }
    }
    units::insert(db, &new).await?;
    let sites = units::list(db).await?.into_iter().flat_map(|it| it.sites);
    contacts::fill(db, &(1..).zip(sites).map(|(n, site)| (site, contact(n))).collect::<Vec<_>>())
        .await
}

/// An invented contact: names that everybody has, a number that nobody has.
fn contact(n: usize) -> Contact {
    const FAMILIES: [&str; 7] = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Võ", "Hồ"];
    const NAMES: [&str; 9] = [
        "Văn An",
        "Thị Bình",
        "Quang Dũng",
        "Thị Hà",
        "Minh Khôi",
        "Thị Lan",
        "Đức Nam",
        "Thị Thủy",
        "Anh Tuấn",
    ];
    let person = format!("{} {}", FAMILIES[n % FAMILIES.len()], NAMES[n % NAMES.len()]);
    Contact { person, phone: format!("0900 000 {n:03}") }
}

/// "Xã Lệ Thủy" sits at "Điểm cầu xã Lệ Thủy".
fn site_name(unit: &str) -> String {
    let mut letters = unit.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    format!("Điểm cầu {}{}", first.collect::<String>(), letters.as_str())
}

async fn load_accounts(db: &Db, data: &Path, now: Timestamp) -> Result<Vec<DemoAccount>, Error> {
    let kept = read_passwords(data);
    let fixed = std::env::var(PASSWORD_VARIABLE).ok().filter(|it| !it.is_empty());
    let mut report = Vec::new();
    for (username, name, role, purpose) in ACCOUNTS {
        let known = kept.iter().find(|(it, _)| it == username).map(|(_, it)| it.clone());
        let password = fixed.clone().or(known).unwrap_or_else(account::new_password);
        account::set(db, username, name, role, &password, now).await?;
        report.push(DemoAccount { username: username.to_owned(), password, role: purpose });
    }
    write_passwords(data, &report)
        .map_err(|source| Error::DataNotWritable { path: data.to_owned(), source })?;
    Ok(report)
}

fn read_passwords(data: &Path) -> Vec<(String, String)> {
    // A file that is missing or was edited only means that new passwords are made.
    let text = std::fs::read_to_string(data.join(PASSWORDS_FILE)).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(username, password)| (username.to_owned(), password.trim().to_owned()))
        .collect()
}

fn write_passwords(data: &Path, accounts: &[DemoAccount]) -> std::io::Result<()> {
    let path = data.join(PASSWORDS_FILE);
    let new = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    for account in accounts {
        writeln!(file, "{} {}", account.username, account.password)?;
    }
    file.sync_all()?;
    std::fs::rename(new, path)
}

async fn load_meeting(control: &Control, now: Timestamp) -> Result<Meeting, Error> {
    let db = &control.db;
    let mut found = meetings::find_by_code(db, CODE).await?;
    if let Some(ended) = found.take_if(|it| it.state == MeetingState::Ended) {
        let code = format!("{CODE}-{}", Secret::<5>::random().to_text());
        meetings::set_code(db, ended.id, &code).await?;
    }
    let meeting = match found {
        Some(meeting) => meeting,
        None => new_meeting(db, now).await?,
    };
    if meeting.state == MeetingState::Scheduled {
        control.hub.open(&meeting).await.map_err(|code| match code {
            ErrorCode::DiskFull => Error::DiskFull,
            _ => {
                DbError::Corrupt("the demonstration meeting could not be opened".to_owned()).into()
            }
        })?;
    }
    Ok(meeting)
}

async fn new_meeting(db: &Db, now: Timestamp) -> Result<Meeting, Error> {
    let communes = units::list(db).await?;
    let sites = communes
        .iter()
        .filter(|unit| COMMUNES.iter().any(|it| it.code == unit.code))
        .flat_map(|unit| &unit.sites);
    let row = NewRow {
        id: MeetingId::from_parts(unix_ms(now), entropy()),
        code: CODE.to_owned(),
        title: TITLE.to_owned(),
        venue: VENUE.to_owned(),
        scheduled_at: now,
        created_by: None,
        links: sites.map(|site| new_link(site.id, now)).collect(),
        links_expire_at: Timestamp(now.0 + LINKS_MS),
    };
    meetings::insert(db, &row, now).await?;
    let found = meetings::find(db, row.id).await?;
    found
        .ok_or_else(|| DbError::Corrupt("the demonstration meeting is not there".to_owned()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_named_after_its_commune() {
        assert_eq!(site_name("Xã Lệ Thủy"), "Điểm cầu xã Lệ Thủy");
        assert_eq!(site_name("Đặc khu Cồn Cỏ"), "Điểm cầu đặc khu Cồn Cỏ");
    }
}
