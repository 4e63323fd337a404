//! `GetRandomPassword`: a password that is kept nowhere.

use landfall_api::secretsmanager as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};
use crate::secretsmanager::password::{Recipe, Wishes};

const LENGTH: i64 = 32;

impl Resolve for api::GetRandomPassword {
    type Request = Checked<Wishes>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let wishes = Wishes {
            length: usize::try_from(input.password_length.unwrap_or(LENGTH)).unwrap_or_default(),
            exclude: input.exclude_characters.unwrap_or_default(),
            no_lowercase: input.exclude_lowercase.unwrap_or_default(),
            no_uppercase: input.exclude_uppercase.unwrap_or_default(),
            no_digits: input.exclude_numbers.unwrap_or_default(),
            no_punctuation: input.exclude_punctuation.unwrap_or_default(),
            space: input.include_space.unwrap_or_default(),
            each_kind: input.require_each_included_type.unwrap_or(true),
        };
        Ok(Checked::one(wishes, Permission::on_anything("secretsmanager:GetRandomPassword")))
    }
}

impl ReadHandler for api::GetRandomPassword {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let recipe = Recipe::of(&request.request);
        let recipe = recipe.map_err(|error| api::error::invalid_parameter_exception(error.to_string()))?;
        Ok(api::GetRandomPasswordResponse { random_password: Some(recipe.password()) })
    }
}
