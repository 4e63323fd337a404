//! All operations, each with sample inputs: the smallest, and the smallest with each further member in turn.

use std::collections::{BTreeMap, BTreeSet};

use landfall_services::pipe::{Endpoint, Permission};
use landfall_shape::{Kind, Structure, Value};

use crate::forms::{Form, form, keys};
use crate::samples::{TOGETHER, member_value, smallest};
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
    /// Walks every table in each world. The smallest samples are those of the first.
    pub(crate) fn of(worlds: &[World]) -> Self {
        let mut walk = Self { operations: Vec::new(), problems: Vec::new() };
        for endpoint in TABLES.iter().copied().flatten() {
            walk.add(worlds, endpoint);
        }
        walk.operations.sort_by_key(Operation::name);
        walk
    }

    fn add(&mut self, worlds: &[World], endpoint: &'static Endpoint) {
        let (mut resolved, mut later, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        let inputs = inputs(endpoint);
        for (world, input) in worlds.iter().flat_map(|world| inputs.iter().map(move |input| (world, input))) {
            let input = world.fill(Value::Structure(input.clone()));
            let (installation, caller) = (world.installation(), &world.administrator);
            match endpoint.permissions(installation, caller, input.clone()) {
                Ok(permissions) => {
                    later.extend(endpoint.later_permissions(installation, caller, input.clone()).unwrap());
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
        if let Err(problem) = operation.note_later(&later) {
            self.problems.push(format!("{name}: {problem}"));
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
            seen.insert(self.add(permission, first)?);
        }
        for (at, ask) in &mut self.asks {
            ask.always &= seen.contains(at);
        }
        Ok(())
    }

    /// Adds the checks in the middle of the work: there may be nothing to make them for.
    fn note_later(&mut self, permissions: &[Permission]) -> Result<(), String> {
        permissions.iter().try_for_each(|permission| self.add(permission, false).map(drop))
    }

    /// Adds a check; its place.
    fn add(&mut self, permission: &Permission, always: bool) -> Result<usize, String> {
        let form = form(permission)?;
        let known = self.asks.iter().find(|(_, ask)| ask.form == form).map(|(at, _)| *at);
        let at = known.unwrap_or(self.asks.len());
        let ask = self.asks.entry(at).or_insert(Ask { form, keys: BTreeSet::new(), always });
        ask.keys.extend(keys(permission));
        Ok(at)
    }
}

/// The smallest input, the smallest with one further member, and those with members that mean something only together.
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
    let name = format!("{service}:{operation}");
    for (_, left_out, together) in TOGETHER.iter().filter(|(of, ..)| *of == name) {
        let mut input = Structure::new();
        let kept = base.iter().filter(|(member, _)| !left_out.contains(member));
        kept.for_each(|(member, value)| input.push(member, value.clone()));
        let added = members.iter().filter(|member| together.contains(&member.name));
        added.for_each(|member| input.push(member.name, member_value(service, operation, member)));
        inputs.push(input);
    }
    inputs
}
