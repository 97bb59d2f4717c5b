//! The log: what happened, for operators. Names of people and secrets are never fields of it.

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts the log on standard error; standard output stays for what was asked for.
pub(crate) fn start(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.node.log).with_context(|| {
        format!("log = \"{}\" is not a filter. Write for example \"info\"", config.node.log)
    })?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.node.log_format {
        LogFormat::Text => subscriber.with_ansi(false).with_target(true).try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("The log cannot be started: {error}"))?;
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(%panic, "a defect of this program; please report it");
    }));
    Ok(())
}
