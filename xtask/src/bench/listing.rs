//! A hundred thousand secrets, listed page by page: does the last page cost what the first one does?

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use landfall_wire::sigv4::Credentials;
use serde_json::{Value, json};

use super::Bench;
use super::aws::{Account, SECRETS, create_secret};
use super::document::{Section, Table, cell};
use super::landfall::Landfall;
use super::outcome::Series;

/// Connections that make the secrets.
const MAKERS: usize = 8;

/// Secrets on a page: the most that ListSecrets gives.
const PAGE: usize = 100;

const TITLE: &str = "Many secrets, page by page";

const TEXT: &str = "\
ListSecrets with pages of a hundred, through the IAM of a user who may only list, from the first page to the last; the medians are those of each tenth \
of the pages.";

/// Makes the secrets, then walks through them three times.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let count = if bench.quick { 2_000 } else { 100_000 };
    let mut landfall = Landfall::start(&bench.landfall, &bench.directory("listing")?)?;
    let maker = landfall.user("maker", &["secretsmanager:CreateSecret"])?;
    let lister = landfall.user("lister", &["secretsmanager:ListSecrets"])?;
    make(landfall.address(), &maker, count)?;
    let mut tenths: Vec<Series> = vec![Series::default(); 10];
    let mut account = Account::new(landfall.address(), lister)?;
    for _ in 0..bench.repetitions(3, 1) {
        walk(&mut account, count, &mut tenths)?;
    }
    let mut table = Table::new(&["Part of the list", "a page, ms"]);
    for (at, series) in tenths.iter().enumerate() {
        let (from, to) = (at * count / 10, (at + 1) * count / 10);
        table.rows.push(vec![format!("secrets {from} to {to}"), cell(series, 2)]);
    }
    Ok(Section { title: TITLE, text: TEXT.to_owned(), tables: vec![table], bounds: Vec::new() })
}

fn make(address: SocketAddr, keys: &Credentials, count: usize) -> Result<()> {
    std::thread::scope(|scope| {
        let work = |number: usize| {
            let mut account = Account::new(address, keys.clone())?;
            for at in (number..count).step_by(MAKERS) {
                create_secret(&mut account, &format!("team-{}/secret-{at:06}", at % 97), "value")?;
            }
            anyhow::Ok(())
        };
        let makers: Vec<_> = (0..MAKERS).map(|number| scope.spawn(move || work(number))).collect();
        makers
            .into_iter()
            .try_for_each(|maker| maker.join().map_err(|_| anyhow::anyhow!("a maker broke off"))?)
    })
}

fn walk(account: &mut Account, count: usize, tenths: &mut [Series]) -> Result<()> {
    let (mut seen, mut token) = (0, Value::Null);
    loop {
        let mut asked = json!({ "MaxResults": PAGE });
        if token.is_string() {
            asked["NextToken"] = token;
        }
        let sent = Instant::now();
        let page = account.json(SECRETS, "ListSecrets", &asked)?;
        let took = sent.elapsed().as_secs_f64() * 1000.0;
        let tenth = tenths.get_mut(seen * 10 / count).context("there are more secrets than were made")?;
        tenth.samples.add(took);
        seen += page["SecretList"].as_array().map_or(0, Vec::len);
        token = page["NextToken"].clone();
        if token.is_null() {
            ensure!(seen == count, "{seen} of {count} secrets were listed");
            return Ok(());
        }
    }
}
