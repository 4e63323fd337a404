//! Task definitions in a CloudFormation template, with references and functions worked out as far as a file allows. What
//! depends on the cloud stays as it is written and is told.

mod role;

use std::collections::{BTreeMap, BTreeSet};

use landfall_api::ecs::RegisterTaskDefinition;
use landfall_shape::Operation as _;
use serde_json::{Map, Value};

use self::role::{execution_role, given_to};
use super::input::{Found, Kind, Place};
use super::planned::Planned;
use super::shape::fit;
use super::unknown::{Created, Creates, without_holes};

/// Deepest nesting of functions that is followed.
const DEEPEST: usize = 40;

const TASK_DEFINITION: &str = "AWS::ECS::TaskDefinition";
const MANAGED_POLICY: &str = "AWS::IAM::ManagedPolicy";

/// The task definitions of a template.
pub(super) fn task_definitions(
    template: &Value,
    given: &BTreeMap<String, String>,
    place: &Place,
) -> Vec<Found> {
    let resources = template["Resources"].as_object().cloned().unwrap_or_default();
    let creates = Creates { file: "template", resources: created(template, given, place), place };
    let mut out = Vec::new();
    for (id, resource) in &resources {
        if resource["Type"] != TASK_DEFINITION {
            continue;
        }
        let mut solver = Solver { template, given, place, open: Vec::new() };
        if resource["Condition"].as_str().is_some_and(|it| !solver.condition(it, DEEPEST)) {
            continue;
        }
        let properties = solver.solve(&resource["Properties"], DEEPEST).unwrap_or_default();
        let mut members = fit(RegisterTaskDefinition::SCHEMA.input, properties);
        if let Value::Object(members) = &mut members {
            members.entry("family").or_insert_with(|| id.clone().into());
            members.remove("Tags");
            members.remove("tags");
        }
        let mut unknown = BTreeSet::new();
        if !solver.open.is_empty() {
            members = without_holes(members, &mut unknown);
        }
        let mut found = Found {
            kind: Kind::TaskDefinition,
            name: id.clone(),
            definition: members,
            open: solver.open,
            unknown,
            role: None,
            planned: Planned::default(),
        };
        found.role = execution_role(template, given, place, &found);
        creates.settle(&mut found);
        if let Some(name) = found.existing_role(place) {
            found.planned = given_to(template, given, place, name);
        }
        out.push(found);
    }
    out
}

/// Whether there are task definitions, deployed or not.
pub(super) fn has_task_definitions(template: &Value) -> bool {
    let mut resources = template["Resources"].as_object().into_iter().flatten();
    resources.any(|(_, resource)| resource["Type"] == TASK_DEFINITION)
}

/// What the template itself creates, under the names that it will have.
fn created(template: &Value, given: &BTreeMap<String, String>, place: &Place) -> Vec<(Created, String)> {
    let mut solver = Solver { template, given, place, open: Vec::new() };
    let mut out = Vec::new();
    for (id, resource) in template["Resources"].as_object().into_iter().flatten() {
        let Some(kind) = resource["Type"].as_str().and_then(Created::of_type) else { continue };
        if resource["Condition"].as_str().is_none_or(|it| solver.condition(it, DEEPEST)) {
            out.push((kind, solver.name_of(id, kind.property(), DEEPEST)));
        }
    }
    out
}

struct Solver<'a> {
    template: &'a Value,
    given: &'a BTreeMap<String, String>,
    place: &'a Place,
    /// What could not be worked out.
    open: Vec<String>,
}

impl Solver<'_> {
    /// A value with its functions applied; `None` is `AWS::NoValue`.
    fn solve(&mut self, value: &Value, depth: usize) -> Option<Value> {
        let Some(depth) = depth.checked_sub(1) else {
            self.open.push("functions are nested too deeply".to_owned());
            return None;
        };
        match value {
            Value::Array(items) => {
                Some(items.iter().filter_map(|item| self.solve(item, depth)).collect::<Vec<_>>().into())
            }
            Value::Object(members) => match single(members) {
                Some((name, argument)) if name == "Ref" || name.starts_with("Fn::") => {
                    self.call(name, argument, depth)
                }
                _ => {
                    let solved = members
                        .iter()
                        .filter_map(|(name, value)| Some((name.clone(), self.solve(value, depth)?)));
                    Some(solved.collect::<Map<_, _>>().into())
                }
            },
            Value::String(text) => Some(self.without_references(text).into()),
            other => Some(other.clone()),
        }
    }

    /// Text with a hole for each dynamic reference (`{{resolve:service:name}}`): CloudFormation looks it up when it deploys.
    fn without_references(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{resolve:")
            && let Some((reference, behind)) = after.split_once("}}")
        {
            self.open.push(format!("`{{{{resolve:{reference}}}}}` is not known before deployment"));
            out.push_str(&format!("{before}${{resolve:{reference}}}"));
            rest = behind;
        }
        out + rest
    }

    fn call(&mut self, name: &str, argument: &Value, depth: usize) -> Option<Value> {
        match name {
            "Ref" => self.reference(argument.as_str().unwrap_or_default(), depth),
            "Fn::GetAtt" => Some(self.attribute(argument)),
            "Fn::Sub" => Some(self.substitute(argument, depth)),
            "Fn::Join" => Some(self.join(argument, depth)),
            "Fn::Select" => self.select(argument, depth),
            "Fn::Split" => Some(self.split(argument, depth)),
            "Fn::If" => {
                let chosen =
                    if self.condition(argument[0].as_str().unwrap_or_default(), depth) { 1 } else { 2 };
                self.solve(&argument[chosen], depth)
            }
            "Fn::FindInMap" => Some(self.find_in_map(argument, depth)),
            other => {
                self.open.push(format!("`{other}` is not known before deployment"));
                Some(Value::String(format!("${{{other}}}")))
            }
        }
    }

    fn reference(&mut self, name: &str, depth: usize) -> Option<Value> {
        if name == "AWS::NoValue" {
            return None;
        }
        if let Some(value) = self.pseudo(name) {
            return Some(value.into());
        }
        if let Some(value) = self.given.get(name) {
            return Some(value.clone().into());
        }
        let parameter = &self.template["Parameters"][name];
        if let Some(default) = parameter.get("Default") {
            return Some(default.clone());
        }
        if !self.template["Resources"][name].is_null() {
            return Some(self.identity(name, depth));
        }
        self.open.push(format!("`{name}` has no value: give `--parameter {name}=VALUE`"));
        Some(format!("${{{name}}}").into())
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        Some(match name {
            "AWS::AccountId" => self.place.account.clone(),
            "AWS::Region" => self.place.region.clone(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackName" => "stack".to_owned(),
            _ => return None,
        })
    }

    /// The name a resource of the template will have: the one it is given, or its logical id.
    fn name_of(&mut self, id: &str, member: &str, depth: usize) -> String {
        self.name_or(id, member, id, depth)
    }

    fn name_or(&mut self, id: &str, member: &str, default: &str, depth: usize) -> String {
        let property = self.template["Resources"][id]["Properties"][member].clone();
        match self.solve(&property, depth) {
            Some(Value::String(name)) => name,
            _ => default.to_owned(),
        }
    }

    /// What `Ref` gives for a resource.
    fn identity(&mut self, id: &str, depth: usize) -> Value {
        let kind = self.template["Resources"][id]["Type"].as_str().unwrap_or_default().to_owned();
        match kind.as_str() {
            "AWS::SecretsManager::Secret" | MANAGED_POLICY => self.arn_of(id, &kind, depth).into(),
            "AWS::IAM::Role" => self.name_of(id, "RoleName", depth).into(),
            "AWS::SSM::Parameter" => self.name_of(id, "Name", depth).into(),
            "AWS::Logs::LogGroup" => self.name_of(id, "LogGroupName", depth).into(),
            "AWS::ECR::Repository" => self.name_of(id, "RepositoryName", depth).into(),
            "AWS::S3::Bucket" => self.name_of(id, "BucketName", depth).into(),
            _ => id.into(),
        }
    }

    fn arn_of(&mut self, id: &str, kind: &str, depth: usize) -> String {
        let Place { account, region } = self.place;
        match kind {
            "AWS::SecretsManager::Secret" => {
                format!(
                    "arn:aws:secretsmanager:{region}:{account}:secret:{}",
                    self.name_of(id, "Name", depth)
                )
            }
            "AWS::IAM::Role" => {
                format!("arn:aws:iam::{account}:role/{}", self.name_of(id, "RoleName", depth))
            }
            MANAGED_POLICY => {
                let path = self.name_or(id, "Path", "/", depth);
                let name = self.name_of(id, "ManagedPolicyName", depth);
                format!("arn:aws:iam::{account}:policy{path}{name}")
            }
            "AWS::Logs::LogGroup" => {
                format!(
                    "arn:aws:logs:{region}:{account}:log-group:{}:*",
                    self.name_of(id, "LogGroupName", depth)
                )
            }
            "AWS::ECR::Repository" => {
                format!(
                    "arn:aws:ecr:{region}:{account}:repository/{}",
                    self.name_of(id, "RepositoryName", depth)
                )
            }
            "AWS::S3::Bucket" => format!("arn:aws:s3:::{}", self.name_of(id, "BucketName", depth)),
            _ => String::new(),
        }
    }

    fn attribute(&mut self, argument: &Value) -> Value {
        let (id, attribute) = match argument {
            Value::String(path) => path.split_once('.').unwrap_or((path, "")),
            path => (path[0].as_str().unwrap_or_default(), path[1].as_str().unwrap_or_default()),
        };
        let kind = self.template["Resources"][id]["Type"].as_str().unwrap_or_default().to_owned();
        let value = match attribute {
            "Arn" | "Id" | "PolicyArn" => self.arn_of(id, &kind, DEEPEST),
            "RepositoryUri" => {
                let Place { account, region } = self.place;
                format!(
                    "{account}.dkr.ecr.{region}.amazonaws.com/{}",
                    self.name_of(id, "RepositoryName", DEEPEST)
                )
            }
            _ => String::new(),
        };
        if value.is_empty() {
            self.open.push(format!("`{id}.{attribute}` is not known before deployment"));
            return format!("${{{id}.{attribute}}}").into();
        }
        value.into()
    }

    fn substitute(&mut self, argument: &Value, depth: usize) -> Value {
        let (text, own) = match argument {
            Value::Array(both) => (both.first(), both.get(1)),
            text => (Some(text), None),
        };
        let mut rest = text.and_then(Value::as_str).unwrap_or_default();
        let mut out = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                out.push_str("${");
                rest = after;
                continue;
            };
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
                continue;
            }
            let own = own.and_then(|it| it.get(name)).cloned();
            let value = match own {
                Some(value) => self.solve(&value, depth),
                None if name.contains('.') => Some(self.attribute(&Value::from(name))),
                None => self.reference(name, depth),
            };
            out.push_str(&text_of(value.as_ref()));
        }
        out.push_str(rest);
        self.without_references(&out).into()
    }

    fn join(&mut self, argument: &Value, depth: usize) -> Value {
        let separator = argument[0].as_str().unwrap_or_default();
        let parts = self.solve(&argument[1], depth);
        let parts = parts.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let text = parts.iter().map(|part| text_of(Some(part))).collect::<Vec<_>>().join(separator);
        self.without_references(&text).into()
    }

    fn select(&mut self, argument: &Value, depth: usize) -> Option<Value> {
        let index = text_of(self.solve(&argument[0], depth).as_ref()).parse::<usize>().unwrap_or_default();
        self.solve(&argument[1], depth)?.get(index).cloned()
    }

    fn split(&mut self, argument: &Value, depth: usize) -> Value {
        let separator = argument[0].as_str().filter(|it| !it.is_empty()).unwrap_or(",").to_owned();
        let text = text_of(self.solve(&argument[1], depth).as_ref());
        text.split(&separator).map(Value::from).collect::<Vec<_>>().into()
    }

    fn find_in_map(&mut self, argument: &Value, depth: usize) -> Value {
        let keys: Vec<String> = (0..3).map(|at| text_of(self.solve(&argument[at], depth).as_ref())).collect();
        let [map, first, second] = keys.as_slice() else { return Value::Null };
        let found = &self.template["Mappings"][map.as_str()][first.as_str()][second.as_str()];
        if found.is_null() {
            self.open.push(format!("the mapping `{map}` has no `{first}.{second}`"));
        }
        found.clone()
    }

    fn condition(&mut self, name: &str, depth: usize) -> bool {
        let condition = self.template["Conditions"][name].clone();
        self.holds(&condition, depth)
    }

    fn holds(&mut self, condition: &Value, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let Some((name, argument)) = condition.as_object().and_then(single) else { return false };
        let all = argument.as_array().cloned().unwrap_or_default();
        match name {
            "Fn::Equals" => {
                let mut side = |at: usize| text_of(self.solve(&argument[at], depth).as_ref());
                side(0) == side(1)
            }
            "Fn::Not" => !self.holds(&argument[0], depth),
            "Fn::And" => all.iter().all(|it| self.holds(it, depth)),
            "Fn::Or" => all.iter().any(|it| self.holds(it, depth)),
            "Condition" => self.condition(argument.as_str().unwrap_or_default(), depth),
            _ => false,
        }
    }
}

fn single(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, value) = members.iter().next().filter(|_| members.len() == 1)?;
    Some((name, value))
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn place() -> Place {
        Place { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() }
    }

    #[test]
    fn what_is_not_deployed_and_what_deployment_looks_up() {
        let container = |secret: &str| json!([{"Name": "a", "Image": "x", "Secrets": [{"Name": "A", "ValueFrom": secret}]}]);
        let task = |condition: Value, secret: &str| {
            json!({"Type": "AWS::ECS::TaskDefinition", "Condition": condition,
                "Properties": {"ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "ContainerDefinitions": container(secret)}})
        };
        let template = json!({"Conditions": {"Yes": {"Fn::Equals": ["a", "a"]}, "No": {"Fn::Equals": ["a", "b"]}},
            "Resources": {"A": task("No".into(), "/a"), "B": task("Yes".into(), "{{resolve:ssm:/x/y:1}}"),
                "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement":
                    {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}}}}}});
        let found = task_definitions(&template, &BTreeMap::new(), &place());
        let names: Vec<_> = found.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["B"]);
        assert!(
            found[0].open.contains(&"`{{resolve:ssm:/x/y:1}}` is not known before deployment".to_owned())
        );
        assert!(!found[0].definition.to_string().contains("resolve:"), "{}", found[0].definition);
        let role = found[0].role.as_ref().unwrap();
        assert_eq!((role.name.as_str(), role.trust_finding(&place()).is_some()), ("Role", true));
        assert!(has_task_definitions(&template));
    }

    #[test]
    fn references_are_worked_out() {
        let template = super::super::yaml::read(
            r"
Parameters:
  Tag: {Type: String, Default: '1.0'}
  Stage: {Type: String}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
Resources:
  Role: {Type: 'AWS::IAM::Role', Properties: {RoleName: !Sub 'exec-${Stage}'}}
  Hub: {Type: 'AWS::SecretsManager::Secret', Properties: {Name: hub}}
  Group: {Type: 'AWS::Logs::LogGroup'}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Cpu: 256
      ExecutionRoleArn: !GetAtt Role.Arn
      ContainerDefinitions:
        - Name: app
          Image: !Sub 'registry.example.com/app:${Tag}'
          Memory: !If [Prod, '512', '256']
          RepositoryCredentials: {CredentialsParameter: !Ref Hub}
          LogConfiguration:
            LogDriver: awslogs
            Options: {awslogs-group: !Ref Group, awslogs-region: !Ref 'AWS::Region'}
          Environment:
            - {Name: A, Value: !Join ['-', [a, !Ref 'AWS::AccountId']]}
            - {Name: B, Value: !ImportValue other}
",
        )
        .unwrap();
        let given = BTreeMap::from([("Stage".to_owned(), "prod".to_owned())]);
        let found = task_definitions(&template, &given, &place());
        let expected = json!({
            "cpu": "256",
            "containerDefinitions": [{
                "name": "app", "image": "registry.example.com/app:1.0", "memory": 512,
                "repositoryCredentials": {
                    "credentialsParameter":
                        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:landfall-unknown-AAAAAA"
                },
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "landfall-unknown", "awslogs-region": "eu-west-1"}
                },
                "environment": [
                    {"name": "A", "value": "a-111122223333"}, {"name": "B", "value": "landfall-unknown"}
                ]
            }],
            "family": "Task"
        });
        assert_eq!((found.len(), &found[0].definition), (1, &expected));
        let expected = [
            "`Fn::ImportValue` is not known before deployment",
            "what the execution role may do: the role `exec-prod` is created by this template. What it would fetch was looked at with your own permissions",
            "the secret `hub` is created by this template: not looked at",
            "the log group `Group` is created by this template: not looked at",
        ];
        assert_eq!(found[0].open, expected);
        assert!(found[0].unknown.contains("executionRoleArn"));
    }

    #[test]
    fn what_has_no_value_is_told() {
        let template = json!({"Resources": {"T": {"Type": "AWS::ECS::TaskDefinition",
            "Properties": {"ExecutionRoleArn": {"Ref": "Missing"}, "TaskRoleArn": {"Ref": "AWS::NoValue"}}}}});
        let found = task_definitions(&template, &BTreeMap::new(), &place());
        assert_eq!(found[0].definition, json!({"family": "T"}));
        let expected = [
            "`Missing` has no value: give `--parameter Missing=VALUE`",
            "what the execution role may do: the execution role is not known yet. What it would fetch was looked at with your own permissions",
        ];
        assert_eq!(found[0].open, expected);
    }
}
