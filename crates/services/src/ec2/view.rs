//! Rows as the API shows them.

use landfall_api::ec2 as api;
use landfall_base::{AccountId, Region};

use super::cidr::Cidr;
use super::endpoint_services::EndpointService;
use super::names::{arn, derived};
use super::network::Network;
use super::record::{Endpoint, EndpointKind, Group, Subnet, Tags, Vpc};
use super::zones;

/// Whose resources are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) account: &'a AccountId,
    pub(super) region: &'a Region,
}

impl Shown<'_> {
    fn owner(self) -> Option<String> {
        Some(self.account.to_string())
    }

    pub(super) fn dhcp_options(self) -> String {
        derived("dopt", self.account, self.region, "default")
    }

    pub(super) fn vpc(self, id: &str, vpc: &Vpc) -> api::Vpc {
        let block = api::VpcCidrBlockAssociation {
            association_id: Some(vpc.association.clone()),
            cidr_block: Some(vpc.cidr.clone()),
            cidr_block_state: Some(api::VpcCidrBlockState {
                state: Some(api::VpcCidrBlockStateCode::Associated),
                status_message: None,
            }),
        };
        api::Vpc {
            owner_id: self.owner(),
            instance_tenancy: Some(vpc.tenancy.as_str().into()),
            cidr_block_association_set: Some(vec![block]),
            is_default: Some(vpc.is_default),
            tags: tags(&vpc.tags),
            vpc_id: Some(id.to_owned()),
            state: Some(api::VpcState::Available),
            cidr_block: Some(vpc.cidr.clone()),
            dhcp_options_id: Some(self.dhcp_options()),
            ..Default::default()
        }
    }

    pub(super) fn subnet(self, id: &str, subnet: &Subnet) -> api::Subnet {
        api::Subnet {
            availability_zone_id: Some(zones::id(self.region, &subnet.zone)),
            owner_id: self.owner(),
            assign_ipv6_address_on_creation: Some(false),
            tags: tags(&subnet.tags),
            subnet_arn: Some(arn("subnet", self.account, self.region, id).to_string()),
            enable_dns64: Some(false),
            ipv6_native: Some(false),
            map_customer_owned_ip_on_launch: Some(false),
            private_dns_name_options_on_launch: Some(api::PrivateDnsNameOptionsOnLaunch {
                hostname_type: Some(api::HostnameType::IpName),
                enable_resource_name_dns_a_record: Some(false),
                ..Default::default()
            }),
            subnet_id: Some(id.to_owned()),
            state: Some(api::SubnetState::Available),
            vpc_id: Some(subnet.vpc.clone()),
            cidr_block: Some(subnet.cidr.clone()),
            available_ip_address_count: Some(available(subnet)),
            availability_zone: Some(subnet.zone.clone()),
            default_for_az: Some(subnet.is_default),
            map_public_ip_on_launch: Some(subnet.is_default),
            ..Default::default()
        }
    }

    /// A group with the rules that it was made with. The group that comes with a VPC also lets its own members in.
    pub(super) fn group(self, id: &str, group: &Group) -> api::SecurityGroup {
        let everything = || api::IpPermission { ip_protocol: Some("-1".to_owned()), ..Default::default() };
        let own = api::UserIdGroupPair {
            user_id: self.owner(),
            group_id: Some(id.to_owned()),
            ..Default::default()
        };
        let inside = api::IpPermission { user_id_group_pairs: Some(vec![own]), ..everything() };
        let world = api::IpRange { cidr_ip: Some("0.0.0.0/0".to_owned()), description: None };
        let is_default = group.name == super::network::DEFAULT_GROUP;
        api::SecurityGroup {
            group_id: Some(id.to_owned()),
            ip_permissions_egress: Some(vec![api::IpPermission {
                ip_ranges: Some(vec![world]),
                ..everything()
            }]),
            tags: tags(&group.tags),
            vpc_id: Some(group.vpc.clone()),
            security_group_arn: Some(arn("security-group", self.account, self.region, id).to_string()),
            owner_id: self.owner(),
            group_name: Some(group.name.clone()),
            description: Some(group.description.clone()),
            ip_permissions: Some(if is_default { vec![inside] } else { Vec::new() }),
        }
    }

    /// The main route table of a VPC, with the ways to its gateway endpoints.
    pub(super) fn route_table(self, vpc_id: &str, vpc: &Vpc, network: &Network) -> api::RouteTable {
        let local = api::Route {
            destination_cidr_block: Some(vpc.cidr.clone()),
            gateway_id: Some("local".to_owned()),
            origin: Some(api::RouteOrigin::CreateRouteTable),
            state: Some(api::RouteState::Active),
            ..Default::default()
        };
        let gateways = network.endpoints.iter().filter(|(_, it)| it.route_tables.contains(&vpc.route_table));
        let gateways = gateways.map(|(id, endpoint)| api::Route {
            destination_prefix_list_id: Some(self.prefix_list(&endpoint.service)),
            gateway_id: Some(id.clone()),
            origin: Some(api::RouteOrigin::CreateRoute),
            state: Some(api::RouteState::Active),
            ..Default::default()
        });
        let association = api::RouteTableAssociation {
            main: Some(true),
            route_table_association_id: Some(vpc.route_table.replace("rtb-", "rtbassoc-")),
            route_table_id: Some(vpc.route_table.clone()),
            association_state: Some(api::RouteTableAssociationState {
                state: Some(api::RouteTableAssociationStateCode::Associated),
                status_message: None,
            }),
            ..Default::default()
        };
        api::RouteTable {
            associations: Some(vec![association]),
            propagating_vgws: Some(Vec::new()),
            route_table_id: Some(vpc.route_table.clone()),
            routes: Some(std::iter::once(local).chain(gateways).collect()),
            tags: tags(&vpc.route_table_tags),
            vpc_id: Some(vpc_id.to_owned()),
            owner_id: self.owner(),
        }
    }

    /// The list of a service's addresses: AWS's own, the same for every account.
    pub(super) fn prefix_list(self, service: &str) -> String {
        let id = derived("pl", crate::lightsail::owner(), self.region, service);
        id.get(..11).unwrap_or(&id).to_owned()
    }

    pub(super) fn endpoint(self, id: &str, endpoint: &Endpoint, network: &Network) -> api::VpcEndpoint {
        let interface = endpoint.kind == EndpointKind::Interface;
        let groups = endpoint.groups.iter().map(|id| api::SecurityGroupIdentifier {
            group_id: Some(id.clone()),
            group_name: network.groups.get(id).map(|group| group.name.clone()),
        });
        let eni = |subnet: &String| derived("eni", self.account, self.region, &format!("{id} {subnet}"));
        api::VpcEndpoint {
            vpc_endpoint_id: Some(id.to_owned()),
            vpc_endpoint_type: Some(endpoint.kind.shown()),
            vpc_id: Some(endpoint.vpc.clone()),
            service_name: Some(endpoint.service.clone()),
            // As AWS writes it: the model's values begin with capitals.
            state: Some(api::State::Unknown("available".to_owned())),
            policy_document: Some(endpoint.policy.text().to_owned()),
            route_table_ids: Some(endpoint.route_tables.clone()),
            subnet_ids: Some(endpoint.subnets.clone()),
            groups: Some(groups.collect()),
            ip_address_type: Some(api::IpAddressType::Ipv4).filter(|_| interface),
            dns_options: interface.then(|| api::DnsOptions {
                dns_record_ip_type: Some(api::DnsRecordIpType::Ipv4),
                ..Default::default()
            }),
            private_dns_enabled: Some(endpoint.private_dns),
            requester_managed: Some(false),
            network_interface_ids: Some(endpoint.subnets.iter().map(eni).collect()),
            dns_entries: Some(self.dns_entries(id, endpoint)),
            creation_timestamp: Some(endpoint.created_at),
            tags: tags(&endpoint.tags),
            owner_id: self.owner(),
            service_region: Some(self.region.to_string()),
            ..Default::default()
        }
    }

    /// The endpoint's own name, and the service's own where private DNS takes that over. Who asks a name server here gets
    /// no answer for the former.
    fn dns_entries(self, id: &str, endpoint: &Endpoint) -> Vec<api::DnsEntry> {
        let service = EndpointService::find(self.region, &endpoint.service);
        let Some(service) = service.filter(|_| endpoint.kind == EndpointKind::Interface) else {
            return Vec::new();
        };
        let part = derived("x", self.account, self.region, id);
        let own =
            format!("{id}-{}.{}", part.get(2..10).unwrap_or_default(), service.endpoint_domain(self.region));
        let private = endpoint.private_dns.then(|| service.private_name(self.region));
        let entry = |name| api::DnsEntry { dns_name: Some(name), hosted_zone_id: None };
        std::iter::once(own).chain(private).map(entry).collect()
    }
}

impl EndpointKind {
    /// As the API names it.
    pub(super) fn shown(self) -> api::VpcEndpointType {
        match self {
            Self::Interface => api::VpcEndpointType::Interface,
            Self::Gateway => api::VpcEndpointType::Gateway,
        }
    }
}

/// Addresses of a subnet that can be given.
pub(super) fn available(subnet: &Subnet) -> i32 {
    subnet.cidr.parse::<Cidr>().map_or(0, Cidr::usable)
}

/// Tags as the API shows them.
#[expect(clippy::unnecessary_wraps, reason = "members of the API's structures are optional")]
pub(super) fn tags(tags: &Tags) -> Option<Vec<api::Tag>> {
    let tag =
        |(key, value): &(String, String)| api::Tag { key: Some(key.clone()), value: Some(value.clone()) };
    Some(tags.iter().map(tag).collect())
}
