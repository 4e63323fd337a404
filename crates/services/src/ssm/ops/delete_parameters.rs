//! `DeleteParameters`: up to ten parameters. Names without a parameter are listed beside what was deleted.

use landfall_api::ssm as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::ssm::record::PARAMETERS;
use crate::ssm::target::Target;
use crate::ssm::versions;

/// Parameters to be deleted; a name without target can be none.
#[derive(Debug)]
pub struct Request(Vec<(String, Option<Target>)>);

impl Resolve for api::DeleteParameters {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (mut targets, mut permissions) = (Vec::new(), Vec::new());
        for name in input.names {
            let target = match Target::find(cx, view, &name) {
                Ok(target) => Some(target),
                Err(Failure::Service(_)) => None,
                Err(failure) => return Err(failure),
            };
            permissions.extend(target.as_ref().map(|target| target.permission("ssm:DeleteParameters")));
            targets.push((name, target));
        }
        Ok(Checked::all(Request(targets), permissions))
    }
}

impl WriteHandler for api::DeleteParameters {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request(targets) = request.into_request();
        let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
        for (name, target) in targets {
            // The same parameter can be named twice, with a slash and without.
            let row = match target.filter(|target| target.parameter().is_some()) {
                Some(target) => tx.get(&PARAMETERS, &target.name.key)?.map(|row| (target.name.key, row)),
                None => None,
            };
            match row {
                Some((key, parameter)) => {
                    versions::remove(tx, &key, &parameter)?;
                    deleted.push(name);
                }
                None => invalid.push(name),
            }
        }
        Ok(api::DeleteParametersResult {
            deleted_parameters: Some(deleted),
            invalid_parameters: Some(invalid),
        })
    }
}
