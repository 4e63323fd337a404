//! Choosing among an index's images (OCI Image Specification, "Image Index § platform"; containerd's matching rules).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Operating system, architecture and variant, in Go's names: `linux/arm64/v8`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `v7`, `v8`, …; mostly absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// `linux` on an architecture in Go's name.
    pub fn linux(architecture: &str) -> Self {
        Self { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: None }
    }

    /// The machine this runs on.
    pub fn host() -> Self {
        Self::linux(match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        })
    }

    /// How well an image for `offered` runs here: lower is better, `None` is not at all.
    pub(crate) fn rank(&self, offered: &Platform) -> Option<u32> {
        if self.os != offered.os {
            return None;
        }
        let (architecture, level) = self.normalized();
        let (offered_architecture, offered_level) = offered.normalized();
        if architecture == offered_architecture {
            return level.checked_sub(offered_level);
        }
        match (architecture, offered_architecture) {
            ("amd64", "386") => Some(100),
            ("arm64", "arm") => Some(100 + 8u32.saturating_sub(offered_level)),
            _ => None,
        }
    }

    /// Common other spellings made one, and the variant as a number: absent is `v8` on arm64, `v7` on arm, `v1` on amd64.
    fn normalized(&self) -> (&str, u32) {
        let architecture = match self.architecture.as_str() {
            "x86_64" | "x86-64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let default = match architecture {
            "arm64" => 8,
            "arm" => 7,
            "amd64" => 1,
            _ => 0,
        };
        let written = self.variant.as_deref().map(|variant| variant.trim_start_matches('v'));
        (architecture, written.and_then(|digits| digits.parse().ok()).unwrap_or(default))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        let mut parts = text.split('/').map(str::to_owned);
        Platform {
            os: parts.next().unwrap_or_default(),
            architecture: parts.next().unwrap_or_default(),
            variant: parts.next(),
        }
    }

    #[test]
    fn the_best_fitting_image_wins() {
        let cases: [(&str, &[&str], Option<&str>); 8] = [
            ("linux/amd64", &["linux/arm64", "linux/amd64"], Some("linux/amd64")),
            ("linux/amd64", &["linux/386", "linux/amd64"], Some("linux/amd64")),
            ("linux/amd64", &["linux/amd64/v3", "linux/amd64"], Some("linux/amd64")),
            ("linux/amd64", &["linux/arm64", "windows/amd64", "unknown/unknown"], None),
            ("linux/arm64", &["linux/arm/v7", "linux/arm64/v8"], Some("linux/arm64/v8")),
            ("linux/arm/v6", &["linux/arm/v7", "linux/arm/v5", "linux/arm/v6"], Some("linux/arm/v6")),
            ("linux/arm", &["linux/arm/v5", "linux/arm/v6"], Some("linux/arm/v6")),
            ("linux/s390x", &["linux/s390x"], Some("linux/s390x")),
        ];
        for (host, offers, expected) in cases {
            let ranked =
                offers.iter().filter_map(|offer| Some((platform(host).rank(&platform(offer))?, *offer)));
            assert_eq!(ranked.min().map(|(_, offer)| offer), expected, "{host} {offers:?}");
        }
    }
}
