//! `--registry-name`: under which name answers show the ECR registries.

use std::str::FromStr;

use landfall_services::ecr::RegistryName;

/// The choice, before the server's address is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryNameOption {
    /// This server's address: docker on this machine can use it as it is.
    Local,
    /// AWS's host names.
    Aws,
    /// Another host, with a port if need be, that leads to this server.
    Host(String),
}

impl RegistryNameOption {
    /// The name, for a server that is reached at `address`.
    pub fn name(&self, address: &str) -> RegistryName {
        match self {
            Self::Local => RegistryName::host(address),
            Self::Aws => RegistryName::aws(address),
            Self::Host(host) => RegistryName::host(host.as_str()),
        }
    }
}

impl FromStr for RegistryNameOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        match text {
            "local" => Ok(Self::Local),
            "aws" => Ok(Self::Aws),
            // A name without dot and port would be read by docker as a part of the path.
            _ if text.bytes().all(host) && text.contains(['.', ':']) => Ok(Self::Host(text.to_owned())),
            _ => Err("expected `local`, `aws`, or a host such as `registry.example.com:4566`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_forms() {
        assert_eq!("local".parse(), Ok(RegistryNameOption::Local));
        assert_eq!("aws".parse(), Ok(RegistryNameOption::Aws));
        assert_eq!("r.example:80".parse(), Ok(RegistryNameOption::Host("r.example:80".to_owned())));
        for bad in ["", "registry", "http://r.example", "r.example/path"] {
            assert!(bad.parse::<RegistryNameOption>().is_err(), "{bad}");
        }
    }
}
