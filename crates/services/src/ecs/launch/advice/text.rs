//! Names out of ARNs, and words for a shell.

/// A resource in a headline: the last part of an ARN says enough, and of a log stream its group: each task has another.
pub(super) fn short(resource: &str) -> &str {
    if !resource.starts_with("arn:") {
        return resource;
    }
    let own = resource.splitn(6, ':').nth(5).unwrap_or(resource);
    let own = own.split(":log-stream:").next().unwrap_or(own);
    own.strip_prefix("secret:").unwrap_or(own)
}

/// The name in a role's ARN.
pub(in crate::ecs::launch) fn role_name(role: &str) -> &str {
    role.rsplit('/').next().unwrap_or(role)
}

/// A name with a hyphen for each character that cannot be in it.
pub(super) fn like(name: &str, allowed: impl Fn(char) -> bool) -> String {
    name.chars().map(|it| if allowed(it) { it } else { '-' }).collect()
}

/// The role of a session's ARN: `assumed-role/name/session`.
pub(super) fn session_role(session: &str) -> &str {
    session.split('/').nth(1).unwrap_or(session)
}

/// Stands for a value that the reader fills in. It is always between single quotes: what is written there may have any
/// character in it.
pub(super) const VALUE: &str = "VALUE";

/// A word for a POSIX shell.
pub(in crate::ecs::launch) fn quote(text: &str) -> std::borrow::Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=+@,".contains(&byte);
    if !text.is_empty() && text != VALUE && text.bytes().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}
