//! `landfall image ls`: repositories, or the images of one.

use std::fmt::Write as _;
use std::process::ExitCode;

use indicatif::BinaryBytes;
use landfall_api::ecr;
use serde_json::json;

use crate::client::{Client, ConnectArgs};
use crate::error::CliError;
use crate::terminal::{self, visible};

/// Arguments of `ls`.
#[derive(Debug, clap::Args)]
pub(crate) struct LsArgs {
    /// Repository whose images to list [default: list repositories]
    #[arg(value_name = "REPOSITORY")]
    repository: Option<String>,
    /// Account of the registry [default: the caller's]
    #[arg(long, value_name = "ACCOUNT")]
    registry_id: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(super) async fn run(args: LsArgs) -> Result<ExitCode, CliError> {
    let client = Client::connect(&args.connect)?;
    match &args.repository {
        None => repositories(&client, &args).await?,
        Some(name) => images(&client, &args, name).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn repositories(client: &Client, args: &LsArgs) -> Result<(), CliError> {
    let mut found = Vec::new();
    let mut next_token = None;
    loop {
        let input = ecr::DescribeRepositoriesRequest {
            registry_id: args.registry_id.clone(),
            next_token: next_token.take(),
            ..Default::default()
        };
        let page = client.call::<ecr::DescribeRepositories>(input).await?;
        found.extend(page.repositories.unwrap_or_default());
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    if args.json {
        let one = |it: &ecr::Repository| json!({"name": it.repository_name, "uri": it.repository_uri});
        terminal::print_json(&json!({"repositories": found.iter().map(one).collect::<Vec<_>>()}))?;
        return Ok(());
    }
    let lines = found.iter().filter_map(|it| it.repository_uri.as_deref()).map(|uri| visible(uri) + "\n");
    Ok(terminal::print(&lines.collect::<String>())?)
}

async fn images(client: &Client, args: &LsArgs, name: &str) -> Result<(), CliError> {
    let mut found = Vec::new();
    let mut next_token = None;
    loop {
        let input = ecr::DescribeImagesRequest {
            registry_id: args.registry_id.clone(),
            repository_name: name.to_owned(),
            next_token: next_token.take(),
            ..Default::default()
        };
        let page = client.call::<ecr::DescribeImages>(input).await?;
        found.extend(page.image_details.unwrap_or_default());
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    found.sort_by_key(|image| std::cmp::Reverse(image.image_pushed_at));
    if args.json {
        let one = |it: &ecr::ImageDetail| {
            json!({
                "digest": it.image_digest, "tags": it.image_tags, "bytes": it.image_size_in_bytes,
                "pushed_at": it.image_pushed_at.map(landfall_base::Timestamp::iso8601),
            })
        };
        terminal::print_json(
            &json!({"repository": name, "images": found.iter().map(one).collect::<Vec<_>>()}),
        )?;
        return Ok(());
    }
    Ok(terminal::print(&found.iter().map(line).collect::<String>())?)
}

fn line(image: &ecr::ImageDetail) -> String {
    let digest = image.image_digest.as_deref().unwrap_or_default();
    let short = digest.get(..19).unwrap_or(digest);
    let tags = image.image_tags.as_ref().map(|tags| tags.join(", ")).unwrap_or_else(|| "-".to_owned());
    let size = BinaryBytes(image.image_size_in_bytes.unwrap_or_default().unsigned_abs()).to_string();
    let pushed = image.image_pushed_at.map(landfall_base::Timestamp::iso8601).unwrap_or_default();
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{short}  {size:>12}  {pushed}  {}", visible(&tags));
    text
}
