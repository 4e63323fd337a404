//! `GetCertificates`

use landfall_api::lightsail::{self as api, error};
use landfall_store::View;

use crate::lightsail::record::CERTIFICATES;
use crate::lightsail::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Which certificates.
#[derive(Debug)]
pub struct Request(api::GetCertificatesRequest);

impl Resolve for api::GetCertificates {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(Request(input), Permission::on_everything(cx, "lightsail:GetCertificates")))
    }
}

impl ReadHandler for api::GetCertificates {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request(input) = request.into_request();
        // Whoever names one is told everything: Terraform's provider reads the details without asking for them.
        let detailed = input.include_certificate_details == Some(true) || input.certificate_name.is_some();
        let issued = input
            .certificate_statuses
            .is_none_or(|wanted| wanted.is_empty() || wanted.contains(&api::CertificateStatus::Issued));
        let rows = if issued { view.list(&CERTIFICATES, (cx.account(), cx.region()))? } else { Vec::new() };
        let named = |name: &String| input.certificate_name.as_ref().is_none_or(|wanted| wanted == name);
        let shown: Vec<_> = rows
            .into_iter()
            .filter(|((.., name), _)| named(name))
            .map(|((.., name), row)| view::certificate(&name, &row, detailed))
            .collect();
        if let Some(name) = input.certificate_name.filter(|_| shown.is_empty()) {
            let text = format!("The certificate `{name}` does not exist.");
            return Err(error::not_found_exception(text).into());
        }
        Ok(api::GetCertificatesResult { certificates: Some(shown), next_page_token: None })
    }
}
