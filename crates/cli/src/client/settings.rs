//! Where the server is and who is calling: `--data-dir`, the environment, a profile, or the default data directory.

use std::path::PathBuf;

use landfall_base::Sensitive;
use landfall_wire::sigv4::Credentials;

use crate::data_dir;
use crate::env::profile::{self, Profile};
use crate::error::CliError;
use crate::serve::ClientFile;

/// Arguments of every command that talks to a server.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ConnectArgs {
    /// Data directory of the server to talk to, as its administrator [default: what `AWS_ENDPOINT_URL`,
    /// `AWS_ACCESS_KEY_ID` and their like or `AWS_PROFILE` say, else the directory that `landfall serve` uses]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// What a client needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `http://127.0.0.1:4566`
    pub(crate) endpoint: String,
    /// The Region that calls are for.
    pub(crate) region: String,
    /// Who is calling.
    pub(crate) credentials: Credentials,
}

impl ConnectArgs {
    pub(super) fn settings(&self) -> Result<Settings, CliError> {
        if let Some(dir) = &self.data_dir {
            return Ok(Settings::of_file(data_dir::read(dir)?));
        }
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Settings::resolve(variable, profile::read, || data_dir::read(&data_dir::choose(None)?))
    }
}

impl Settings {
    /// The administrator of a data directory's server.
    pub(crate) fn of_file(file: ClientFile) -> Self {
        let credentials = Credentials {
            access_key_id: file.access_key_id,
            secret_access_key: file.secret_access_key.into(),
            session_token: None,
        };
        Self { endpoint: file.endpoint, region: file.region, credentials }
    }

    /// Each of endpoint, keys and Region from the first place that has it: environment, profile, data directory.
    fn resolve(
        variable: impl Fn(&str) -> Option<String>,
        read_profile: impl FnOnce(&str) -> Result<Profile, CliError>,
        read_file: impl FnOnce() -> Result<ClientFile, CliError>,
    ) -> Result<Self, CliError> {
        let profile = match variable("AWS_PROFILE").or_else(|| variable("AWS_DEFAULT_PROFILE")) {
            Some(name) => read_profile(&name)?,
            None => Profile::default(),
        };
        let endpoint = variable("AWS_ENDPOINT_URL").or(profile.endpoint_url);
        let keys = keys(&variable).or(profile.credentials);
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).or(profile.region);
        if let (Some(endpoint), Some(credentials)) = (&endpoint, &keys) {
            let region = region.unwrap_or_else(|| "us-east-1".to_owned());
            return Ok(Self { endpoint: endpoint.clone(), region, credentials: credentials.clone() });
        }
        let file = Self::of_file(read_file()?);
        Ok(Self {
            endpoint: endpoint.unwrap_or(file.endpoint),
            region: region.unwrap_or(file.region),
            credentials: keys.unwrap_or(file.credentials),
        })
    }
}

fn keys(variable: impl Fn(&str) -> Option<String>) -> Option<Credentials> {
    Some(Credentials {
        access_key_id: variable("AWS_ACCESS_KEY_ID")?,
        secret_access_key: variable("AWS_SECRET_ACCESS_KEY")?.into(),
        session_token: variable("AWS_SESSION_TOKEN").map(Sensitive::from),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> ClientFile {
        ClientFile {
            endpoint: "http://file".to_owned(),
            region: "eu-file-1".to_owned(),
            account: "000000000000".to_owned(),
            access_key_id: "AKIAFILE".to_owned(),
            secret_access_key: "s".to_owned(),
        }
    }

    fn profile() -> Profile {
        Profile {
            endpoint_url: Some("http://profile".to_owned()),
            region: Some("eu-profile-1".to_owned()),
            credentials: None,
        }
    }

    fn resolve(variables: &[(&str, &str)]) -> [String; 3] {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let settings = Settings::resolve(variable, |_| Ok(profile()), || Ok(file())).unwrap();
        [settings.endpoint, settings.region, settings.credentials.access_key_id]
    }

    #[test]
    fn the_first_place_that_has_it_wins() {
        let keys = [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "x")];
        let endpoint = ("AWS_ENDPOINT_URL", "http://env");
        assert_eq!(resolve(&[]), ["http://file", "eu-file-1", "AKIAFILE"]);
        assert_eq!(resolve(&[endpoint]), ["http://env", "eu-file-1", "AKIAFILE"]);
        assert_eq!(resolve(&keys), ["http://file", "eu-file-1", "AKIAENV"]);
        assert_eq!(resolve(&keys[..1]), ["http://file", "eu-file-1", "AKIAFILE"]);
        assert_eq!(resolve(&[endpoint, keys[0], keys[1]]), ["http://env", "us-east-1", "AKIAENV"]);
        assert_eq!(
            resolve(&[
                endpoint,
                keys[0],
                keys[1],
                ("AWS_DEFAULT_REGION", "eu-b-1"),
                ("AWS_REGION", "eu-a-1")
            ]),
            ["http://env", "eu-a-1", "AKIAENV"]
        );
        assert_eq!(resolve(&[("AWS_PROFILE", "p")]), ["http://profile", "eu-profile-1", "AKIAFILE"]);
        assert_eq!(resolve(&[("AWS_PROFILE", "p"), endpoint]), ["http://env", "eu-profile-1", "AKIAFILE"]);
    }
}
