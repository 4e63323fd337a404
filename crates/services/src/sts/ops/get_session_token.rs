//! `GetSessionToken`: temporary credentials of the calling user.

use landfall_api::sts as api;
use landfall_shape::ServiceError;
use landfall_store::View;

use crate::pipe::{Allowed, Authorized, Context, Failure, ReadHandler, Resolve};
use crate::sts::session::check_second_factor;
use crate::sts::token::Session;

/// Twelve hours, in seconds.
const DEFAULT_SECONDS: i32 = 43_200;

impl Resolve for api::GetSessionToken {
    type Request = Allowed<i32>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        check_second_factor(input.serial_number.as_deref(), input.token_code.as_deref())?;
        Ok(Allowed(input.duration_seconds.unwrap_or(DEFAULT_SECONDS)))
    }
}

impl ReadHandler for api::GetSessionToken {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        if cx.caller.session.is_some() {
            let text = "Cannot call GetSessionToken with session credentials";
            return Err(ServiceError::with_status("AccessDenied", 403, text).into());
        }
        let Allowed(seconds) = *request;
        let session = Session::new(cx.caller.principal.clone(), cx.account().clone(), cx.now, seconds);
        Ok(api::GetSessionTokenResponse { credentials: Some(session.credentials(cx.vault())?) })
    }
}
