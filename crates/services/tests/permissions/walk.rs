//! All operations, each with sample inputs: the smallest, and the smallest with each further member in turn.

use std::collections::{BTreeMap, BTreeSet};

use landfall_services::pipe::{Endpoint, Permission};
use landfall_shape::{Kind, Structure, Value};

use crate::forms::{Form, form, keys};
use crate::samples::{member_value, smallest};
use crate::world::{TABLES, World};

/// What an operation asks for in one form.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) form: Form,
    pub(crate) keys: BTreeSet<String>,
    /// Every sample asked for it.
    pub(crate) always: bool,
}

/// An operation with everything that its samples asked for, in the order of the checks.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) asks: BTreeMap<usize, Ask>,
    /// The checks of the smallest sample that could be resolved.
    pub(crate) sample: Vec<Permission>,
}

/// What the walk found.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) operations: Vec<Operation>,
    pub(crate) problems: Vec<String>,
}

impl Operation {
    /// `service:Operation`
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.endpoint.service.name, self.endpoint.schema.name)
    }
}

impl Walk {
    /// Walks every table.
    pub(crate) fn of(world: &World) -> Self {
        let mut walk = Self { operations: Vec::new(), problems: Vec::new() };
        for endpoint in TABLES.iter().copied().flatten() {
            walk.add(world, endpoint);
        }
        walk.operations.sort_by_key(Operation::name);
        walk
    }

    fn add(&mut self, world: &World, endpoint: &'static Endpoint) {
        let (mut resolved, mut errors) = (Vec::new(), Vec::new());
        for input in inputs(endpoint) {
            let input = world.fill(Value::Structure(input));
            match endpoint.permissions(world.installation(), &world.administrator, input.clone()) {
                Ok(permissions) => {
                    self.problems.extend(forgotten(world, endpoint, input, &permissions));
                    resolved.push(permissions);
                }
                Err(error) => errors.push(error.to_string()),
            }
        }
        let mut operation = Operation { endpoint, asks: BTreeMap::new(), sample: Vec::new() };
        let name = operation.name();
        if resolved.is_empty() {
            self.problems.push(format!("no sample of {name} can be resolved: {}", errors.concat()));
        }
        for (at, permissions) in resolved.iter().enumerate() {
            if let Err(problem) = operation.note(permissions, at == 0) {
                self.problems.push(format!("{name}: {problem}"));
            }
        }
        operation.sample = resolved.into_iter().next().unwrap_or_default();
        self.operations.push(operation);
    }
}

/// Checks on a resource that the same call would not name again: what is to be made has no ARN yet that a policy could
/// name, and a fix that named it would help nobody.
fn forgotten(
    world: &World,
    endpoint: &'static Endpoint,
    input: Value,
    first: &[Permission],
) -> Option<String> {
    let again = endpoint.permissions(world.installation(), &world.administrator, input).unwrap_or_default();
    let resources = |it: &[Permission]| it.iter().map(|it| it.resource.clone()).collect::<Vec<_>>();
    let changing = resources(first).into_iter().find(|it| !resources(&again).contains(it))?;
    Some(format!("{endpoint:?} asks about {changing}, which the next call would not"))
}

impl Operation {
    /// Adds the checks of one sample.
    fn note(&mut self, permissions: &[Permission], first: bool) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for permission in permissions {
            let form = form(permission)?;
            let known = self.asks.iter().find(|(_, ask)| ask.form == form).map(|(at, _)| *at);
            let at = known.unwrap_or(self.asks.len());
            let ask = self.asks.entry(at).or_insert(Ask { form, keys: BTreeSet::new(), always: first });
            ask.keys.extend(keys(permission));
            seen.insert(at);
        }
        for (at, ask) in &mut self.asks {
            ask.always &= seen.contains(at);
        }
        Ok(())
    }
}

/// The smallest input, and the smallest with one further member.
fn inputs(endpoint: &Endpoint) -> Vec<Structure> {
    let (service, operation) = (endpoint.service.name, endpoint.schema.name);
    let Kind::Structure { members } = &endpoint.schema.input.kind else { return Vec::new() };
    let base = smallest(service, operation, members);
    let mut inputs = vec![base.clone()];
    for member in members.iter().filter(|member| base.get(member.name).is_none()) {
        let mut input = base.clone();
        input.push(member.name, member_value(service, operation, member));
        inputs.push(input);
    }
    inputs
}
