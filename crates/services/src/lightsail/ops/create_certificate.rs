//! `CreateCertificate`: a certificate for domain names. Landfall is its own authority: it is issued at once.

use landfall_api::lightsail::{self as api, error};
use landfall_store::{Tx, View};

use crate::lightsail::record::{CERTIFICATES, Certificate};
use crate::lightsail::{domains, names, operations, tags, view};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// Most names of a certificate.
const MOST_NAMES: usize = 10;

/// A certificate that may be there already.
#[derive(Debug)]
pub struct Request {
    exists: bool,
    tags: Vec<(String, String)>,
    input: api::CreateCertificateRequest,
}

impl Resolve for api::CreateCertificate {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, mut input: Self::Input) -> Result<Self::Request, Failure> {
        let key = (cx.account(), cx.region(), input.certificate_name.as_str());
        let exists = view.contains(&CERTIFICATES, &key);
        let tags = tags::merge(&[], input.tags.take().unwrap_or_default())?;
        let permission = Permission::on_everything(cx, "lightsail:CreateCertificate")
            .with_request_tags(tags::pairs(&tags));
        Ok(Checked::one(Request { exists, tags, input }, permission))
    }
}

impl WriteHandler for api::CreateCertificate {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { exists, tags, input } = request.into_request();
        let name = input.certificate_name;
        let alternative_names = input.subject_alternative_names.unwrap_or_default();
        if exists {
            let text = format!("A certificate with the name `{name}` exists already.");
            return Err(error::invalid_input_exception(text).into());
        }
        if alternative_names.len() >= MOST_NAMES {
            let text = format!("A certificate can have at most {MOST_NAMES} domain names.");
            return Err(error::invalid_input_exception(text).into());
        }
        for domain in std::iter::once(&input.domain_name).chain(&alternative_names) {
            if !is_domain(domain) {
                let text = format!("`{domain}` is not a domain name.");
                return Err(error::invalid_input_exception(text).into());
            }
            if let Some(text) = domains::refusal(domain, cx.installation.registry.address()) {
                return Err(error::invalid_input_exception(text).into());
            }
        }
        let row = Certificate {
            arn: names::certificate_arn(cx.account(), cx.region()),
            domain_name: input.domain_name,
            alternative_names,
            created_at: cx.now,
            tags,
        };
        tx.put(&CERTIFICATES, &(cx.account(), cx.region(), name.as_str()), &row);
        let resource = (name.as_str(), api::ResourceType::from("Certificate"));
        let operation = operations::note(cx, tx, api::OperationType::CreateCertificate, resource)?;
        Ok(api::CreateCertificateResult {
            certificate: Some(view::certificate(&name, &row, true)),
            operations: Some(vec![operation]),
        })
    }
}

/// Labels of letters, digits and hyphens, at least two; the first may be `*`.
fn is_domain(name: &str) -> bool {
    let name = name.strip_prefix("*.").unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::is_domain;

    #[test]
    fn domain_names_have_labels() {
        for (name, expected) in [
            ("example.com", true),
            ("*.example.com", true),
            ("localhost", false),
            ("-a.com", false),
            ("a..com", false),
            ("a_b.com", false),
        ] {
            assert_eq!(is_domain(name), expected, "{name}");
        }
    }
}
