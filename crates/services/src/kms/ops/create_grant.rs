//! `CreateGrant`: lets a principal use a key.

use landfall_api::kms as api;
use landfall_base::random;
use landfall_store::{Tx, View};

use crate::kms::grants;
use crate::kms::record::{GRANTS, Grant};
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A grant to be made.
#[derive(Debug)]
pub struct Request {
    target: Target,
    grant: Grant,
    dry_run: Option<bool>,
}

impl Resolve for api::CreateGrant {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let mut target = Target::find_key(cx, view, &input.key_id)?;
        let grant = Grant {
            name: input.name,
            rule: grants::rule(input.grantee_principal, &input.operations, input.constraints)?,
            grantee_id: None,
            retiring_principal: input.retiring_principal,
            retiring_id: None,
            issuing_account: cx.account().clone(),
            created_at: cx.now,
        };
        grants::keep_wide_enough(&mut target.grants, &grant.rule);
        let permission = grants::add_to(target.permission(cx, "kms:CreateGrant")?, &grant);
        Ok(Checked::one(Request { target, grant, dry_run: input.dry_run }, permission))
    }
}

impl WriteHandler for api::CreateGrant {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, mut grant, dry_run } = request.into_request();
        let key = target.usable()?;
        // Whoever may not make grants does not learn who exists, nor what the key is.
        grants::check_operations(&grant.rule, key.kind())?;
        grant.grantee_id = grants::check_principal(tx, &grant.rule.grantee)?;
        let retiring = grant.retiring_principal.as_deref();
        grant.retiring_id = retiring.map(|it| grants::check_principal(tx, it)).transpose()?.flatten();
        rules::check_dry_run(dry_run)?;
        let (account, region, key_id) = &target.place;
        let known = tx.list(&GRANTS, (account, region, key_id.as_str()))?;
        let same = known.into_iter().find(|(_, known)| grant.name.is_some() && known.says_the_same(&grant));
        let id = match same {
            Some(((_, _, _, id), _)) => id,
            None => random::hex(64),
        };
        let token = grants::token(&target.place, &id);
        tx.put(&GRANTS, &(account, region, key_id.as_str(), id.as_str()), grant);
        Ok(api::CreateGrantResponse { grant_token: Some(token), grant_id: Some(id) })
    }
}
