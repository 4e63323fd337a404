//! What only an image's own files tell: whether they have the program that a container starts, its user and its group, and
//! take what is mounted over them.

use landfall_acs::Seen;
use landfall_api::ecs::ContainerDefinition;

/// What would tell it.
pub(super) const PULL_TELLS: &str = "; `landfall check --pull` fetches the image and tells";

/// What is not known of an image before it is pulled, as far as the definition names it and nothing was seen of it. What the
/// image itself names it has.
pub(super) fn open(image: &str, container: &ContainerDefinition, seen: Seen) -> Vec<String> {
    if seen == Seen::All {
        return Vec::new();
    }
    let has = |what: &str, name: &str| format!("whether the image `{image}` has the {what} `{name}`");
    let mut open: Vec<_> = program(container, seen).map(|program| program.open(image)).into_iter().collect();
    let (user, group) = account(container);
    open.extend(user.map(|name| has("user", name)));
    open.extend(group.map(|name| has("group", name)));
    let mounts = container.mount_points.iter().flatten().filter_map(|it| it.container_path.as_deref());
    open.extend(mounts.map(|path| format!("whether the image `{image}` takes a mount on `{path}`")));
    open
}

/// What a definition says of the program.
enum Program<'a> {
    /// The first word of its entry point.
    Named(&'a str),
    /// The first word of its command: an argument where the image has an entry point of its own.
    Perhaps(&'a str),
}

impl Program<'_> {
    fn open(&self, image: &str) -> String {
        match self {
            Self::Named(name) => format!("whether the image `{image}` has the program `{name}`"),
            Self::Perhaps(name) => {
                format!("whether the image `{image}` has an `ENTRYPOINT`, or else the program `{name}`")
            }
        }
    }
}

fn program(container: &ContainerDefinition, seen: Seen) -> Option<Program<'_>> {
    fn first(words: &Option<Vec<String>>) -> Option<&str> {
        words.as_ref()?.first().map(String::as_str)
    }
    if let Some(name) = first(&container.entry_point) {
        return Some(Program::Named(name));
    }
    let name = first(&container.command)?;
    match seen {
        Seen::Config { entry_point: true } => None,
        Seen::Config { entry_point: false } => Some(Program::Named(name)),
        Seen::Nothing | Seen::All => Some(Program::Perhaps(name)),
    }
}

/// Numbers need no entry in the image's files.
fn account(container: &ContainerDefinition) -> (Option<&str>, Option<&str>) {
    let given = container.user.as_deref().unwrap_or_default();
    let (user, group) = given.split_once(':').unwrap_or((given, ""));
    let named = |name: &&str| !name.is_empty() && *name != "root" && name.parse::<u32>().is_err();
    (Some(user).filter(named), Some(group).filter(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_definition_names_is_not_known_of_the_image() {
        let words = |text: &str| Some(text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        for (entry_point, command, user, expected) in [
            (None, None, None, vec![]),
            (None, words("/nope -x"), None, vec!["an `ENTRYPOINT`, or else the program `/nope`"]),
            (words("sh -c"), words("/nope"), None, vec!["the program `sh`"]),
            (words(""), words("/nope"), None, vec!["an `ENTRYPOINT`, or else the program `/nope`"]),
            (None, None, Some("nosuchuser"), vec!["the user `nosuchuser`"]),
            (None, None, Some("1000"), vec![]),
            (None, None, Some("root:0"), vec![]),
            (None, None, Some(":staff"), vec!["the group `staff`"]),
            (words("a"), None, Some("b:c"), vec!["the program `a`", "the user `b`", "the group `c`"]),
        ] {
            let user = user.map(str::to_owned);
            let container = ContainerDefinition { entry_point, command, user, ..Default::default() };
            let expected: Vec<_> =
                expected.into_iter().map(|it| format!("whether the image `r/a:1` has {it}")).collect();
            assert_eq!(open("r/a:1", &container, Seen::Nothing), expected);
            assert!(open("r/a:1", &container, Seen::All).is_empty());
        }
    }

    #[test]
    fn a_config_tells_whether_a_command_is_a_program() {
        let words = |text: &str| Some(text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let program = |name: &str| format!("whether the image `r/a:1` has the program `{name}`");
        for (entry_point, of_image, expected) in [
            (None, false, vec![program("/nope")]),
            (None, true, vec![]),
            (words("sh -c"), false, vec![program("sh")]),
            (words("sh -c"), true, vec![program("sh")]),
        ] {
            let container =
                ContainerDefinition { entry_point, command: words("/nope"), ..Default::default() };
            assert_eq!(open("r/a:1", &container, Seen::Config { entry_point: of_image }), expected);
        }
    }
}
