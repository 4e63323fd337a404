//! Decisions beside two other policy engines: `bench/iam` is a workspace of its own, as one of them is AGPL and another takes minutes to build.

use std::process::Command;

use anyhow::Result;

use super::Bench;
use super::document::Section;
use super::process;
use crate::files::root;

const TEXT: &str = "\
One decision of the library, without HTTP: the same statements and requests for everybody, in one run. Four layers must allow (identity policy, permissions \
boundary, session policy, service control policy), and each holds the given number of statements with two actions, one resource prefix and two conditions; \
every tenth is a Deny whose condition does not hold. *Hot* asks one request again and again, *shuffled* requests for all statements in random order, \
*refused* requests that no statement allows. Cedar has no layers: it is asked four times, about one policy set each. `fakecloud-iam` (AGPL-3.0) and \
`cedar-policy` are measured and not shipped.";

/// Builds and runs `bench/iam`.
pub(super) fn measure(_: &Bench) -> Result<Section> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--release", "--quiet"]).current_dir(root().join("bench/iam"));
    let tables = process::output(cargo)?;
    let text = format!("{TEXT}\n\n{}", tables.trim());
    Ok(Section { title: "Decisions of IAM", text, ..Section::default() })
}
