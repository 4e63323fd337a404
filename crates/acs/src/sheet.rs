//! What a task needs at the moment it starts. Plaintext secrets live here, in memory, and nowhere else.

use landfall_base::{Sensitive, Timestamp};

use crate::Fix;

/// The answer to [`crate::ControlPlane::prepare`].
#[derive(Debug)]
pub struct LaunchSheet {
    /// One entry for each container, in definition order.
    pub containers: Vec<ContainerSheet>,
    /// What the task's containers ask by for credentials of its role. Whoever knows it may have them.
    pub credentials_id: Option<Sensitive<String>>,
}

/// Credentials of a task's role.
#[derive(Debug, Clone)]
pub struct RoleCredentials {
    /// The role's ARN.
    pub role_arn: String,
    /// `ASIA…`
    pub access_key_id: String,
    /// Signs.
    pub secret_access_key: Sensitive<String>,
    /// Goes with every request.
    pub session_token: Sensitive<String>,
    /// When they end.
    pub expires_at: Timestamp,
}

/// Why a task gets no credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCredentials {
    /// There are none by that id, or not for this task.
    Unknown,
    /// The role cannot be assumed now.
    Unavailable,
}

/// What one container needs.
#[derive(Debug)]
pub struct ContainerSheet {
    /// The container's name.
    pub name: String,
    /// The name to pull the image by, where that is not the one in the task definition: images of Amazon ECR are here.
    pub image: Option<String>,
    /// The credential for its registry; `None` is an anonymous pull.
    pub registry: Option<RegistryCredential>,
    /// How to give the container a credential, where it has none.
    pub login: Option<Fix>,
    /// The image's manifest, if it was read already.
    pub manifest: Option<String>,
    /// Environment from secrets and environment files. The plain environment wins over equal names.
    pub environment: Vec<(String, Sensitive<String>)>,
}

/// User name and password for a registry.
#[derive(Debug, Clone)]
pub struct RegistryCredential {
    /// The user's name.
    pub username: String,
    /// The password or token.
    pub password: Sensitive<String>,
    /// A command that puts another credential in the place of this one, with words in capitals to be filled in.
    pub replace: Option<String>,
}

/// Why a task cannot start, in the words of its launch type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFailure {
    /// The task's `stoppedReason`; that of the containers named below, where there are any.
    pub reason: String,
    /// The containers whose failure it is: the container agent tells some failures as a container's.
    pub containers: Vec<String>,
}

/// A line of a container's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// When it was written.
    pub time: Timestamp,
    /// The line without its end.
    pub message: String,
}
