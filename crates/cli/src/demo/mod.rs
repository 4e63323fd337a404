//! stub
use crate::error::CliError;
use std::process::ExitCode;
/// Shows the whole story on this machine.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {}
pub(crate) async fn run(_args: DemoArgs) -> Result<ExitCode, CliError> { Err(CliError::new("not yet")) }
