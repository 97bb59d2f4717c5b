//! The configuration: one TOML file, all of it optional; `DIEMCAU_…` environment variables go before it,
//! the command line before both. A key that does not exist is an error that names the nearest one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::cli::Place;

/// Everything that can be configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) node: Node,
    pub(crate) http: Http,
    pub(crate) media: Media,
}

/// This process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Node {
    /// Database and archive.
    pub(crate) data: PathBuf,
    /// What is logged: `error`, `warn`, `info`, `debug`, or a filter such as `info,sfu=debug`.
    pub(crate) log: String,
    /// How it is logged.
    pub(crate) log_format: LogFormat,
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// Pages and API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// TCP address; `[::]` is IPv4 too.
    pub(crate) listen: SocketAddr,
}

/// The media node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Media {
    /// UDP address, and TCP where the same port is free; `[::]` is IPv4 too.
    pub(crate) listen: SocketAddr,
    /// Addresses told to browsers; empty: all of this machine's own. Needed behind address translation.
    pub(crate) candidates: Vec<IpAddr>,
    /// UDP address of the trunks to other media nodes; none: the port after the media port, or any.
    pub(crate) trunks: Option<SocketAddr>,
    /// Threads that forward media, 1 to 64.
    pub(crate) shards: usize,
}

impl Default for Node {
    fn default() -> Self {
        Self { data: "data".into(), log: "info".to_owned(), log_format: LogFormat::Text }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: everywhere(has_ipv6(), 8080) }
    }
}

impl Default for Media {
    fn default() -> Self {
        Self {
            listen: everywhere(has_ipv6(), 7882),
            candidates: Vec::new(),
            trunks: None,
            shards: 1,
        }
    }
}

/// All addresses of this machine: one socket for both families where there is IPv6.
fn everywhere(has_ipv6: bool, port: u16) -> SocketAddr {
    if has_ipv6 {
        (Ipv6Addr::UNSPECIFIED, port).into()
    } else {
        (Ipv4Addr::UNSPECIFIED, port).into()
    }
}

/// Whether this system opens sockets of IPv6; some have it switched off.
fn has_ipv6() -> bool {
    UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok()
}

/// Every key with its place, for suggestions and for the environment.
const KEYS: &[(&str, &[&str])] = &[
    ("node", &["data", "log", "log_format"]),
    ("http", &["listen"]),
    ("media", &["listen", "candidates", "trunks", "shards"]),
];

/// Reads file, environment and command line.
pub(crate) fn load(place: &Place) -> anyhow::Result<Config> {
    let text = match &place.config {
        None => String::new(),
        Some(path) => read(path)?,
    };
    let name = place.config.as_deref().unwrap_or_else(|| Path::new("the empty configuration"));
    let mut config = parse(&text, |key| std::env::var(key).ok())
        .with_context(|| format!("{} is not right", name.display()))?;
    place.apply_to(&mut config);
    Ok(config)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| {
        format!(
            "The configuration file {} cannot be read. Check the name after --config",
            path.display()
        )
    })
}

/// `text` with what `environment` says laid over it.
fn parse(text: &str, environment: impl Fn(&str) -> Option<String>) -> anyhow::Result<Config> {
    let mut table: toml::Table = text.parse().context("it is not TOML")?;
    for (section, value) in &table {
        check_section(section, value)?;
    }
    for (section, keys) in KEYS {
        for key in *keys {
            let variable = format!("DIEMCAU_{section}_{key}").to_uppercase();
            let Some(value) = environment(&variable) else { continue };
            let entry =
                table.entry(*section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let toml::Value::Table(entry) = entry {
                entry.insert((*key).to_owned(), environment_value(key, &value));
            }
        }
    }
    table.try_into().context("a value is not of the kind that its key wants")
}

/// `candidates` is a list, written with commas in the environment; everything else is a text.
fn environment_value(key: &str, value: &str) -> toml::Value {
    if key != "candidates" {
        return toml::Value::String(value.to_owned());
    }
    let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
    toml::Value::Array(items.map(|item| toml::Value::String(item.to_owned())).collect())
}

fn check_section(section: &str, value: &toml::Value) -> anyhow::Result<()> {
    let names = KEYS.iter().map(|(name, _)| *name);
    let Some((_, keys)) = KEYS.iter().find(|(name, _)| *name == section) else {
        // A key without its section is the commonest slip: `listen = …` at the top of the file.
        if let Some((owner, _)) = KEYS.iter().find(|(_, keys)| keys.contains(&section)) {
            bail!("\"{section}\" stands outside a section; write it below [{owner}].");
        }
        bail!("There is no section [{section}].{}", suggestion(section, names));
    };
    let Some(table) = value.as_table() else {
        bail!("\"{section}\" is a section; write [{section}].");
    };
    for key in table.keys() {
        ensure!(
            keys.contains(&key.as_str()),
            "There is no key \"{key}\" in [{section}].{}",
            suggestion(key, keys.iter().copied())
        );
    }
    Ok(())
}

fn suggestion<'a>(wrong: &str, right: impl Iterator<Item = &'a str> + Clone) -> String {
    let nearest = right.clone().min_by_key(|known| distance(wrong, known));
    match nearest {
        Some(known) if distance(wrong, known) <= known.len().div_ceil(2) => {
            format!(" Did you mean \"{known}\"?")
        }
        _ => format!(" There are: {}.", right.collect::<Vec<_>>().join(", ")),
    }
}

/// How many letters must be changed, added or dropped to make `b` of `a` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

impl Config {
    /// The configuration as a file that would say the same.
    pub(crate) fn to_toml(&self) -> String {
        toml::to_string(self).expect("texts, numbers and lists always have a TOML form")
    }

    /// `--open-rooms` has no rights to check, so nobody but this machine may reach it.
    pub(crate) fn refuse_open_rooms_beyond_loopback(&self) -> anyhow::Result<()> {
        for (name, address) in [("--http", self.http.listen), ("--media", self.media.listen)] {
            ensure!(
                address.ip().is_loopback(),
                "--open-rooms lets anybody into any room, so it is refused on {address}. Give \
                 {name} a loopback address, for example 127.0.0.1:{}.",
                address.port()
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    fn refusal(text: &str) -> String {
        format!("{:#}", parse(text, none).expect_err("it is wrong"))
    }

    #[test]
    fn pages_and_media_listen_on_both_families_and_on_ipv4_where_there_is_no_other() {
        assert_eq!(everywhere(true, 7882).to_string(), "[::]:7882");
        assert_eq!(everywhere(false, 7882).to_string(), "0.0.0.0:7882");
        for listen in [Media::default().listen, Http::default().listen] {
            assert_eq!(listen.is_ipv6(), UdpSocket::bind("[::]:0").is_ok(), "{listen}");
        }
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(parse("", none).unwrap(), Config::default());
    }

    #[test]
    fn a_printed_configuration_reads_back_the_same() {
        let text = "[media]\nlisten = \"127.0.0.1:9\"\ncandidates = [\"10.1.2.3\"]\n";
        let config = parse(text, none).unwrap();
        assert_eq!(parse(&config.to_toml(), none).unwrap(), config);
    }

    #[test]
    fn a_misspelt_key_is_refused_with_the_nearest_one() {
        assert!(refusal("[http]\nlissten = \"[::]:1\"").contains("Did you mean \"listen\"?"));
        assert!(refusal("[medai]\n").contains("Did you mean \"media\"?"));
        assert!(refusal("listen = \"[::]:1\"").contains("below [http]"));
        assert!(refusal("[node]\nxyz = 1").contains("There are: data, log, log_format."));
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused() {
        assert!(refusal("[http]\nlisten = 8080").contains("listen"));
        assert!(refusal("http = 1").contains("write [http]"));
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let environment = |key: &str| match key {
            "DIEMCAU_HTTP_LISTEN" => Some("127.0.0.1:1".to_owned()),
            "DIEMCAU_MEDIA_CANDIDATES" => Some("10.0.0.1, 10.0.0.2".to_owned()),
            _ => None,
        };
        let config = parse("[http]\nlisten = \"0.0.0.0:2\"", environment).unwrap();
        assert_eq!(config.http.listen, SocketAddr::from(([127, 0, 0, 1], 1)));
        assert_eq!(config.media.candidates.len(), 2);
    }

    #[test]
    fn open_rooms_stay_on_this_machine() {
        let mut config = Config::default();
        assert!(config.refuse_open_rooms_beyond_loopback().is_err());
        config.http.listen = ([127, 0, 0, 1], 0).into();
        assert!(config.refuse_open_rooms_beyond_loopback().is_err());
        config.media.listen = ([127, 0, 0, 1], 0).into();
        assert!(config.refuse_open_rooms_beyond_loopback().is_ok());
    }
}
