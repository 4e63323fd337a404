//! What to change, and what becomes of it where several things have to be changed: commands that write a document whole
//! write it once, with all that is to be in it, and no command has to be pasted twice.

use std::collections::BTreeMap;

use landfall_acs::Fix;

/// What to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remedy {
    /// In words.
    pub text: String,
    /// Commands in order.
    pub commands: Vec<Command>,
    /// A policy statement or corrected JSON that no command writes.
    pub document: Option<String>,
    /// The policies were evaluated again with the statements added, and then allow the step.
    pub verified: bool,
}

/// A command for a POSIX shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The account that it has to be run in, if that is not the task's.
    pub account: Option<String>,
    /// The command.
    pub line: String,
    /// The document that it writes whole.
    pub rewrites: Option<Rewrite>,
}

/// A document that is written whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// Where it is.
    pub place: Place,
    /// Its text; `None` if it is removed.
    pub document: Option<String>,
}

/// Where a policy is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a role.
    Role {
        /// The role's ARN or name.
        role: String,
        /// The policy's name.
        policy: String,
    },
    /// A customer's managed policy, by its ARN.
    Managed(String),
    /// On a resource, by its ARN.
    Resource(String),
    /// On a VPC endpoint, by its id.
    Endpoint(String),
    /// In the organization.
    Organization {
        /// As `landfall organization` calls it.
        kind: &'static str,
        /// The policy's name.
        name: String,
        /// An account, or `root`.
        target: String,
    },
}

impl Place {
    /// Where the policy of a resource is: that of an object is its bucket's.
    pub(super) fn on(resource: &str) -> Self {
        Self::Resource(landfall_iam::policy_holder(resource).to_owned())
    }
}

/// Policies as they will be when everything is done that was advised so far.
#[derive(Debug, Default)]
pub struct Advised(BTreeMap<Place, Option<String>>);

impl Advised {
    /// The text in a place, which has `there` as long as nothing was advised about it.
    pub(super) fn text<'a>(&'a self, place: &Place, there: Option<&'a str>) -> Option<&'a str> {
        self.0.get(place).map_or(there, Option::as_deref)
    }

    /// Notes what a remedy writes.
    pub fn note(&mut self, remedy: &Remedy) {
        for Rewrite { place, document } in remedy.commands.iter().filter_map(|it| it.rewrites.as_ref()) {
            self.0.insert(place.clone(), document.clone());
        }
    }
}

impl Command {
    fn plain(line: &str) -> Self {
        Self { account: None, line: line.to_owned(), rewrites: None }
    }

    /// A command that writes a document whole.
    pub(super) fn rewriting(line: String, place: Place, document: Option<String>) -> Self {
        Self { account: None, line, rewrites: Some(Rewrite { place, document }) }
    }
}

impl From<Fix> for Remedy {
    fn from(fix: Fix) -> Self {
        let commands = fix.command.iter().flat_map(|it| it.lines()).map(Command::plain).collect();
        Self { text: fix.text, commands, document: fix.document, verified: fix.verified }
    }
}

impl From<Command> for Remedy {
    fn from(command: Command) -> Self {
        Self { commands: vec![command], ..Self::default() }
    }
}

impl Remedy {
    /// With these words.
    pub(super) fn saying(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// Every command that is not known to be another account's is this one's.
    pub(super) fn in_account(mut self, account: Option<&str>) -> Self {
        for command in self.commands.iter_mut().filter(|it| it.account.is_none()) {
            command.account = account.map(str::to_owned);
        }
        self
    }

    /// The account itself needs no name.
    pub(super) fn seen_from(mut self, own: &str) -> Self {
        for command in &mut self.commands {
            command.account.take_if(|account| account == own);
        }
        self
    }

    /// Several as one: command by command.
    pub(super) fn together(parts: Vec<Self>, verified: bool) -> Self {
        let join = |of: fn(&Self) -> Option<&str>, between| {
            let texts: Vec<&str> = parts.iter().filter_map(of).collect();
            (!texts.is_empty()).then(|| texts.join(between))
        };
        let text = join(|it| Some(it.text.as_str()).filter(|text| !text.is_empty()), "; ");
        let document = join(|it| it.document.as_deref(), "\n");
        let commands = parts.into_iter().flat_map(|it| it.commands).collect();
        Self { text: text.unwrap_or_default(), commands, document, verified }
    }

    /// As it is shown: what is to be pasted in the task's own account comes first, and every other account is named.
    pub fn fix(&self) -> Fix {
        let written = self.commands.iter().filter_map(|it| it.rewrites.as_ref()?.document.as_deref());
        let documents: Vec<&str> = self.document.as_deref().into_iter().chain(written).collect();
        Fix {
            text: self.text.clone(),
            command: self.lines(),
            document: (!documents.is_empty()).then(|| documents.join("\n")),
            verified: self.verified,
        }
    }

    fn lines(&self) -> Option<String> {
        let mut by_account: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
        for command in &self.commands {
            by_account.entry(command.account.as_deref()).or_default().push(&command.line);
        }
        let mut lines = Vec::new();
        for (account, commands) in by_account {
            lines.extend(account.map(|account| format!("# in the account {account}")));
            lines.extend(commands.into_iter().map(str::to_owned));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// Remedies of one start, each with its headline, in the order in which they are told.
pub fn settle(remedies: &mut [(String, &mut Remedy)]) {
    write_once(remedies);
    paste_once(remedies);
}

/// Of commands that write one document the first gets the last one's text, which holds all that the others add.
fn write_once(remedies: &mut [(String, &mut Remedy)]) {
    let mut last: BTreeMap<Place, Command> = BTreeMap::new();
    for command in remedies.iter().flat_map(|(_, remedy)| &remedy.commands) {
        if let Some(rewrite) = &command.rewrites {
            last.insert(rewrite.place.clone(), command.clone());
        }
    }
    for command in remedies.iter_mut().flat_map(|(_, remedy)| &mut remedy.commands) {
        if let Some(last) = command.rewrites.as_ref().and_then(|it| last.get(&it.place)) {
            command.clone_from(last);
        }
    }
}

/// A command that is there already is left to the remedy that has it.
fn paste_once(remedies: &mut [(String, &mut Remedy)]) {
    let mut told: Vec<(Command, String)> = Vec::new();
    for (headline, remedy) in remedies {
        let mut with = None;
        for command in std::mem::take(&mut remedy.commands) {
            match told.iter().find(|(it, _)| *it == command) {
                Some((_, before)) if before == headline => {}
                Some((_, before)) => with = Some(before.clone()),
                None => {
                    told.push((command.clone(), headline.clone()));
                    remedy.commands.push(command);
                }
            }
        }
        if let Some(with) = with {
            let pointer = format!("the commands under \"{with}\" are for this, too");
            let text = [std::mem::take(&mut remedy.text), pointer];
            remedy.text = text.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("; ");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes(line: &str, place: &str, document: &str) -> Command {
        Command::rewriting(line.to_owned(), Place::on(place), Some(document.to_owned()))
    }

    fn settled(mut remedies: Vec<Remedy>) -> Vec<Fix> {
        let mut all: Vec<_> =
            remedies.iter_mut().enumerate().map(|(at, it)| (format!("finding {at}"), it)).collect();
        settle(&mut all);
        remedies.iter().map(Remedy::fix).collect()
    }

    #[test]
    fn a_document_is_written_once_with_everything() {
        let bucket = "arn:aws:s3:::files";
        let fixes = settled(vec![
            Remedy::from(writes("put 1", bucket, "1")).saying("in the bucket's account"),
            Remedy::from(writes("put key", "arn:aws:kms:us-east-1:1:key/1", "key")),
            Remedy::from(writes("put 2", &format!("{bucket}/a.env"), "2")).saying("in the bucket's account"),
        ]);
        let shown: Vec<_> = fixes
            .iter()
            .map(|it| (it.text.as_str(), it.command.as_deref(), it.document.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                ("in the bucket's account", Some("put 2"), Some("2")),
                ("", Some("put key"), Some("key")),
                ("in the bucket's account; the commands under \"finding 0\" are for this, too", None, None),
            ]
        );
    }

    #[test]
    fn no_command_is_told_twice() {
        let fixes = settled(vec![
            Fix::command("create it", "make it\nfill it").into(),
            Fix { document: Some("x".to_owned()), ..Fix::command("", "make it\nfill more\nfill more") }
                .into(),
        ]);
        assert_eq!(fixes[0].command.as_deref(), Some("make it\nfill it"));
        assert_eq!(fixes[1].command.as_deref(), Some("fill more"));
        assert_eq!(fixes[1].document.as_deref(), Some("x"));
        assert_eq!(fixes[1].text, "the commands under \"finding 0\" are for this, too");
    }

    #[test]
    fn other_accounts_are_named() {
        let there = Remedy::from(writes("there", "arn:aws:kms:us-east-1:2:key/1", "d")).in_account(Some("2"));
        let here: Remedy = Fix::command("", "here").into();
        let all = Remedy::together(vec![there, here], true);
        assert_eq!(all.fix().command.as_deref(), Some("here\n# in the account 2\nthere"));
        assert!(all.fix().verified);
    }

    #[test]
    fn what_was_advised_is_there() {
        let mut advised = Advised::default();
        let place = Place::on("arn:aws:s3:::files/a.env");
        assert_eq!(advised.text(&place, Some("0")), Some("0"));
        advised.note(&writes("put", "arn:aws:s3:::files", "1").into());
        assert_eq!(advised.text(&place, Some("0")), Some("1"));
        advised.note(&Command::rewriting("delete".to_owned(), place.clone(), None).into());
        assert_eq!(advised.text(&place, Some("0")), None);
    }
}
