//! How long one decision takes: Landfall's engine beside `cedar-policy` and `fakecloud-iam`, in one run, on the same
//! statements and requests.
//!
//! Four layers must allow (identity, boundary, session, service control policy), and each holds the given number of
//! statements: two actions, one resource prefix, two conditions; every tenth is a Deny whose condition does not hold.
//! "Hot" asks one request again and again, "shuffled" asks requests for all statements in random order. Cedar has no
//! layers: it is asked four times, about one policy set each. Prints a Markdown table.
//!
//! With names of engines as arguments (`landfall`, `fakecloud`, `cedar`), measures those only.

mod cedar;
mod fakecloud;
mod landfall;
mod measure;

use measure::{Figures, measure, nanoseconds};

/// Statements in each layer.
const SIZES: [usize; 5] = [1, 20, 100, 1_000, 5_000];

const ACTIONS: [&str; 2] = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const REGION: &str = "eu-central-1";
const ACCOUNT: &str = "111122223333";
const ROLE: &str = "arn:aws:iam::111122223333:role/exec";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/exec/s1";
const ADDRESS: &str = "10.1.2.3";

/// What one statement is about.
fn prefix(number: usize) -> String {
    format!("arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team-{number}/")
}

fn is_deny(number: usize) -> bool {
    number % 10 == 9
}

/// A request that the statement of this number allows.
#[derive(Clone)]
struct Asked {
    action: &'static str,
    resource: String,
}

impl Asked {
    fn of(number: usize) -> Self {
        Self { action: ACTIONS[number % 2], resource: format!("{}app", prefix(number)) }
    }
}

/// Requests in random order, each for an Allow.
fn shuffled(size: usize) -> Vec<Asked> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize % size
    };
    std::iter::repeat_with(move || next())
        .filter(|number| !is_deny(*number))
        .take(8_192)
        .map(Asked::of)
        .collect()
}

/// One request for the last Allow.
fn hot(size: usize) -> Vec<Asked> {
    let last = (0..size).rev().find(|number| !is_deny(*number)).unwrap_or_default();
    vec![Asked::of(last)]
}

/// The layers as JSON policy documents.
fn document(size: usize) -> String {
    let statements: Vec<_> = (0..size)
        .map(|number| {
            let region = if is_deny(number) { "us-east-1" } else { REGION };
            serde_json::json!({
                "Effect": if is_deny(number) { "Deny" } else { "Allow" },
                "Action": ACTIONS,
                "Resource": format!("{}*", prefix(number)),
                "Condition": {
                    "StringEquals": {"aws:RequestedRegion": region},
                    "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
                },
            })
        })
        .collect();
    serde_json::json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn row(engine: &str, size: usize, hot: Figures, shuffled: Figures) {
    println!(
        "| {engine} | {size} | {} | {} | {} | {} |",
        nanoseconds(hot.median),
        nanoseconds(hot.p99),
        nanoseconds(shuffled.median),
        nanoseconds(shuffled.p99),
    );
}

/// Requests that no statement allows, in random order: for a team that is not there.
fn refused(size: usize) -> Vec<Asked> {
    let mut asked = shuffled(size);
    for asked in &mut asked {
        asked.resource = asked.resource.replace("/app", "x/app");
    }
    asked
}

fn decisions(wanted: impl Fn(&str) -> bool) {
    println!(
        "| engine | statements in each of 4 layers | hot median | hot p99 | shuffled median | shuffled p99 |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for size in SIZES.into_iter().filter(|_| wanted("landfall")) {
        let engine = landfall::Engine::new(&document(size));
        row("landfall", size, engine.decide(&hot(size)), engine.decide(&shuffled(size)));
    }
    for size in SIZES.into_iter().filter(|_| wanted("fakecloud")) {
        let engine = fakecloud::Engine::new(&document(size));
        row("fakecloud-iam 0.51.0", size, engine.decide(&hot(size)), engine.decide(&shuffled(size)));
    }
    for size in SIZES.into_iter().filter(|_| wanted("cedar")) {
        let engine = cedar::Engine::new(size);
        row("cedar-policy 4.14.1", size, engine.decide(&hot(size)), engine.decide(&shuffled(size)));
    }
}

fn traces() {
    println!(
        "\n| landfall with trace | statements in each of 4 layers | hot median | shuffled median | shuffled p99 | \
         refused median | refused p99 |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for size in SIZES {
        let engine = landfall::Engine::new(&document(size));
        let figures = [hot(size), shuffled(size), refused(size)].map(|asked| engine.trace(&asked));
        let [hot, shuffled, refused] = figures;
        let times = [hot.median, shuffled.median, shuffled.p99, refused.median, refused.p99].map(nanoseconds);
        println!("| landfall with trace | {size} | {} |", times.join(" | "));
    }
}

fn main() {
    let named: Vec<_> = std::env::args().skip(1).collect();
    let wanted = |engine: &str| named.is_empty() || named.iter().any(|name| name == engine);
    println!("Timer: {} median, part of every figure.\n", nanoseconds(measure(1, |_| ()).median));
    decisions(wanted);
    if wanted("landfall") {
        traces();
        landfall::allocations();
    }
}
