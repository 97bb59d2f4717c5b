//! The command line: what can be asked of the binary, and which module answers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use protocol::role::AccountRole;
use signaling::token::TokenRequest;

use crate::config::Config;
use crate::{backup, config, doctor, media, roles, telemetry, terminal, topology, verify, worker};

/// What the binary calls itself.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Điểm Cầu: conferences between sites, on your own machines.
#[derive(Parser)]
#[command(name = "diemcau", version, about, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  diemcau serve --demo                     all roles, with 78 communes and a running meeting
  diemcau serve --data /var/lib/diemcau    all roles, nothing else to start
  diemcau account vanphong --role host --name 'Văn phòng Tỉnh ủy'
  diemcau token --room demo --publish --as cam1
  diemcau media --control http://10.0.0.1:8080 --token-file node.token --name cum-1
  diemcau doctor                           what this machine lacks, before a meeting
  diemcau backup --data /var/lib/diemcau /mnt/usb/copy
  diemcau verify data                      that no fact and no recorded byte was changed";

#[derive(Subcommand)]
enum Command {
    /// Run the meeting server: control plane, media node and recorder.
    Serve(Serve),
    /// Print a bearer token for WHIP and WHEP.
    Token(Token),
    /// Run a media node that joins the tree of a server.
    Media(Media),
    /// Print a token by which media nodes of other machines join the tree of this server.
    NodeToken(NodeToken),
    /// Print the tree of media nodes of the server that runs on this data folder.
    Topology(Place),
    /// Check that a data folder, a recording or a file is as it was written.
    Verify {
        /// A data folder, a recording's folder, or a file of one.
        path: PathBuf,
    },
    /// Copy a data folder, whole, while the server runs.
    Backup {
        /// The new folder.
        to: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Make a data folder of a copy that `backup` has made.
    Restore {
        /// The copy.
        from: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Make an account, or give one a new password; prints the password.
    Account(NewAccount),
    /// Look for what would keep a meeting from working on this machine.
    Doctor(Place),
    /// Look at the configuration.
    Config {
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Print the version.
    Version,
    /// Work that the server does in a process of its own, so that it cannot take the server down.
    #[command(hide = true)]
    Worker {
        #[command(subcommand)]
        job: worker::Job,
    },
}

/// Where things are; what is given here goes before the environment and the configuration file.
#[derive(Args, Default)]
pub(crate) struct Place {
    /// The configuration file (TOML); none is needed.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The data folder: database and archive.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where pages and API are served.
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// The one UDP port of all media.
    #[arg(long, value_name = "ADDR")]
    pub(crate) media: Option<SocketAddr>,
}

/// `diemcau serve`.
#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Load the 78 communes of Quảng Trị, four accounts and a running meeting, and print the passwords.
    #[arg(long)]
    pub(crate) demo: bool,
    /// Benchmarks only: any room of a WHIP or WHEP path exists on demand, without a token. Refused
    /// unless both addresses are loopback addresses.
    #[arg(long)]
    pub(crate) open_rooms: bool,
}

/// `diemcau token`.
#[derive(Args)]
struct Token {
    /// The meeting's code.
    #[arg(long)]
    room: String,
    /// May publish (WHIP).
    #[arg(long)]
    publish: bool,
    /// May receive (WHEP).
    #[arg(long)]
    subscribe: bool,
    /// Only as this `{id}` of the path.
    #[arg(long = "as", value_name = "ID")]
    name: Option<String>,
    /// How long it is good for.
    #[arg(long, default_value_t = 24, value_name = "HOURS")]
    hours: u32,
    /// The configuration file (TOML); none is needed.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder of the server that is to accept the token.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// `diemcau media`.
#[derive(Args)]
struct Media {
    /// Where the server's pages are, for example http://10.0.0.1:8080.
    #[arg(long, value_name = "URL")]
    control: String,
    /// What `diemcau node-token` has printed on the server.
    #[arg(long, value_name = "TOKEN", required_unless_present = "token_file")]
    token: Option<String>,
    /// A file with the token, so that it stands in no list of processes.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// What the node is called: 1 to 64 of A-Z a-z 0-9 _ -
    #[arg(long)]
    name: String,
    /// The node that it is to be under; the server's own if nothing is said.
    #[arg(long, value_name = "NAME")]
    parent: Option<String>,
    /// The one UDP port of all media.
    #[arg(long, value_name = "ADDR")]
    media: Option<SocketAddr>,
    /// The UDP port of the trunks to other nodes; the one after the media port if nothing is said.
    #[arg(long, value_name = "ADDR")]
    trunks: Option<SocketAddr>,
    /// The configuration file (TOML); none is needed.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// `diemcau node-token`.
#[derive(Args)]
struct NodeToken {
    /// How long it is good for. A node needs it at each start.
    #[arg(long, default_value_t = 366, value_name = "DAYS")]
    days: u32,
    #[command(flatten)]
    place: Place,
}

/// `diemcau account`.
#[derive(Args)]
struct NewAccount {
    /// Sign-in name: a-z 0-9 . _ -
    username: String,
    /// Name and office, as shown; of a new account.
    #[arg(long)]
    name: Option<String>,
    /// What a new account may do: host schedules, chair leads, secretary writes the minutes, desk runs the
    /// control desk, admin everything.
    #[arg(long, default_value = "host", value_parser = ["admin", "host", "chair", "secretary", "desk"])]
    role: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Subcommand)]
enum ConfigAction {
    /// Say whether a configuration file is right.
    Check(Place),
    /// Print the configuration in force: file, environment and command line together.
    Print(Place),
}

/// Does what the command line says.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Serve(serve) => {
            let config = config::load(&serve.place)?;
            if serve.open_rooms {
                config.refuse_open_rooms_beyond_loopback()?;
            }
            telemetry::start(&config)?;
            runtime()?.block_on(roles::serve(config, serve.demo, serve.open_rooms))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Token(token) => issue_token(token),
        Command::Media(media) => run_media(media),
        Command::NodeToken(token) => issue_node_token(&token),
        Command::Account(account) => give_account(&account),
        Command::Topology(place) => {
            terminal::say(&topology::show(&config::load(&place)?)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Verify { path } => check_integrity(&path),
        Command::Backup { to, place } => {
            let data = config::load(&place)?.node.data;
            terminal::say(&runtime()?.block_on(backup::backup(&data, &to))?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Restore { from, place } => {
            let data = config::load(&place)?.node.data;
            terminal::say(&backup::restore(&from, &data)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Doctor(place) => Ok(doctor::run(&config::load(&place)?)),
        Command::Config { action: ConfigAction::Check(place) } => {
            config::load(&place)?;
            terminal::say("The configuration is right.");
            Ok(ExitCode::SUCCESS)
        }
        Command::Config { action: ConfigAction::Print(place) } => {
            terminal::say(config::load(&place)?.to_toml().trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Version => {
            terminal::say(&format!("diemcau {VERSION}"));
            Ok(ExitCode::SUCCESS)
        }
        Command::Worker { job } => Ok(worker::run(job)),
    }
}

fn issue_token(token: Token) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        token.publish || token.subscribe,
        "A token that allows nothing is of no use. Add --publish, --subscribe, or both."
    );
    let place =
        Place { config: token.config.clone(), data: token.data.clone(), ..Place::default() };
    let config = config::load(&place)?;
    let request = TokenRequest {
        room: token.room,
        publish: token.publish,
        subscribe: token.subscribe,
        as_id: token.name,
        life_s: u64::from(token.hours) * 3_600,
    };
    terminal::say(&roles::token(&config, &request)?);
    Ok(ExitCode::SUCCESS)
}

fn run_media(node: Media) -> anyhow::Result<ExitCode> {
    let place = Place { config: node.config.clone(), media: node.media, ..Place::default() };
    let mut config = config::load(&place)?;
    config.media.trunks = node.trunks.or(config.media.trunks);
    let token = match (node.token, &node.token_file) {
        (Some(token), _) => token,
        (None, Some(file)) => std::fs::read_to_string(file)
            .with_context(|| format!("The token cannot be read from {}", file.display()))?
            .trim()
            .to_owned(),
        (None, None) => anyhow::bail!("Give --token or --token-file."),
    };
    let joining =
        media::Joining { control: node.control, token, name: node.name, parent: node.parent };
    runtime()?.block_on(media::run(config, joining))?;
    Ok(ExitCode::SUCCESS)
}

fn give_account(account: &NewAccount) -> anyhow::Result<ExitCode> {
    let config = config::load(&account.place)?;
    let role = match account.role.as_str() {
        "admin" => AccountRole::Admin,
        "chair" => AccountRole::Chair,
        "secretary" => AccountRole::Secretary,
        "desk" => AccountRole::Desk,
        _ => AccountRole::Host,
    };
    let name = account.name.as_deref().unwrap_or(&account.username);
    let given = signaling::account::give(&config.node.data, &account.username, name, role);
    let password = runtime()?.block_on(given)?;
    terminal::say(&format!("{} {password}", account.username));
    Ok(ExitCode::SUCCESS)
}

fn issue_node_token(token: &NodeToken) -> anyhow::Result<ExitCode> {
    let config = config::load(&token.place)?;
    let issued = signaling::node_token::issue(&config.node.data, token.days);
    terminal::say(&runtime()?.block_on(issued)?);
    Ok(ExitCode::SUCCESS)
}

fn check_integrity(path: &Path) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(path.exists(), "{} does not exist.", path.display());
    let report = runtime()?.block_on(verify::verify(path))?;
    for line in &report.lines {
        terminal::say(line);
    }
    Ok(if report.is_damaged { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("The threads of the server could not be started")
}

impl Place {
    /// What the command line says, for [`Config::apply`].
    pub(crate) fn apply_to(&self, config: &mut Config) {
        if let Some(data) = &self.data {
            config.node.data.clone_from(data);
        }
        if let Some(http) = self.http {
            config.http.listen = http;
        }
        if let Some(media) = self.media {
            config.media.listen = media;
        }
    }
}
