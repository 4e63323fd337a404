//! Profiles in the AWS CLI's files, `~/.aws/config` and `~/.aws/credentials` (AWS SDKs and Tools Reference Guide,
//! "Shared config and credentials files").

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use landfall_base::Sensitive;
use landfall_wire::sigv4::Credentials;

use super::ini;
use crate::error::CliError;
use crate::serve::ClientFile;

/// What a profile says of a server.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    pub(crate) endpoint_url: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) credentials: Option<Credentials>,
}

/// Where profiles are kept.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) config: PathBuf,
    pub(crate) credentials: PathBuf,
}

/// Checks a profile's name.
pub(super) fn parse_name(text: &str) -> Result<String, String> {
    let fits = !text.is_empty()
        && !text.contains(|c: char| c.is_control() || c.is_whitespace() || "[]#;".contains(c));
    fits.then(|| text.to_owned())
        .ok_or_else(|| "expected a name without spaces, brackets, `#` and `;`".to_owned())
}

/// Reads a profile.
pub(crate) fn read(name: &str) -> Result<Profile, CliError> {
    let places = Places::of_environment()?;
    let (config, credentials) = (text_of(&places.config)?, text_of(&places.credentials)?);
    if !ini::has_section(&config, &section(name)) && !ini::has_section(&credentials, name) {
        return Err(CliError::new(format!("there is no profile `{name}` in `{}`", places.config.display()))
            .hint(format!("make it with `landfall env --profile {name}`, or unset `AWS_PROFILE`")));
    }
    Ok(of_texts(name, &config, &credentials))
}

fn of_texts(name: &str, config: &str, credentials: &str) -> Profile {
    let setting = |key| ini::get(config, &section(name), key).map(str::to_owned);
    let key = |key| ini::get(credentials, name, key).map(str::to_owned).or_else(|| setting(key));
    let found = || {
        Some(Credentials {
            access_key_id: key("aws_access_key_id")?,
            secret_access_key: key("aws_secret_access_key")?.into(),
            session_token: key("aws_session_token").map(Sensitive::from),
        })
    };
    Profile { endpoint_url: setting("endpoint_url"), region: setting("region"), credentials: found() }
}

/// Writes a profile for the administrator of a server; other profiles and settings stay as they are.
pub(super) fn write(name: &str, file: &ClientFile) -> Result<Places, CliError> {
    let places = Places::of_environment()?;
    let settings = [("endpoint_url", Some(file.endpoint.as_str())), ("region", Some(&file.region))];
    update(&places.config, 0o644, &section(name), &settings)?;
    let keys = [
        ("aws_access_key_id", Some(file.access_key_id.as_str())),
        ("aws_secret_access_key", Some(&file.secret_access_key)),
        ("aws_session_token", None),
    ];
    update(&places.credentials, 0o600, name, &keys)?;
    Ok(places)
}

impl Places {
    fn of_environment() -> Result<Self, CliError> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = set("HOME").map(|home| home.join(".aws"));
        let place = |variable, name| {
            set(variable).or_else(|| Some(home.as_ref()?.join(name))).ok_or_else(|| {
                CliError::new("the AWS CLI's files cannot be found: `HOME` is not set")
                    .hint(format!("set `HOME`, or name the file with `{variable}`"))
            })
        };
        Ok(Self {
            config: place("AWS_CONFIG_FILE", "config")?,
            credentials: place("AWS_SHARED_CREDENTIALS_FILE", "credentials")?,
        })
    }
}

/// The default profile's section bears no prefix in the config file.
fn section(name: &str) -> String {
    if name == "default" { name.to_owned() } else { format!("profile {name}") }
}

fn text_of(path: &Path) -> Result<String, CliError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|error| CliError::new(format!("cannot read `{}`: {error}", path.display()))),
    }
}

fn update(path: &Path, mode: u32, section: &str, entries: &[(&str, Option<&str>)]) -> Result<(), CliError> {
    let before = text_of(path)?;
    let after = ini::set(&before, section, entries);
    if after == before {
        return Ok(());
    }
    replace(path, mode, &after)
        .map_err(|error| CliError::new(format!("cannot write `{}`: {error}", path.display())))
}

/// Replaces a file as a whole or not at all. Its permissions stay; a link to a file elsewhere stays a link.
fn replace(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let dir = target.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mode = fs::metadata(&target).map_or(mode, |known| known.permissions().mode());
    let mut draft = tempfile::NamedTempFile::new_in(dir)?;
    draft.write_all(text.as_bytes())?;
    draft.as_file().set_permissions(Permissions::from_mode(mode))?;
    draft.as_file().sync_all()?;
    draft.persist(&target).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_break_the_file_are_refused() {
        for name in ["", "a b", "a]", "a\n[default]", "x;y"] {
            assert!(parse_name(name).is_err(), "{name:?}");
        }
        assert_eq!(parse_name("local-1.dev"), Ok("local-1.dev".to_owned()));
    }

    #[test]
    fn a_profile_is_read_from_both_files() {
        let config = "[profile local]\nendpoint_url = http://h\nregion = r\n";
        let credentials = "[local]\naws_access_key_id = AKIA\naws_secret_access_key = s\n";
        let profile = of_texts("local", config, credentials);
        assert_eq!(
            (profile.endpoint_url.as_deref(), profile.region.as_deref()),
            (Some("http://h"), Some("r"))
        );
        assert_eq!(profile.credentials.unwrap().access_key_id, "AKIA");
        assert!(of_texts("other", config, credentials).credentials.is_none());
    }

    #[test]
    fn a_file_keeps_its_permissions_and_its_link() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "[other]\nk = v\n").unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        update(&link, 0o600, "local", &[("a", Some("b"))]).unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "[other]\nk = v\n\n[local]\na = b\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_new_file_of_keys_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".aws/credentials");
        update(&path, 0o600, "local", &[("a", Some("b"))]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
