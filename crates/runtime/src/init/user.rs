//! Finds a user in the image's own `/etc/passwd` and `/etc/group`.

use std::io::Read;

use rustix::fs::{FileType, Mode, OFlags, fstat, open};

use crate::error::{StartFailure, StartFailureKind};

/// Larger account files are cut off: they come from the image.
const MOST_BYTES: u64 = 4 << 20;

/// Who a process runs as.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
    pub(crate) home: String,
}

/// Why there is no such user, by the text of `/etc/passwd` and `/etc/group`.
///
/// # Errors
/// There is none: as a start would say it.
pub fn check_user(user: &str, passwd: &str, group: &str) -> Result<(), StartFailure> {
    resolve(user, passwd, group).map(drop)
}

/// Looks `user` up in the files of the current root.
pub(crate) fn look_up(user: &str) -> Result<Identity, StartFailure> {
    resolve(user, &read("/etc/passwd"), &read("/etc/group"))
}

/// An absent file, or one that is not a plain file, reads as empty: opening a pipe would wait for ever.
fn read(path: &str) -> String {
    let mut text = Vec::new();
    if let Ok(fd) =
        open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())
        && fstat(&fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
    {
        // What could be read is used: a damaged file is the same as one that lacks the entry.
        let _ = std::fs::File::from(fd).take(MOST_BYTES).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn resolve(user: &str, passwd: &str, group: &str) -> Result<Identity, StartFailure> {
    let (name, group_name) = match user.split_once(':') {
        Some((name, group)) => (name, Some(group).filter(|group| !group.is_empty())),
        None => (user, None),
    };
    let mut identity = find_user(if name.is_empty() { "0" } else { name }, passwd, group)?;
    if let Some(group_name) = group_name {
        identity.gid = find_group(group_name, group)?;
        identity.groups = Vec::new();
    }
    Ok(identity)
}

fn find_user(name: &str, passwd: &str, group: &str) -> Result<Identity, StartFailure> {
    let number = name.parse::<u32>().ok();
    let entry = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| {
        fields.first() == Some(&name)
            || number.is_some_and(|uid| fields.get(2).and_then(|text| text.parse().ok()) == Some(uid))
    });
    let parsed = entry.as_ref().and_then(|fields| match fields.as_slice() {
        [login, _, uid, gid, _, home, ..] => Some((*login, uid.parse().ok()?, gid.parse().ok()?, *home)),
        _ => None,
    });
    match (parsed, number) {
        (Some((login, uid, gid, home)), _) => Ok(Identity {
            uid,
            gid,
            groups: groups_of(login, group),
            home: if home.is_empty() { "/" } else { home }.to_owned(),
        }),
        (None, Some(uid)) => Ok(Identity { uid, gid: 0, groups: Vec::new(), home: "/".to_owned() }),
        (None, None) => Err(unknown("user", name, "passwd")),
    }
}

fn groups_of(login: &str, group: &str) -> Vec<u32> {
    let member = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let [_, _, gid, members, ..] = fields.as_slice() else { return None };
        members.split(',').any(|member| member == login).then(|| gid.parse().ok()).flatten()
    };
    group.lines().filter_map(member).collect()
}

fn find_group(name: &str, group: &str) -> Result<u32, StartFailure> {
    let by_name = group.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next() == Some(name);
        found.then(|| fields.nth(1)?.parse().ok()).flatten()
    });
    by_name.or_else(|| name.parse().ok()).ok_or_else(|| unknown("group", name, "group"))
}

/// runc's words.
fn unknown(what: &str, name: &str, file: &str) -> StartFailure {
    StartFailure::new(
        StartFailureKind::User,
        format!("unable to find {what} {name}: no matching entries in {file} file"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nweb:x:101:102::/srv/web:/bin/false\nbroken\n";
    const GROUP: &str = "root:x:0:\nweb:x:102:\nlogs:x:7:web,other\n";

    #[test]
    fn users_and_groups_are_found_as_docker_finds_them() {
        let cases: [(&str, u32, u32, &[u32], &str); 8] = [
            ("", 0, 0, &[], "/root"),
            ("root", 0, 0, &[], "/root"),
            ("web", 101, 102, &[7], "/srv/web"),
            ("101", 101, 102, &[7], "/srv/web"),
            ("web:logs", 101, 7, &[], "/srv/web"),
            ("web:55", 101, 55, &[], "/srv/web"),
            ("4000", 4000, 0, &[], "/"),
            (":logs", 0, 7, &[], "/root"),
        ];
        for (user, uid, gid, groups, home) in cases {
            let found = resolve(user, PASSWD, GROUP).unwrap();
            assert_eq!(
                found,
                Identity { uid, gid, groups: groups.to_vec(), home: home.to_owned() },
                "{user}"
            );
        }
    }

    #[test]
    fn unknown_names_are_reported_in_runcs_words() {
        let message = |user| resolve(user, PASSWD, GROUP).unwrap_err().message;
        assert_eq!(message("nobody"), "unable to find user nobody: no matching entries in passwd file");
        assert_eq!(message("broken"), "unable to find user broken: no matching entries in passwd file");
        assert_eq!(message("web:nope"), "unable to find group nope: no matching entries in group file");
    }
}
