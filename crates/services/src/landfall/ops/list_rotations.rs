//! `ListRotations`: the rotation functions of the account in the Region, and how its secrets are rotated.

use landfall_api::landfall as api;
use landfall_store::View;

use crate::landfall::rotation::{shown, shown_rotation};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};
use crate::secretsmanager::record::SECRETS;
use crate::secretsmanager::rotation::{FUNCTIONS, ROTATIONS};

impl Resolve for api::ListRotations {
    type Request = Checked<()>;

    fn resolve(_: &Context<'_>, _: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one((), Permission::on_anything("landfall:ListRotations")))
    }
}

impl ReadHandler for api::ListRotations {
    fn run(cx: &Context<'_>, view: &View, _: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let place = (cx.account(), cx.region());
        let functions = view.list(&FUNCTIONS, place)?;
        let mut rotations = Vec::new();
        for row in view.scan(&SECRETS, place) {
            let (key, secret) = row?;
            let Some(rotation) = &secret.rotation else { continue };
            rotations.push(shown_rotation(&secret, rotation, view.get(&ROTATIONS, &key)?.as_deref()));
        }
        let functions = functions.iter().map(|(_, function)| shown(function)).collect();
        Ok(api::ListRotationsResponse { functions, rotations })
    }
}
