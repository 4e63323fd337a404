use std::sync::Arc;

use landfall_api::ecs::{self as api, error};
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use crate::ecs::lookup::{self, FoundCluster, home};
use crate::ecs::names::{DEFAULT_CLUSTER, is_resource_name};
use crate::ecs::record::{CLUSTERS, Cluster, Tags};
use crate::ecs::rules::cluster;
use crate::ecs::{tags, view};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

const SHOWN: &[api::ClusterField] =
    &[api::ClusterField::Settings, api::ClusterField::Tags, api::ClusterField::Configurations];

#[derive(Debug)]
pub struct Request {
    input: api::CreateClusterRequest,
    tags: Tags,
    cluster: FoundCluster,
}

/// Creates a cluster, or answers the one that has the name.
impl Resolve for api::CreateCluster {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, mut input: Self::Input) -> Result<Self::Request, Failure> {
        let name = input.cluster_name.as_deref().unwrap_or(DEFAULT_CLUSTER);
        if !is_resource_name(name) {
            return Err(
                error::invalid_parameter_exception("Cluster name contains invalid characters.").into()
            );
        }
        let cluster = lookup::cluster(cx, view, Some(name))?;
        let tags = tags::from_request(input.tags.take())?;
        let permission = cluster.permission("ecs:CreateCluster").with_request_tags(tags::pairs(&tags));
        let providers = input.capacity_providers.clone().unwrap_or_default();
        let mut permissions = vec![lookup::with_any(permission, "ecs:capacity-provider", providers)];
        let arn = &cluster.reference.arn;
        permissions.extend(lookup::tag_on_create(cx, view, "CreateCluster", arn, &tags)?);
        Ok(Checked::all(Request { input, tags, cluster }, permissions))
    }
}

impl WriteHandler for api::CreateCluster {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { input, tags, cluster } = request.into_request();
        let home = home(cx);
        let wanted = wanted(input, tags)?;
        if let Some(row) = cluster.row().filter(|row| row.active) {
            check_same(row, &wanted)?;
            let counts = view::counts(&lookup::tasks(tx, home, &row.name)?);
            return Ok(answer(view::cluster(row, home, counts, SHOWN)));
        }
        let row = wanted.into_row(cx);
        tx.put(&CLUSTERS, &(home.account, home.region, row.name.as_str()), &row);
        Ok(answer(view::cluster(&row, home, view::Counts::default(), SHOWN)))
    }
}

fn answer(cluster: api::Cluster) -> api::CreateClusterResponse {
    api::CreateClusterResponse { cluster: Some(cluster) }
}

/// What the request says; absent members are not compared with a cluster that exists.
struct Wanted {
    name: String,
    settings: Option<Vec<(String, String)>>,
    configuration: Option<String>,
    providers: Option<Vec<String>>,
    strategy: Option<Vec<(String, i32, i32)>>,
    tags: Tags,
}

fn wanted(input: api::CreateClusterRequest, tags: Tags) -> Result<Wanted, Failure> {
    if input.service_connect_defaults.is_some() {
        return Err(error::namespace_not_found_exception("The specified namespace was not found.").into());
    }
    let providers = input.capacity_providers;
    let strategy = input.default_capacity_provider_strategy.map(|items| cluster::strategy(&items));
    cluster::check_providers(providers.as_deref().unwrap_or_default())?;
    cluster::check_default_strategy(
        strategy.as_deref().unwrap_or_default(),
        providers.as_deref().unwrap_or_default(),
    )?;
    Ok(Wanted {
        name: input.cluster_name.unwrap_or_else(|| DEFAULT_CLUSTER.to_owned()),
        settings: input.settings.map(|it| cluster::settings(&it)).transpose()?,
        configuration: input
            .configuration
            .as_ref()
            .map(cluster::configuration)
            .transpose()
            .map_err(Failure::internal)?,
        providers,
        strategy,
        tags,
    })
}

impl Wanted {
    fn into_row(self, cx: &Context<'_>) -> Cluster {
        Cluster {
            name: self.name,
            active: true,
            created_at: cx.now,
            settings: self.settings.unwrap_or_else(cluster::default_settings),
            configuration: self.configuration,
            capacity_providers: self.providers.unwrap_or_default(),
            default_capacity_provider_strategy: self.strategy.unwrap_or_default(),
            tags: self.tags,
        }
    }
}

fn check_same(row: &Arc<Cluster>, wanted: &Wanted) -> Result<(), ServiceError> {
    let same = wanted.settings.as_ref().is_none_or(|it| *it == row.settings)
        && (wanted.configuration.is_none() || wanted.configuration == row.configuration)
        && wanted.providers.as_ref().is_none_or(|it| *it == row.capacity_providers)
        && wanted.strategy.as_ref().is_none_or(|it| *it == row.default_capacity_provider_strategy);
    if same {
        return Ok(());
    }
    Err(error::invalid_parameter_exception(
        "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
    ))
}
