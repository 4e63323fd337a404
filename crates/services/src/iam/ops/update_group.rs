//! `UpdateGroup`: gives a group another name or path. Its unique id stays.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::groups;
use crate::iam::record::Group;
use crate::iam::rename::Rename;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::UpdateGroup {
    type Request = Checked<Rename<Group>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Rename::resolve(cx, view, "iam:UpdateGroup", &input.group_name, input.new_group_name, input.new_path)
    }
}

impl WriteHandler for api::UpdateGroup {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let rename = request.into_request();
        let group = Group::clone(rename.check()?);
        if rename.moves() {
            groups::rename(tx, &rename.target, &rename.name)?;
        }
        let (name, path, arn) = (rename.name.clone(), rename.path.clone(), rename.arn.to_string());
        rename.write(tx, &Group { name, path, arn, ..group })?;
        Ok(api::UpdateGroupResponse {})
    }
}
