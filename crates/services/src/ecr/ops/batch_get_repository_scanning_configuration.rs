//! `BatchGetRepositoryScanningConfiguration`: what was said about scanning, by repository.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::names::repository_arn;
use crate::ecr::record::SCANNING;
use crate::ecr::rules::wildcard;
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::BatchGetRepositoryScanningConfiguration {
    type Request = Checked<Vec<Target>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let find = |name: &String| Target::find(cx, view, None, name);
        let targets: Vec<_> = input.repository_names.iter().map(find).collect::<Result<_, _>>()?;
        let action = "ecr:BatchGetRepositoryScanningConfiguration";
        let permissions = targets.iter().map(|it| it.permission(view, action)).collect::<Result<_, _>>()?;
        Ok(Checked::all(targets, permissions))
    }
}

impl ReadHandler for api::BatchGetRepositoryScanningConfiguration {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let row = view.get(&SCANNING, &(cx.account(), cx.region()))?;
        let rules = row.and_then(|row| row.0.rules.clone()).unwrap_or_default();
        let (mut configurations, mut failures) = (Vec::new(), Vec::new());
        for target in request.into_request() {
            match target.existing() {
                Ok(row) => configurations.push(show(&target, row.scan_on_push, &rules)),
                Err(error) => failures.push(api::RepositoryScanningConfigurationFailure {
                    repository_name: target.name(),
                    failure_code: Some(api::ScanningConfigurationFailureCode::RepositoryNotFound),
                    failure_reason: Some(error.message),
                }),
            }
        }
        Ok(api::BatchGetRepositoryScanningConfigurationResponse {
            scanning_configurations: Some(configurations),
            failures: Some(failures),
        })
    }
}

/// A rule of the registry goes before the repository's own setting.
fn show(
    target: &Target,
    scan_on_push: bool,
    rules: &[api::RegistryScanningRule],
) -> api::RepositoryScanningConfiguration {
    let fits = |filter: &&api::ScanningRepositoryFilter| wildcard(&filter.filter, &target.key.2);
    let rule = rules.iter().find(|rule| rule.repository_filters.iter().any(|filter| fits(&filter)));
    let own = if scan_on_push { api::ScanFrequency::ScanOnPush } else { api::ScanFrequency::Manual };
    let filters = rule.map(|rule| rule.repository_filters.iter().filter(fits).cloned().collect());
    api::RepositoryScanningConfiguration {
        repository_arn: Some(repository_arn(&target.key).to_string()),
        repository_name: target.name(),
        scan_on_push: Some(
            rule.map_or(scan_on_push, |rule| rule.scan_frequency == api::ScanFrequency::ScanOnPush),
        ),
        scan_frequency: Some(rule.map_or(own, |rule| rule.scan_frequency.clone())),
        applied_scan_filters: Some(filters.unwrap_or_default()),
    }
}
