//! `DeleteCertificate`

use landfall_api::lightsail::{self as api, error};
use landfall_base::Arn;
use landfall_store::{Tx, View};

use crate::lightsail::operations;
use crate::lightsail::record::{CERTIFICATES, SERVICES};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// A certificate.
#[derive(Debug)]
pub struct Request {
    name: String,
    exists: bool,
}

impl Resolve for api::DeleteCertificate {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = input.certificate_name;
        let row = view.get(&CERTIFICATES, &(cx.account(), cx.region(), name.as_str()))?;
        let unknown = Arn::new("lightsail", cx.region(), cx.account(), "Certificate/*");
        let permission =
            Permission::on("lightsail:DeleteCertificate", row.as_ref().map_or(&unknown, |row| &row.arn));
        Ok(Checked::one(Request { name, exists: row.is_some() }, permission))
    }
}

impl WriteHandler for api::DeleteCertificate {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { name, exists } = request.into_request();
        if !exists {
            let text = format!("The certificate `{name}` does not exist.");
            return Err(error::not_found_exception(text).into());
        }
        for ((.., service), row) in tx.list(&SERVICES, (cx.account(), cx.region()))? {
            if row.domain_names.iter().any(|(certificate, names)| *certificate == name && !names.is_empty()) {
                let text = format!("The certificate `{name}` is used by the container service `{service}`.");
                return Err(error::invalid_input_exception(text).into());
            }
        }
        tx.delete(&CERTIFICATES, &(cx.account(), cx.region(), name.as_str()));
        let resource = (name.as_str(), api::ResourceType::from("Certificate"));
        let operation = operations::note(cx, tx, api::OperationType::DeleteCertificate, resource)?;
        Ok(api::DeleteCertificateResult { operations: Some(vec![operation]) })
    }
}
