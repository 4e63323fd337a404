//! `landfall image ls`: repositories, or the images of one.

use std::fmt::Write as _;
use std::process::ExitCode;

use indicatif::BinaryBytes;
use landfall_api::ecr;
use landfall_services::ecr::RegistryName;
use landfall_services::ecs::image_host::EcrImage;
use serde_json::json;

use super::place;
use crate::client::{Client, ConnectArgs};
use crate::error::CliError;
use crate::terminal::{self, visible};

/// Arguments of `ls`.
#[derive(Debug, clap::Args)]
pub(crate) struct LsArgs {
    /// Repository whose images to list, with or without the server's name before it [default: list repositories]
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
        Some(name) => {
            let (client, repository) = find(&client, &args, name)?;
            images(&client, &args, &repository).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A repository of the server's.
struct Named {
    registry_id: Option<String>,
    name: String,
}

/// What a name means: a repository of the caller's, or, with a host, of the account and Region that are in the name.
fn find(client: &Client, args: &LsArgs, name: &str) -> Result<(Client, Named), CliError> {
    let here = RegistryName::host(client.authority());
    if let Some(image) = EcrImage::parse_here(name, Some(&here)) {
        let named = Named { registry_id: Some(image.account.to_string()), name: image.repository };
        return Ok((client.in_region(image.region.as_str()), named));
    }
    if let Some(host) = place::host(name) {
        let refused = match here.is_here(host) {
            true => format!("`{name}` names no account and Region"),
            false => format!("`{host}` is another registry"),
        };
        let hint = format!("this server's are named `NAME` or `{}/ACCOUNT/REGION/NAME`", client.authority());
        return Err(CliError::new(refused).hint(hint));
    }
    Ok((client.clone(), Named { registry_id: args.registry_id.clone(), name: name.to_owned() }))
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

async fn images(client: &Client, args: &LsArgs, of: &Named) -> Result<(), CliError> {
    let mut found = Vec::new();
    let mut next_token = None;
    loop {
        let input = ecr::DescribeImagesRequest {
            registry_id: of.registry_id.clone(),
            repository_name: of.name.clone(),
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
    let names = |it: &ecr::ImageDetail| names(client.authority(), client.region(), it);
    if args.json {
        let one = |it: &ecr::ImageDetail| {
            json!({
                "digest": it.image_digest, "tags": it.image_tags, "bytes": it.image_size_in_bytes,
                "pushed_at": it.image_pushed_at.map(landfall_base::Timestamp::iso8601), "names": names(it),
            })
        };
        terminal::print_json(
            &json!({"repository": of.name, "images": found.iter().map(one).collect::<Vec<_>>()}),
        )?;
        return Ok(());
    }
    let lines = found.iter().flat_map(|it| names(it).into_iter().map(|name| line(it, &name)));
    Ok(terminal::print(&lines.collect::<String>())?)
}

/// The names by which docker, podman, skopeo and this program pull an image: one for each tag, or that with its digest.
fn names(host: &str, region: &str, image: &ecr::ImageDetail) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let place = format!("{host}/{}/{region}/{}", text(&image.registry_id), text(&image.repository_name));
    match image.image_tags.as_deref() {
        Some(tags) if !tags.is_empty() => tags.iter().map(|tag| format!("{place}:{tag}")).collect(),
        _ => vec![format!("{place}@{}", text(&image.image_digest))],
    }
}

fn line(image: &ecr::ImageDetail, name: &str) -> String {
    let digest = image.image_digest.as_deref().unwrap_or_default();
    let short = digest.get(..19).unwrap_or(digest);
    let size = BinaryBytes(image.image_size_in_bytes.unwrap_or_default().unsigned_abs()).to_string();
    let pushed = image.image_pushed_at.map(landfall_base::Timestamp::iso8601).unwrap_or_default();
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{short}  {size:>12}  {pushed}  {}", visible(name));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_names_to_pull_them_by() {
        let mut image = ecr::ImageDetail {
            registry_id: Some("111122223333".to_owned()),
            repository_name: Some("team/app".to_owned()),
            image_digest: Some("sha256:00".to_owned()),
            ..Default::default()
        };
        let shown = |image: &ecr::ImageDetail| names("127.0.0.1:4566", "eu-west-1", image);
        let place = "127.0.0.1:4566/111122223333/eu-west-1/team/app";
        assert_eq!(shown(&image), [format!("{place}@sha256:00")]);
        image.image_tags = Some(vec!["v1".to_owned(), "latest".to_owned()]);
        assert_eq!(shown(&image), [format!("{place}:v1"), format!("{place}:latest")]);
    }
}
