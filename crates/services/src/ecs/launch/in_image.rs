//! What only an image's own files tell: whether they have the program that a container starts, its user and its group.

use landfall_api::ecs::ContainerDefinition;

/// What is not known of an image before it is pulled, as far as the definition names it. What the image itself names it
/// has.
pub(super) fn open(image: &str, container: &ContainerDefinition) -> Vec<String> {
    let has = |what: &str, name: &str| format!("whether the image `{image}` has the {what} `{name}`");
    let mut open: Vec<_> = program(container).map(|name| has("program", name)).into_iter().collect();
    let (user, group) = account(container);
    open.extend(user.map(|name| has("user", name)));
    open.extend(group.map(|name| has("group", name)));
    open
}

/// An entry point is the program. A command is one if the image has no entry point of its own.
fn program(container: &ContainerDefinition) -> Option<&str> {
    let first = |words: &Option<Vec<String>>| words.as_ref().and_then(|words| words.first()).is_some();
    let words = if first(&container.entry_point) { &container.entry_point } else { &container.command };
    words.as_ref()?.first().map(String::as_str)
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
            (None, words("/nope -x"), None, vec!["program `/nope`"]),
            (words("sh -c"), words("/nope"), None, vec!["program `sh`"]),
            (words(""), words("/nope"), None, vec!["program `/nope`"]),
            (None, None, Some("nosuchuser"), vec!["user `nosuchuser`"]),
            (None, None, Some("1000"), vec![]),
            (None, None, Some("root:0"), vec![]),
            (None, None, Some(":staff"), vec!["group `staff`"]),
            (None, words("a"), Some("b:c"), vec!["program `a`", "user `b`", "group `c`"]),
        ] {
            let user = user.map(str::to_owned);
            let container = ContainerDefinition { entry_point, command, user, ..Default::default() };
            let expected: Vec<_> =
                expected.into_iter().map(|it| format!("whether the image `r/a:1` has the {it}")).collect();
            assert_eq!(open("r/a:1", &container), expected);
        }
    }
}
