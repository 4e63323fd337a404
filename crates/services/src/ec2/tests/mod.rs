//! EC2 through the pipe.

mod describing;
mod endpoints;
mod making;

use landfall_api::ec2 as api;
use landfall_shape::{Operation, ServiceError};

use crate::pipe::Caller;
use crate::testing::{TestInstallation, root};

struct Fixture(TestInstallation);

impl Fixture {
    fn new() -> Self {
        Self(TestInstallation::new(crate::TABLES))
    }

    fn by<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output, ServiceError> {
        self.0.call.call::<O>(caller, input).result
    }

    fn call<O: Operation>(&self, input: O::Input) -> O::Output {
        self.by::<O>(&root(), input).unwrap_or_else(|error| panic!("{}: {error}", O::SCHEMA.name))
    }

    /// Code and text of a refusal.
    fn refused<O: Operation>(&self, input: O::Input) -> (String, String) {
        match self.by::<O>(&root(), input) {
            Ok(_) => panic!("{} was not refused", O::SCHEMA.name),
            Err(error) => (error.code.to_owned(), error.message),
        }
    }

    fn default_vpc(&self) -> api::Vpc {
        let vpcs = self.call::<api::DescribeVpcs>(api::DescribeVpcsRequest::default()).vpcs.unwrap();
        vpcs.into_iter().find(|vpc| vpc.is_default == Some(true)).unwrap()
    }

    fn vpc(&self, cidr: &str) -> String {
        let input = api::CreateVpcRequest { cidr_block: Some(cidr.to_owned()), ..Default::default() };
        self.call::<api::CreateVpc>(input).vpc.unwrap().vpc_id.unwrap()
    }

    fn subnets(&self, filter: api::Filter) -> Vec<api::Subnet> {
        let input = api::DescribeSubnetsRequest { filters: Some(vec![filter]), ..Default::default() };
        self.call::<api::DescribeSubnets>(input).subnets.unwrap()
    }
}

fn filter(name: &str, values: &[&str]) -> api::Filter {
    let values = values.iter().map(|&it| it.to_owned()).collect();
    api::Filter { name: Some(name.to_owned()), values: Some(values) }
}

fn refusal(code: &str, message: impl Into<String>) -> (String, String) {
    (code.to_owned(), message.into())
}
