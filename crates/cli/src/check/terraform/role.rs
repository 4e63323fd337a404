//! The execution role of a plan, with the policies that the plan attaches to it.

use serde_json::Value;

use super::references::{Address, referred};
use crate::check::input::Place;
use crate::check::planned::Planned;
use crate::check::role::{Policies, Role, Written};
use crate::check::unknown::Created;

/// The execution role of a task definition, if the plan creates it.
pub(super) fn execution_role(document: &Value, task: &Value, place: &Place) -> Option<Role> {
    let plan = Plan { document, resources: resources(&document["planned_values"]["root_module"]) };
    let given = &task["values"]["execution_role_arn"];
    let role = plan.of_type("aws_iam_role").filter(|role| plan.creates(role)).find(|role| {
        match (given.as_str(), role["values"]["name"].as_str()) {
            (Some(arn), Some(name)) => Created::Role.is_meant(name, arn, place),
            (Some(_), None) => false,
            (None, _) => plan.refers(task, "execution_role_arn", role),
        }
    })?;
    let address = Address::parse(address(role))?;
    let values = &role["values"];
    let name = values["name"].as_str().unwrap_or_else(|| address.in_module());
    let trust = values["assume_role_policy"].as_str().and_then(|text| serde_json::from_str(text).ok());
    Some(Role {
        name: name.to_owned(),
        written: Written::Plan { address: address.in_module().to_owned() },
        trust: trust.unwrap_or_default(),
        policies: plan.policies(role).whole(),
    })
}

/// What the plan gives to a role that there is, and takes from it.
pub(super) fn given_to(document: &Value, role: &str) -> Planned {
    let plan = Plan { document, resources: resources(&document["planned_values"]["root_module"]) };
    let mut planned = Planned::default();
    for resource in document["resource_changes"].as_array().into_iter().flatten() {
        let change = &resource["change"];
        let does = |action: &str| change["actions"].as_array().into_iter().flatten().any(|it| it == action);
        let (before, after) = (&change["before"], &change["after"]);
        let name = match resource["type"].as_str() {
            Some("aws_iam_role_policy") => "name",
            Some("aws_iam_role_policy_attachment" | "aws_iam_policy_attachment") => "policy_arn",
            _ => continue,
        };
        if (does("delete") || does("update")) && names(before, role) {
            before[name].as_str().into_iter().for_each(|it| planned.remove(it));
        }
        if !(does("create") || does("update")) || !names(after, role) {
            continue;
        }
        let called = after[name].as_str();
        match (name, called) {
            ("name", _) => planned.put(called.unwrap_or(address(resource)), text(&after["policy"])),
            (_, Some(arn)) => planned.attach(arn),
            (_, None) => {
                let meant = referred(document, address(resource), name);
                let policy = plan.one_of(&meant, &"aws_iam_policy".into());
                planned.put(policy.map_or(address(resource), address), policy.and_then(document_of));
            }
        }
    }
    planned
}

/// Whether the values of a policy or attachment name a role.
fn names(values: &Value, role: &str) -> bool {
    let all = values["roles"].as_array().into_iter().flatten().chain(values.get("role"));
    all.filter_map(Value::as_str).any(|it| it == role)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The resources of all modules.
fn resources(module: &Value) -> Vec<&Value> {
    let own = module["resources"].as_array().into_iter().flatten().filter(|it| it["mode"] != "data");
    let children = module["child_modules"].as_array().into_iter().flatten();
    own.chain(children.flat_map(resources)).collect()
}

fn address(resource: &Value) -> &str {
    resource["address"].as_str().unwrap_or_default()
}

struct Plan<'a> {
    document: &'a Value,
    resources: Vec<&'a Value>,
}

impl<'a> Plan<'a> {
    fn of_type(&self, kind: &str) -> impl Iterator<Item = &'a Value> {
        self.resources.iter().copied().filter(move |it| it["type"] == kind)
    }

    fn change(&self, resource: &Value) -> Option<&'a Value> {
        let mut changes = self.document["resource_changes"].as_array().into_iter().flatten();
        changes.find(|it| it["address"] == resource["address"]).map(|it| &it["change"])
    }

    fn creates(&self, resource: &Value) -> bool {
        let actions = self.change(resource).and_then(|it| it["actions"].as_array());
        actions.into_iter().flatten().any(|it| it == "create")
    }

    /// Whether an attribute has a value after the plan is applied alone.
    fn is_unknown(&self, resource: &Value, attribute: &str) -> bool {
        self.change(resource).is_some_and(|it| it["after_unknown"][attribute] == true)
    }

    /// Whether an attribute refers to another resource. Of several instances none can be told from the others.
    fn refers(&self, from: &Value, attribute: &str, to: &Value) -> bool {
        self.one_of(&referred(self.document, address(from), attribute), &to["type"])
            .is_some_and(|it| it["address"] == to["address"])
    }

    /// The only resource of a type that is meant.
    fn one_of(&self, meant: &[Address], kind: &Value) -> Option<&'a Value> {
        let is_meant = |it: &&&Value| {
            let address = Address::parse(address(it));
            it["type"] == *kind && address.is_some_and(|it| meant.iter().any(|meant| it.is(meant)))
        };
        let found: Vec<_> = self.resources.iter().filter(is_meant).collect();
        let [one] = found.as_slice() else { return None };
        Some(**one)
    }

    fn policies(&self, role: &Value) -> Policies {
        let values = &role["values"];
        let boundary = values["permissions_boundary"].as_str().is_some_and(|it| !it.is_empty());
        let more = boundary || self.is_unknown(role, "permissions_boundary");
        let mut all = Policies { more, ..Policies::default() };
        for block in values["inline_policy"].as_array().into_iter().flatten() {
            all.add(block["policy"].as_str().map(str::to_owned));
        }
        for arn in values["managed_policy_arns"].as_array().into_iter().flatten() {
            all.add_managed(arn.as_str());
        }
        for own in self.attached("aws_iam_role_policy", "role", role, &mut all) {
            all.add(document_of(own));
        }
        for (kind, of) in [("aws_iam_role_policy_attachment", "role"), ("aws_iam_policy_attachment", "roles")]
        {
            for attachment in self.attached(kind, of, role, &mut all) {
                match attachment["values"]["policy_arn"].as_str() {
                    Some(arn) => all.add_managed(Some(arn)),
                    None => {
                        let meant = referred(self.document, address(attachment), "policy_arn");
                        all.add(self.one_of(&meant, &"aws_iam_policy".into()).and_then(document_of));
                    }
                }
            }
        }
        all
    }

    /// The resources of a type that name the role. One of which that is not known may be the role's, too.
    fn attached(&self, kind: &str, attribute: &str, role: &Value, all: &mut Policies) -> Vec<&'a Value> {
        let name = role["values"]["name"].as_str();
        let mut found = Vec::new();
        for resource in self.of_type(kind) {
            let given = &resource["values"][attribute];
            let named = match given {
                Value::Array(names) => Some(names.iter().any(|it| name.is_some() && it.as_str() == name)),
                Value::String(given) => Some(Some(given.as_str()) == name),
                _ => None,
            };
            let meant = || referred(self.document, address(resource), attribute);
            match named {
                Some(true) => found.push(resource),
                Some(false) => {}
                None if self.refers(resource, attribute, role) => found.push(resource),
                // It is another role's, if it says so.
                None => all.more |= self.one_of(&meant(), &role["type"]).is_none(),
            }
        }
        found
    }
}

/// A policy's document, if it is known.
fn document_of(policy: &Value) -> Option<String> {
    text(&policy["values"]["policy"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROLE: &str = "aws_iam_role.exec";

    fn place() -> Place {
        Place { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() }
    }

    /// Resources with their values and what they refer to.
    fn plan(resources: &[(&str, Value, Value)]) -> Value {
        let of =
            |address: &str| json!({"address": address, "mode": "managed", "type": address.split('.').next()});
        let with = |address: &str, name: &str, value: Value| {
            let mut resource = of(address);
            resource[name] = value;
            resource
        };
        let planned: Vec<_> =
            resources.iter().map(|(it, values, _)| with(it, "values", values.clone())).collect();
        let change = |it: &str| with(it, "change", json!({"actions": ["create"], "after_unknown": {}}));
        let changes: Vec<_> = resources.iter().map(|(it, ..)| change(it)).collect();
        let configured = |(it, _, refers): &(&str, Value, Value)| {
            let expressions = refers.as_object().into_iter().flatten();
            let expressions: serde_json::Map<_, _> =
                expressions.map(|(name, to)| (name.clone(), json!({"references": to}))).collect();
            with(it, "expressions", expressions.into())
        };
        let configuration: Vec<_> = resources.iter().map(configured).collect();
        json!({"planned_values": {"root_module": {"resources": planned}}, "resource_changes": changes,
            "configuration": {"root_module": {"resources": configuration}}})
    }

    fn statement(number: i64) -> String {
        json!({"Statement": [number]}).to_string()
    }

    /// The statements of the policies of the task's role.
    fn statements(more: &[(&str, Value, Value)]) -> Option<Vec<i64>> {
        let task = (
            "aws_ecs_task_definition.app",
            json!({}),
            json!({"execution_role_arn": ["aws_iam_role.exec.arn", ROLE]}),
        );
        let mut all = vec![task, (ROLE, json!({"name": "exec", "assume_role_policy": "{}"}), json!({}))];
        all.extend(more.iter().cloned());
        let document = plan(&all);
        let task = &document["planned_values"]["root_module"]["resources"][0];
        let policies = execution_role(&document, task, &place())?.policies?;
        let number = |text: &String| serde_json::from_str::<Value>(text).ok()?["Statement"][0].as_i64();
        Some(policies.iter().filter_map(number).collect())
    }

    #[test]
    fn policies_of_the_plan_are_the_roles() {
        let own = |address: &'static str, number: i64, values: Value, refers: Value| {
            let mut values = values;
            values["policy"] = statement(number).into();
            (address, values, refers)
        };
        let by_id =
            own("aws_iam_role_policy.a", 1, json!({}), json!({"role": ["aws_iam_role.exec.id", ROLE]}));
        let by_name = own("aws_iam_role_policy.b", 2, json!({"role": "exec"}), json!({}));
        let of_other = own("aws_iam_role_policy.c", 3, json!({"role": "other"}), json!({}));
        let of_nobody = own("aws_iam_role_policy.d", 4, json!({}), json!({"role": ["local.role"]}));
        let managed = own("aws_iam_policy.m", 5, json!({"name": "m"}), json!({}));
        let attached = (
            "aws_iam_role_policy_attachment.m",
            json!({"role": "exec"}),
            json!({"policy_arn": ["aws_iam_policy.m.arn", "aws_iam_policy.m"]}),
        );
        let to_several = (
            "aws_iam_policy_attachment.m",
            json!({"roles": ["x", "exec"]}),
            json!({"policy_arn": ["aws_iam_policy.m.arn", "aws_iam_policy.m"]}),
        );
        let elsewhere = (
            "aws_iam_role_policy_attachment.x",
            json!({"role": "exec", "policy_arn": "arn:aws:iam::111122223333:policy/x"}),
            json!({}),
        );
        let open = ("aws_iam_role_policy.o", json!({"role": "exec"}), json!({}));
        for (more, expected) in [
            (vec![], None),
            (vec![by_id.clone(), by_name.clone(), of_other.clone()], Some(vec![1, 2])),
            (vec![managed.clone(), attached.clone()], Some(vec![5])),
            (vec![managed.clone(), to_several], Some(vec![5])),
            (vec![managed.clone(), by_name.clone()], Some(vec![2])),
            (vec![by_name.clone(), of_nobody], None),
            (vec![by_name.clone(), elsewhere], None),
            (vec![by_name.clone(), open], None),
            (vec![attached], None),
        ] {
            assert_eq!(statements(&more), expected, "{more:?}");
        }
    }

    #[test]
    fn a_role_that_is_there_is_the_servers() {
        let task = (
            "aws_ecs_task_definition.app",
            json!({"execution_role_arn": "arn:aws:iam::111122223333:role/exec"}),
            json!({}),
        );
        let mut document = plan(&[task, (ROLE, json!({"name": "exec"}), json!({}))]);
        let of_task = |document: &Value| {
            let task = &document["planned_values"]["root_module"]["resources"][0];
            execution_role(document, task, &place()).map(|it| it.name)
        };
        assert_eq!(of_task(&document).as_deref(), Some("exec"));
        document["resource_changes"][1]["change"]["actions"] = json!(["no-op"]);
        assert_eq!(of_task(&document), None);
    }

    #[test]
    fn what_is_given_to_a_role_that_there_is() {
        let change = |address: &str, actions: Value, before: Value, after: Value| {
            json!({"address": address, "type": address.split('.').next(), "change":
                {"actions": actions, "before": before, "after": after}})
        };
        let own = |name: &str, role: &str| json!({"name": name, "role": role, "policy": "{}"});
        let nothing = Value::Null;
        let own_policy =
            json!({"address": "aws_iam_policy.m", "type": "aws_iam_policy", "values": {"policy": "{}"}});
        let document = json!({
        "planned_values": {"root_module": {"resources": [own_policy]}},
        "configuration": {"root_module": {"resources": [{"address": "aws_iam_role_policy_attachment.own",
            "expressions": {"policy_arn": {"references": ["aws_iam_policy.m.arn", "aws_iam_policy.m"]}}}]}},
        "resource_changes": [
            change("aws_iam_role_policy.a", json!(["create"]), nothing.clone(), own("a", "exec")),
            change("aws_iam_role_policy.b", json!(["create"]), nothing.clone(), own("b", "other")),
            change("aws_iam_role_policy.c", json!(["no-op"]), own("c", "exec"), own("c", "exec")),
            change("aws_iam_role_policy.d", json!(["delete"]), own("d", "exec"), nothing.clone()),
            change("aws_iam_role_policy.e", json!(["update"]), own("e", "exec"), own("e", "exec")),
            change("aws_iam_role_policy.f", json!(["create"]), nothing.clone(), json!({"role": "exec", "policy": null})),
            change("aws_iam_role_policy_attachment.x", json!(["create"]), nothing.clone(),
                json!({"role": "exec", "policy_arn": "arn:x"})),
            change("aws_iam_role_policy_attachment.own", json!(["create"]), nothing.clone(), json!({"role": "exec"})),
            change("aws_iam_policy_attachment.y", json!(["delete"]), json!({"roles": ["exec"], "policy_arn": "arn:y"}), nothing),
        ]});
        let planned = given_to(&document, "exec");
        let told = planned
            .policies
            .iter()
            .map(|it| (it.policy_name.as_str(), it.document.is_some(), it.removed == Some(true)));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                ("a", true, false),
                ("d", false, true),
                ("e", false, true),
                ("e", true, false),
                ("arn:x", false, false),
                ("aws_iam_policy.m", true, false),
                ("arn:y", false, true),
            ]
        );
        assert_eq!(planned.open, ["aws_iam_role_policy.f"]);
    }

    #[test]
    fn references_lead_through_modules() {
        let resource = |address: &str| json!({"address": address, "mode": "managed", "type": address.split('.').rev().nth(1)});
        let with = |mut resource: Value, name: &str, value: Value| {
            resource[name] = value;
            resource
        };
        let task = with(resource("module.app.aws_ecs_task_definition.app"), "values", json!({}));
        let role = with(resource("module.iam.aws_iam_role.exec[0]"), "values", json!({"name": "exec"}));
        let policy =
            with(resource("module.iam.aws_iam_role_policy.read"), "values", json!({"policy": statement(1)}));
        let change = with(role.clone(), "change", json!({"actions": ["create"]}));
        let refers = |to: &str| json!({"references": [to]});
        let document = json!({
            "planned_values": {"root_module": {"child_modules": [
                {"resources": [task.clone()]}, {"resources": [role, policy]}]}},
            "resource_changes": [change],
            "configuration": {"root_module": {"module_calls": {
                "app": {"expressions": {"role": refers("module.iam.role_arn")}, "module": {"resources": [
                    {"address": "aws_ecs_task_definition.app", "expressions": {"execution_role_arn": refers("var.role")}}]}},
                "iam": {"module": {
                    "outputs": {"role_arn": {"expression": refers("aws_iam_role.exec[0].arn")}},
                    "resources": [{"address": "aws_iam_role_policy.read", "expressions": {"role": {"references":
                        ["aws_iam_role.exec[0].id", "aws_iam_role.exec[0]", "aws_iam_role.exec"]}}}]}}}}}});
        let role = execution_role(&document, &task, &place()).unwrap();
        assert_eq!(role.written, Written::Plan { address: "aws_iam_role.exec[0]".to_owned() });
        assert_eq!(role.policies, Some(vec![statement(1)]));
    }
}
