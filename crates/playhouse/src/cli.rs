//! The command line: raw arguments in, one command out.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Config, Flags};
use crate::{sense, serve, session};

/// An entertainment cloud that anyone can run.
#[derive(Debug, Parser)]
#[command(name = "playhouse", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Raw,
}

#[derive(Debug, Subcommand)]
enum Raw {
    /// Serve pages, API and games of this machine.
    Serve(Box<Flags>),
    /// Run the agent beside a camera, or simulate many.
    Sense(Box<sense::Flags>),
    /// Print the configuration in force, and where each value came from.
    Config(Box<Flags>),
    /// Run one game; started by the node, with which it talks on standard input.
    #[command(hide = true)]
    Session,
}

/// What the program was asked to do, resolved.
pub(crate) enum Command {
    Serve(Config),
    PrintConfig(Config),
    Sense(Box<sense::Flags>),
    Session,
}

/// Reads the arguments and the configuration that they name; on a mistake (or `--help`) it prints and gives the
/// exit code.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, ExitCode> {
    let arguments = Arguments::try_parse_from(args).map_err(|shown| {
        // Nothing can be said where not even the terminal takes the text.
        drop(shown.print());
        ExitCode::from(u8::try_from(shown.exit_code()).unwrap_or(2))
    })?;
    let resolve = |flags: &Flags| {
        Config::resolve(flags).map_err(|error| {
            complain(&error);
            ExitCode::from(2)
        })
    };
    Ok(match arguments.command {
        Raw::Serve(flags) => Command::Serve(resolve(&flags)?),
        Raw::Config(flags) => Command::PrintConfig(resolve(&flags)?),
        Raw::Sense(flags) => Command::Sense(flags),
        Raw::Session => Command::Session,
    })
}

/// Does what was asked.
pub(crate) fn execute(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(config) => {
            log_to_stderr("info,sqlx=warn,smithay=warn,str0m=warn");
            serve::run(&config)
        }
        Command::PrintConfig(config) => {
            let mut out = std::io::stdout().lock();
            write!(out, "{}", config.explain())?;
            Ok(())
        }
        Command::Sense(flags) => {
            log_to_stderr("info,retina=warn");
            sense::run(&flags)
        }
        Command::Session => {
            log_to_stderr("info,smithay=error,str0m=warn");
            session::run()
        }
    }
}

/// Prints an error and its causes on standard error.
pub(crate) fn complain(error: &anyhow::Error) {
    let mut err = std::io::stderr().lock();
    let causes: Vec<String> = error.chain().skip(1).map(|cause| format!("\n  because: {cause}")).collect();
    let causes = causes.concat();
    // Standard error is the last place there is to complain to.
    drop(writeln!(err, "playhouse: {error}{causes}"));
}

/// Logs what `PLAYHOUSE_LOG` wants (`info,playhouse_net=debug`), or what is usual.
fn log_to_stderr(usual: &str) {
    let wanted = std::env::var("PLAYHOUSE_LOG").unwrap_or_else(|_| usual.to_owned());
    let (filter, unread) = match wanted.parse::<Targets>() {
        Ok(filter) => (filter, None),
        Err(error) => (Targets::new().with_default(tracing::Level::INFO), Some(error)),
    };
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_ansi(terminal).with_writer(std::io::stderr);
    tracing_subscriber::registry().with(filter).with(lines).init();
    if let Some(error) = unread {
        tracing::warn!(%wanted, %error, "PLAYHOUSE_LOG is not understood; logging at `info`");
    }
}
