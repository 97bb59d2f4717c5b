//! The all-in-one binary: reads the command line, does what it says, and turns a failure into one
//! sentence on the terminal and an exit code. Everything else is in the modules and the role crates.

use std::process::ExitCode;

use clap::Parser;

mod assets;
mod backup;
mod cli;
mod config;
mod data_folder;
mod demo_box;
mod doctor;
mod lifecycle;
mod media;
mod roles;
mod telemetry;
mod terminal;
mod topology;
mod verify;
mod worker;

fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            terminal::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
