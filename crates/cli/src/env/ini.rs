//! The AWS CLI's files: sections of `key = value`. Everything that is not asked for stays as it is, comments included.

/// The value of a key in a section.
pub(crate) fn get<'a>(text: &'a str, section: &str, key: &str) -> Option<&'a str> {
    let mut inside = false;
    let mut found = None;
    for line in text.lines() {
        match header(line) {
            Some(name) => inside = name == section,
            None if inside => found = value_of(line, key).or(found),
            None => {}
        }
    }
    found
}

/// Whether there is such a section.
pub(crate) fn has_section(text: &str, section: &str) -> bool {
    text.lines().any(|line| header(line) == Some(section))
}

/// The text with keys set (`Some`) or removed (`None`) in a section, which is made at the end if it is not there.
pub(crate) fn set(text: &str, section: &str, entries: &[(&str, Option<&str>)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut at = match lines.iter().position(|line| header(line) == Some(section)) {
        Some(at) => at + 1,
        None => push_section(&mut lines, section),
    };
    remove(&mut lines, at, entries);
    for (key, value) in entries {
        if let Some(value) = value {
            lines.insert(at, format!("{key} = {value}"));
            at += 1;
        }
    }
    lines.join("\n") + "\n"
}

fn push_section(lines: &mut Vec<String>, section: &str) -> usize {
    if lines.last().is_some_and(|line| !line.trim().is_empty()) {
        lines.push(String::new());
    }
    lines.push(format!("[{section}]"));
    lines.len()
}

/// Removes the entries' keys from the section whose first line is `from`, with the indented lines that belong to them.
fn remove(lines: &mut Vec<String>, from: usize, entries: &[(&str, Option<&str>)]) {
    let mut at = from;
    let mut dropping = false;
    while let Some(line) = lines.get(at).filter(|line| header(line).is_none()) {
        let nested = line.starts_with([' ', '\t']) && !line.trim().is_empty();
        dropping =
            if nested { dropping } else { entries.iter().any(|(key, _)| value_of(line, key).is_some()) };
        if dropping {
            lines.remove(at);
        } else {
            at += 1;
        }
    }
}

fn header(line: &str) -> Option<&str> {
    Some(line.trim().strip_prefix('[')?.split_once(']')?.0.trim())
}

fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    if line.starts_with([' ', '\t', '#', ';']) {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    (name.trim() == key).then(|| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# mine\n[default]\nregion = eu-west-1\n\n[profile local]\nendpoint_url = http://old\n\
                        s3 =\n  endpoint_url = http://nested\nregion=x\n[profile other]\nregion = z\n";

    #[test]
    fn values_are_read_from_their_section() {
        assert_eq!(get(FILE, "profile local", "region"), Some("x"));
        assert_eq!(get(FILE, "profile local", "endpoint_url"), Some("http://old"));
        assert_eq!(get(FILE, "default", "endpoint_url"), None);
        assert!(has_section(FILE, "profile other") && !has_section(FILE, "other"));
    }

    #[test]
    fn only_what_is_asked_for_changes() {
        let text = set(FILE, "profile local", &[("endpoint_url", Some("http://new")), ("region", Some("y"))]);
        insta::assert_snapshot!(text, @r"
        # mine
        [default]
        region = eu-west-1

        [profile local]
        endpoint_url = http://new
        region = y
        s3 =
          endpoint_url = http://nested
        [profile other]
        region = z
        ");
        assert_eq!(
            set(&text, "profile local", &[("endpoint_url", Some("http://new")), ("region", Some("y"))]),
            text
        );
    }

    #[test]
    fn a_section_is_made_at_the_end() {
        assert_eq!(set("", "a", &[("k", Some("v")), ("gone", None)]), "[a]\nk = v\n");
        assert_eq!(set("[b]\nk = 1", "a", &[("k", Some("v"))]), "[b]\nk = 1\n\n[a]\nk = v\n");
    }

    #[test]
    fn keys_are_removed() {
        assert_eq!(set("[a]\ntoken = x\nk = 1\n", "a", &[("token", None)]), "[a]\nk = 1\n");
    }
}
