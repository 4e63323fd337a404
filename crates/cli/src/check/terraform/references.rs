//! What an expression of a plan refers to. The values of a plan have no value for what is known only after it is applied; its
//! configuration says where that comes from.

use serde_json::Value;

/// Most modules that a reference is followed through.
const DEEPEST: usize = 20;

/// The address of a resource: its modules and itself, each with its instance key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    modules: Vec<String>,
    resource: String,
}

impl Address {
    /// `module.a["k"].module.b.type.name[0]`. Keys with dots in them are not understood.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let mut modules = Vec::new();
        loop {
            let kind = parts.next()?;
            let name = parts.next()?;
            match kind {
                "module" => modules.push(name.to_owned()),
                kind => {
                    let whole = parts.next().is_none();
                    return whole.then(|| Self { modules, resource: format!("{kind}.{name}") });
                }
            }
        }
    }

    /// As its own module calls it.
    pub(super) fn in_module(&self) -> &str {
        &self.resource
    }

    /// Whether this is `other`, or an instance of it.
    pub(super) fn is(&self, other: &Self) -> bool {
        let same = self.resource == other.resource || without_key(&self.resource) == other.resource;
        same && self.modules == other.modules
    }
}

fn without_key(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

/// The resources that an attribute of a resource refers to.
pub(super) fn referred(document: &Value, from: &str, attribute: &str) -> Vec<Address> {
    let Some(from) = Address::parse(from) else { return Vec::new() };
    let Some(module) = module_of(document, &from.modules) else { return Vec::new() };
    let mut resources = module["resources"].as_array().into_iter().flatten();
    let Some(resource) = resources.find(|it| it["address"] == without_key(&from.resource)) else {
        return Vec::new();
    };
    follow(document, &from.modules, &resource["expressions"][attribute], DEEPEST)
}

fn module_of<'a>(document: &'a Value, modules: &[String]) -> Option<&'a Value> {
    modules.iter().try_fold(&document["configuration"]["root_module"], |module, name| {
        module["module_calls"][without_key(name)].get("module")
    })
}

fn follow(document: &Value, modules: &[String], expression: &Value, depth: usize) -> Vec<Address> {
    let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
    let references = expression["references"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut found: Vec<Address> = Vec::new();
    for reference in references {
        for address in one(document, modules, reference, depth) {
            if !found.contains(&address) {
                found.push(address);
            }
        }
    }
    // A plan names the resource beside an instance of it.
    let all = found.clone();
    found.retain(|it| !all.iter().any(|other| other != it && other.is(it)));
    found
}

/// A reference: `aws_iam_role.exec.arn`, `var.role`, `module.iam.role_arn`.
fn one(document: &Value, modules: &[String], reference: &str, depth: usize) -> Vec<Address> {
    let parts: Vec<&str> = reference.split('.').collect();
    match parts.as_slice() {
        ["var", name, ..] => {
            let Some((own, outer)) = modules.split_last() else { return Vec::new() };
            let Some(module) = module_of(document, outer) else { return Vec::new() };
            let call = &module["module_calls"][without_key(own)];
            follow(document, outer, &call["expressions"][without_key(name)], depth)
        }
        ["module", name, output, ..] => {
            let inner = [modules, &[(*name).to_owned()]].concat();
            let Some(module) = module_of(document, &inner) else { return Vec::new() };
            let output = &module["outputs"][without_key(output)];
            follow(document, &inner, &output["expression"], depth)
        }
        [kind, name, ..] if kind.starts_with("aws_") => {
            vec![Address { modules: modules.to_vec(), resource: format!("{kind}.{name}") }]
        }
        _ => Vec::new(),
    }
}
