//! `PutReplicationConfiguration`: where images that are pushed from now on are copied to.

use landfall_api::ecr as api;
use landfall_base::Region;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use crate::ecr::record::REPLICATION;
use crate::ecr::rules::wording;
use crate::iam::{ensure_service_linked_role, service_linked_role};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};
use crate::stored::Stored;

const SERVICE: &str = "replication.ecr.amazonaws.com";
const MOST_RULES: usize = 10;
const MOST_DESTINATIONS: usize = 25;

impl Resolve for api::PutReplicationConfiguration {
    type Request = Checked<api::ReplicationConfiguration>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let mut permissions = vec![Permission::on_anything("ecr:PutReplicationConfiguration")];
        let (role, there) = service_linked_role(view, SERVICE, cx.account())?;
        if !there && !input.replication_configuration.rules.is_empty() {
            let create = Permission::on("iam:CreateServiceLinkedRole", &role);
            permissions.push(create.with("iam:AWSServiceName", SERVICE));
        }
        Ok(Checked::all(input.replication_configuration, permissions))
    }
}

impl WriteHandler for api::PutReplicationConfiguration {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let configuration = request.into_request();
        check(cx, &configuration)?;
        if !configuration.rules.is_empty() {
            ensure_service_linked_role(tx, SERVICE, cx.account(), cx.now)?;
        }
        tx.put(&REPLICATION, &(cx.account(), cx.region()), Stored(configuration.clone()));
        Ok(api::PutReplicationConfigurationResponse { replication_configuration: Some(configuration) })
    }
}

/// A name as Regions have it, in the same partition. An installation has no list of them: AWS opens new ones.
fn is_region(name: &str, own: &Region) -> bool {
    const AREAS: [&str; 12] =
        ["af", "ap", "ca", "cn", "eu", "il", "me", "mx", "sa", "us", "us-gov", "eusc-de"];
    const DIRECTIONS: [&str; 9] =
        ["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];
    let mut parts = name.rsplitn(3, '-');
    let (Some(number), Some(direction), Some(area)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_number = number.len() == 1 && number.bytes().all(|byte| matches!(byte, b'1'..=b'9'));
    let partition = name.parse::<Region>().map(|region| region.partition());
    is_number
        && DIRECTIONS.contains(&direction)
        && AREAS.contains(&area)
        && partition.is_ok_and(|it| it == own.partition())
}

fn check(cx: &Context<'_>, configuration: &api::ReplicationConfiguration) -> Result<(), ServiceError> {
    let refuse = |text: &str| Err(wording::invalid("replicationConfiguration", text));
    if configuration.rules.len() > MOST_RULES {
        return refuse("Replication configuration must not have more than 10 rules");
    }
    let destinations = || configuration.rules.iter().flat_map(|rule| &rule.destinations);
    if destinations().count() > MOST_DESTINATIONS {
        return refuse("Replication configuration must not have more than 25 destinations");
    }
    for destination in destinations() {
        if destination.region == cx.region().as_str() && destination.registry_id == cx.account().as_str() {
            return refuse("Replication destination cannot be the same as the source registry");
        }
        if !is_region(&destination.region, cx.region()) {
            return refuse(&format!("Invalid region '{}'", destination.region));
        }
    }
    let filters =
        configuration.rules.iter().flat_map(|rule| rule.repository_filters.as_deref().unwrap_or_default());
    if filters.into_iter().any(|it| it.filter_type != api::RepositoryFilterType::PrefixMatch) {
        return refuse("Member must satisfy enum value set: [PREFIX_MATCH]");
    }
    Ok(())
}
