//! A check that fetches images: it takes as long as their pulls, and shows how far they are.

use std::time::Duration;

use landfall_api::landfall::{DescribePull, DescribePullRequest};
use landfall_shape::Operation;

use super::asked::Asked;
use crate::client::Client;
use crate::error::CliError;
use crate::run::progress::Progress;

/// How often the server is asked how far it is.
const PERIOD: Duration = Duration::from_millis(200);
/// Longest wait for images.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Calls an operation that fetches images under the name `token`, or none.
pub(super) async fn call<O>(
    asked: &Asked,
    input: O::Input,
    token: Option<String>,
) -> Result<O::Output, CliError>
where
    O: Operation,
    O::Input: Send + 'static,
    O::Output: Send + 'static,
{
    let (Asked::Server(client), Some(token)) = (asked, token) else { return asked.call::<O>(input).await };
    let patient = client.with_patience(PATIENCE);
    let mut progress = Progress::new();
    progress.status("checking");
    let mut asking = std::pin::pin!(patient.call::<O>(input));
    let answer = loop {
        tokio::select! {
            answer = &mut asking => break answer,
            () = tokio::time::sleep(PERIOD) => show(client, &token, &mut progress).await,
        }
    };
    progress.end();
    Ok(answer?)
}

/// Progress is a courtesy: whoever may check may lack the permission to see it.
async fn show(client: &Client, token: &str, progress: &mut Progress) {
    let input = DescribePullRequest { pull_token: token.to_owned() };
    if let Ok(answer) = client.call::<DescribePull>(input).await
        && let Some(pull) = answer.pull
    {
        progress.pull(&pull);
    }
}
