//! All networks of an account in a Region: the rows, and the default VPC that is there before anybody made one.
//!
//! Every account has a default VPC in every Region: `172.31.0.0/16` with a subnet of 4,096 addresses in each zone and a
//! security group, under ids that are worked out from account and Region. They become rows with the first change.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall_base::{AccountId, Region};
use landfall_shape::ServiceError;
use landfall_store::{StoreError, Table, Tx, Value, View};

use super::errors::{self, Kind};
use super::names::{derived, fresh};
use super::record::{ENDPOINTS, Endpoint, GROUPS, Group, Place, SETTLED, SUBNETS, Subnet, Tags, VPCS, Vpc};
use super::zones;

/// Addresses of every default VPC.
const DEFAULT_CIDR: &str = "172.31.0.0/16";

/// Name of the group that every VPC has.
pub(super) const DEFAULT_GROUP: &str = "default";

/// Everything by id.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) vpcs: BTreeMap<String, Arc<Vpc>>,
    pub(super) subnets: BTreeMap<String, Arc<Subnet>>,
    pub(super) groups: BTreeMap<String, Arc<Group>>,
    pub(super) endpoints: BTreeMap<String, Arc<Endpoint>>,
}

impl Network {
    /// What an account has in a Region.
    pub(super) fn load(view: &View, account: &AccountId, region: &Region) -> Result<Self, StoreError> {
        if !view.contains(&SETTLED, &(account, region)) {
            return Ok(Self::initial(account, region));
        }
        Ok(Self {
            vpcs: rows(view, &VPCS, account, region)?,
            subnets: rows(view, &SUBNETS, account, region)?,
            groups: rows(view, &GROUPS, account, region)?,
            endpoints: rows(view, &ENDPOINTS, account, region)?,
        })
    }

    /// The default VPC alone.
    fn initial(account: &AccountId, region: &Region) -> Self {
        let id = |prefix: &str, what: &str| derived(prefix, account, region, what);
        let vpc_id = id("vpc", "default");
        let vpc = Vpc {
            cidr: DEFAULT_CIDR.to_owned(),
            association: id("vpc-cidr-assoc", "default"),
            is_default: true,
            dns_support: true,
            dns_hostnames: true,
            tenancy: "default".to_owned(),
            route_table: id("rtb", "default"),
            tags: Vec::new(),
            route_table_tags: Vec::new(),
        };
        let subnets = zones::names(region).enumerate().map(|(number, zone)| {
            let cidr = format!("172.31.{}.0/20", number * 16);
            let subnet = Subnet { vpc: vpc_id.clone(), cidr, zone, is_default: true, tags: Vec::new() };
            (id("subnet", &subnet.zone), Arc::new(subnet))
        });
        Self {
            subnets: subnets.collect(),
            groups: [(id("sg", "default"), Arc::new(default_group(&vpc_id)))].into(),
            vpcs: [(vpc_id, Arc::new(vpc))].into(),
            endpoints: BTreeMap::new(),
        }
    }

    /// What an account has in a Region, all of it in rows from now on.
    pub(super) fn settle(tx: &mut Tx, account: &AccountId, region: &Region) -> Result<Self, StoreError> {
        let network = Self::load(tx, account, region)?;
        if tx.contains(&SETTLED, &(account, region)) {
            return Ok(network);
        }
        for (id, vpc) in &network.vpcs {
            tx.put(&VPCS, &(account, region, id.as_str()), vpc.as_ref());
        }
        for (id, subnet) in &network.subnets {
            tx.put(&SUBNETS, &(account, region, id.as_str()), subnet.as_ref());
        }
        for (id, group) in &network.groups {
            tx.put(&GROUPS, &(account, region, id.as_str()), group.as_ref());
        }
        tx.put(&SETTLED, &(account, region), ());
        Ok(network)
    }

    /// The default VPC, unless it was deleted.
    pub(super) fn default_vpc(&self) -> Option<&str> {
        self.vpcs.iter().find(|(_, vpc)| vpc.is_default).map(|(id, _)| id.as_str())
    }

    /// # Errors
    /// `InvalidVpcID.NotFound`
    pub(super) fn vpc(&self, id: &str) -> Result<&Arc<Vpc>, ServiceError> {
        self.vpcs.get(id).ok_or_else(|| errors::not_found(Kind::Vpc, id))
    }

    /// # Errors
    /// `InvalidSubnetID.NotFound`
    pub(super) fn subnet(&self, id: &str) -> Result<&Arc<Subnet>, ServiceError> {
        self.subnets.get(id).ok_or_else(|| errors::not_found(Kind::Subnet, id))
    }

    /// # Errors
    /// `InvalidGroupId.Malformed`, `InvalidGroup.NotFound`
    pub(super) fn group(&self, id: &str) -> Result<&Arc<Group>, ServiceError> {
        if !id.starts_with("sg-") {
            return Err(errors::malformed(Kind::Group, id));
        }
        self.groups.get(id).ok_or_else(|| errors::not_found(Kind::Group, id))
    }

    /// # Errors
    /// `InvalidVpcEndpointId.Malformed`, `InvalidVpcEndpointId.NotFound`
    pub(super) fn endpoint(&self, id: &str) -> Result<&Arc<Endpoint>, ServiceError> {
        if !id.starts_with("vpce-") {
            return Err(errors::malformed(Kind::Endpoint, id));
        }
        self.endpoints.get(id).ok_or_else(|| errors::not_found(Kind::Endpoint, id))
    }

    /// The VPC whose main route table this is.
    ///
    /// # Errors
    /// `InvalidRouteTableID.NotFound`
    pub(super) fn of_route_table(&self, id: &str) -> Result<(&str, &Arc<Vpc>), ServiceError> {
        let found = self.vpcs.iter().find(|(_, vpc)| vpc.route_table == id);
        found.map(|(id, vpc)| (id.as_str(), vpc)).ok_or_else(|| errors::not_found(Kind::RouteTable, id))
    }

    /// The group that a VPC has from the first.
    pub(super) fn default_group(&self, vpc: &str) -> Option<&str> {
        let own = |group: &Group| group.vpc == vpc && group.name == DEFAULT_GROUP;
        self.groups.iter().find(|(_, group)| own(group)).map(|(id, _)| id.as_str())
    }

    /// The tags of anything that has an id.
    pub(super) fn tags(&self, kind: Kind, id: &str) -> Option<&[(String, String)]> {
        match kind {
            Kind::Vpc => self.vpcs.get(id).map(|it| it.tags.as_slice()),
            Kind::Subnet => self.subnets.get(id).map(|it| it.tags.as_slice()),
            Kind::Group => self.groups.get(id).map(|it| it.tags.as_slice()),
            Kind::Endpoint => self.endpoints.get(id).map(|it| it.tags.as_slice()),
            Kind::RouteTable => self.of_route_table(id).ok().map(|(_, vpc)| vpc.route_table_tags.as_slice()),
        }
    }
}

/// The group that comes with a VPC.
pub(super) fn default_group(vpc: &str) -> Group {
    Group {
        vpc: vpc.to_owned(),
        name: DEFAULT_GROUP.to_owned(),
        description: "default VPC security group".to_owned(),
        tags: Vec::new(),
    }
}

/// The association of a block with a VPC, and the route table, of one that is made.
pub(super) fn fresh_parts() -> (String, String) {
    (fresh("vpc-cidr-assoc"), fresh("rtb"))
}

fn rows<V: Value>(
    view: &View,
    table: &Table<Place, V>,
    account: &AccountId,
    region: &Region,
) -> Result<BTreeMap<String, Arc<V>>, StoreError> {
    let rows = view.list(table, (account, region))?;
    Ok(rows.into_iter().map(|((_, _, id), row)| (id, row)).collect())
}

/// Sets the tags of something that is there.
pub(super) fn set_tags(
    tx: &mut Tx,
    account: &AccountId,
    region: &Region,
    network: &Network,
    (kind, id): (Kind, &str),
    tags: Tags,
) {
    let place = (account, region, id);
    match kind {
        Kind::Vpc => {
            if let Some(vpc) = network.vpcs.get(id) {
                tx.put(&VPCS, &place, Vpc { tags, ..vpc.as_ref().clone() });
            }
        }
        Kind::Subnet => {
            if let Some(subnet) = network.subnets.get(id) {
                tx.put(&SUBNETS, &place, Subnet { tags, ..subnet.as_ref().clone() });
            }
        }
        Kind::Group => {
            if let Some(group) = network.groups.get(id) {
                tx.put(&GROUPS, &place, Group { tags, ..group.as_ref().clone() });
            }
        }
        Kind::Endpoint => {
            if let Some(endpoint) = network.endpoints.get(id) {
                tx.put(&ENDPOINTS, &place, Endpoint { tags, ..endpoint.as_ref().clone() });
            }
        }
        Kind::RouteTable => {
            if let Ok((vpc_id, vpc)) = network.of_route_table(id) {
                let vpc = Vpc { route_table_tags: tags, ..vpc.as_ref().clone() };
                tx.put(&VPCS, &(account, region, vpc_id), vpc);
            }
        }
    }
}
