//! Random cases: a caller, a request, and layers of policies made from pieces that nearly fit it, so that every rule
//! decides now and then. The same seed gives the same cases.

mod random;
mod statement;
mod world;

use serde_json::{Map, Value, json};

pub(crate) use random::Random;
use world::World;

/// How much of the language a case may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of it.
    Everything,
    /// What the outside judge claims to support.
    OutsideJudge,
}

/// The case of a seed.
pub(crate) fn case(seed: u64, scope: Scope) -> Value {
    let mut random = Random::new(seed);
    let world = World::new(&mut random, scope);
    let policies = Maker { random: &mut random, world: &world }.policies();
    json!({"id": format!("{seed}"), "request": world.request(), "policies": policies})
}

pub(crate) struct Maker<'a> {
    pub(crate) random: &'a mut Random,
    pub(crate) world: &'a World,
}

impl Maker<'_> {
    fn policies(&mut self) -> Value {
        let mut policies = Map::new();
        let inside = self.world.scope == Scope::Everything;
        let count = 1 + self.random.below(3);
        policies.insert("identity".into(), (0..count).map(|_| self.document(false)).collect());
        for (name, percent) in [("boundary", 25), ("session", 25)] {
            let fits = name == "boundary" && self.world.may_have_boundary() || self.world.may_have_session();
            if fits && self.random.chance(percent) {
                policies.insert(name.into(), self.wide(false));
            }
        }
        if self.random.chance(match (self.world.needs_resource_policy(), inside) {
            (true, true) => 95,
            (true, false) => 100,
            (false, _) => 50,
        }) {
            policies.insert("resource".into(), self.resource_document());
        }
        for (name, with_principal) in [("scp", false), ("rcp", true)] {
            if self.random.chance(20) && (inside || self.world.has_control_policies(name)) {
                policies.insert(name.into(), self.levels(with_principal));
            }
        }
        if self.random.chance(15) {
            policies.insert("vpce".into(), self.endpoint_document());
        }
        if inside && self.world.is_kms() && self.random.chance(40) {
            policies.insert("grants".into(), self.grants());
        }
        policies.into()
    }

    fn levels(&mut self, with_principal: bool) -> Value {
        let level = |it: &mut Self| {
            if with_principal { json!([it.denials()]) } else { json!([it.wide(false)]) }
        };
        (0..1 + self.random.below(2)).map(|_| level(self)).collect()
    }

    /// A resource control policy: nothing but denials.
    fn denials(&mut self) -> Value {
        let mut statement = self.statement(true);
        statement["Effect"] = json!("Deny");
        if self.world.scope == Scope::OutsideJudge {
            self.world.fit_to_resource_control(&mut statement);
        }
        self.wrap(vec![statement])
    }

    /// A document that mostly allows everything, so that other layers get to decide.
    fn wide(&mut self, with_principal: bool) -> Value {
        let mut document = self.document(with_principal);
        if self.random.chance(60) {
            let mut all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
            if with_principal {
                all["Principal"] = json!("*");
            }
            document["Statement"].as_array_mut().unwrap().push(all);
        }
        document
    }

    fn resource_document(&mut self) -> Value {
        let mut document = self.document(true);
        for statement in document["Statement"].as_array_mut().unwrap() {
            self.world.fit_to_resource(statement);
        }
        document
    }

    fn endpoint_document(&mut self) -> Value {
        let mut document = self.wide(true);
        if self.world.scope == Scope::OutsideJudge {
            for statement in document["Statement"].as_array_mut().unwrap() {
                statement["Principal"] = json!("*");
            }
        }
        document
    }

    fn document(&mut self, with_principal: bool) -> Value {
        let many = self.world.scope == Scope::Everything && self.random.chance(25);
        let count = if many { 7 + self.random.below(12) } else { 1 + self.random.below(4) };
        let mut statements: Vec<_> = (0..count).map(|_| self.statement(with_principal)).collect();
        if many {
            // Otherwise something always denies.
            for statement in &mut statements {
                if self.random.chance(70) {
                    statement["Effect"] = json!("Allow");
                }
            }
        }
        self.wrap(statements)
    }

    fn wrap(&mut self, statements: Vec<Value>) -> Value {
        let mut document = json!({"Version": "2012-10-17", "Statement": statements});
        if self.world.scope == Scope::Everything && self.random.chance(8) {
            document["Version"] = json!("2008-10-17");
        }
        document
    }

    fn grants(&mut self) -> Value {
        let one = |it: &mut Self| {
            let grantee = it.world.some_name(it.random);
            let operations = ["Decrypt", "Encrypt", "DescribeKey", "CreateGrant"];
            let mut grant =
                json!({"grantee": grantee, "operations": [it.random.pick(&operations), "Decrypt"]});
            if it.random.chance(50) {
                let kind = it.random.pick(&["EncryptionContextEquals", "EncryptionContextSubset"]);
                grant["constraints"] = json!({ kind: {"tenant": it.random.pick(&["a", "b"])}});
            }
            grant
        };
        (0..1 + self.random.below(2)).map(|_| one(self)).collect()
    }
}
