//! Tables of what is decided when.

use super::*;
use crate::lightsail::record::Puller;
use crate::lightsail::rules::power::Power;

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

fn ago(seconds: i64) -> Timestamp {
    NOW.plus_seconds(-seconds)
}

fn service(current: Option<u32>, next: Option<u32>) -> Service {
    Service {
        arn: "arn:aws:lightsail:us-east-1:111122223333:ContainerService/x".parse().unwrap(),
        created_at: ago(1000),
        power: Power::Nano,
        scale: 2,
        disabled: false,
        tags: Vec::new(),
        domain_names: Vec::new(),
        host: "web.abc".to_owned(),
        principal_arn: String::new(),
        puller: Puller::default(),
        change: Change::None,
        last_version: next.or(current).unwrap_or(0),
        current,
        next,
        generation: 1,
        nodes_started: 0,
        node_ended_at: None,
        activating_since: None,
    }
}

fn node(id: &str, version: u32, life: Life, health: Health) -> NodeFacts {
    NodeFacts {
        id: id.to_owned(),
        version,
        generation: 1,
        started_at: ago(100),
        role: "base".to_owned(),
        gone: matches!(life, Life::Ended(_)),
        life,
        health,
        draining_since: None,
        stopping: false,
        in_flight: 0,
    }
}

fn healthy(id: &str, version: u32) -> NodeFacts {
    node(id, version, Life::Running(ago(100)), Health::Healthy)
}

fn decided(service: &Service, nodes: Vec<NodeFacts>) -> Vec<Action> {
    decide(service, &Facts { nodes, current_has_endpoint: true, next_has_endpoint: true }, NOW)
}

fn id(text: &str) -> String {
    text.to_owned()
}

#[test]
fn a_deployment_starts_its_nodes_waits_for_their_health_and_takes_over() {
    let first = service(None, Some(1));
    assert_eq!(decided(&first, vec![]), [Action::StartNode(1), Action::StartNode(1)]);
    let starting = node("b", 1, Life::Starting, Health::Unknown);
    assert_eq!(decided(&first, vec![healthy("a", 1), starting]), []);
    let ready = || vec![healthy("a", 1), healthy("b", 1)];
    let mut first = first;
    assert_eq!(decided(&first, ready()), [Action::BeginActivating]);
    first.activating_since = Some(ago(0));
    assert_eq!(decided(&first, ready()), [], "clients see that stage, too");
    first.activating_since = Some(ago(2));
    assert_eq!(decided(&first, ready()), [Action::Activate(1)]);
    let lost = vec![healthy("a", 1), node("b", 1, Life::Running(ago(5)), Health::Unhealthy)];
    assert_eq!(decided(&first, lost), [], "not while one of them is not healthy");

    // The serving one is left alone until then, and taken out afterwards.
    let second = service(Some(1), Some(2));
    let old = || vec![healthy("a", 1), healthy("b", 1)];
    assert_eq!(decided(&second, old()), [Action::StartNode(2), Action::StartNode(2)]);
    let after = service(Some(2), None);
    let all = [old(), vec![healthy("c", 2), healthy("d", 2)]].concat();
    assert_eq!(decided(&after, all), [Action::DrainNode(id("a")), Action::DrainNode(id("b"))]);
}

#[test]
fn without_a_health_check_a_node_has_to_stay() {
    let it = service(Some(1), Some(2));
    for (seconds, expected) in [(1, vec![]), (4, vec![]), (5, vec![Action::BeginActivating])] {
        let new = |name| node(name, 2, Life::Running(ago(seconds)), Health::Unknown);
        let nodes = vec![healthy("a", 1), healthy("b", 1), new("c"), new("d")];
        let facts = Facts { nodes, current_has_endpoint: false, next_has_endpoint: false };
        assert_eq!(decide(&it, &facts, NOW), expected, "{seconds}");
    }
}

#[test]
fn a_node_that_was_taken_out_ends_once_it_has_nothing_to_do() {
    let it = service(Some(2), None);
    for (since, in_flight, ends) in [(1, 0, false), (3, 0, true), (3, 1, false), (61, 1, true)] {
        let mut old = healthy("a", 1);
        (old.draining_since, old.in_flight) = (Some(ago(since)), in_flight);
        let expected = if ends { vec![Action::StopNode(id("a"))] } else { vec![] };
        let nodes = vec![healthy("c", 2), healthy("d", 2), old];
        assert_eq!(decided(&it, nodes), expected, "{since} {in_flight}");
    }
}

#[test]
fn a_deployment_fails_of_a_node_that_ends_or_stays_unhealthy() {
    let it = service(Some(1), Some(2));
    let serving = || vec![healthy("a", 1), healthy("b", 1)];
    let fails = |reason: &str| vec![Action::Fail(2, reason.to_owned(), Some(id("c")))];
    let health = "The health check of the public endpoint failed.";
    for (life, state, expected) in [
        (Life::Ended(id("gone")), Health::Unknown, fails("gone")),
        (Life::Running(ago(55)), Health::Unhealthy, vec![Action::StartNode(2)]),
        (Life::Running(ago(65)), Health::Unhealthy, fails(health)),
        (Life::Running(ago(601)), Health::Unknown, fails("Took too long.")),
    ] {
        let nodes = [serving(), vec![node("c", 2, life.clone(), state)]].concat();
        assert_eq!(decided(&it, nodes), expected, "{life:?} {state:?}");
    }
    for (started, expected) in [(1799, vec![Action::StartNode(2)]), (1801, fails("Took too long."))] {
        let slow = node("c", 2, Life::Starting, Health::Unknown);
        let slow = NodeFacts { started_at: ago(started), ..slow };
        assert_eq!(decided(&it, [serving(), vec![slow]].concat()), expected, "{started}");
    }
    // What is left of it goes, the serving one stays.
    let after = service(Some(1), None);
    let left = node("c", 2, Life::Running(ago(65)), Health::Unhealthy);
    assert_eq!(decided(&after, [serving(), vec![left]].concat()), [Action::DrainNode(id("c"))]);
}

#[test]
fn the_scale_is_kept() {
    let mut it = service(Some(1), None);
    let over = node("b", 1, Life::Ended(id("exit")), Health::Unknown);
    let with_over = || vec![healthy("a", 1), over.clone()];
    assert_eq!(decided(&it, with_over()), [Action::StartNode(1), Action::ForgetNode(id("b"))]);
    it.node_ended_at = Some(ago(1));
    assert_eq!(decided(&it, with_over()), [Action::ForgetNode(id("b"))], "not at once again");
    it.scale = 1;
    assert_eq!(decided(&it, vec![healthy("a", 1), healthy("b", 1)]), [Action::DrainNode(id("b"))]);
}

#[test]
fn a_new_power_means_new_nodes_before_the_old_ones_go() {
    let mut it = service(Some(1), None);
    (it.generation, it.scale, it.change) = (2, 1, Change::Updating { since: ago(10) });
    assert_eq!(decided(&it, vec![healthy("a", 1)]), [Action::StartNode(1)]);
    let new = NodeFacts { generation: 2, ..healthy("b", 1) };
    assert_eq!(decided(&it, vec![healthy("a", 1), new.clone()]), [Action::DrainNode(id("a"))]);
    assert_eq!(decided(&it, vec![new]), [Action::FinishUpdating]);
}

#[test]
fn an_update_ends_even_if_its_nodes_cannot_be_had() {
    let mut it = service(Some(1), None);
    (it.generation, it.scale, it.change) = (2, 1, Change::Updating { since: ago(10) });
    let old = || vec![healthy("a", 1)];
    it.node_ended_at = Some(ago(11));
    assert_eq!(decided(&it, old()), [Action::StartNode(1)], "one that ended before tells nothing");
    it.node_ended_at = Some(ago(3));
    assert_eq!(decided(&it, old()), [Action::FinishUpdating]);
    it.node_ended_at = None;
    let sick = NodeFacts { generation: 2, ..node("b", 1, Life::Running(ago(10)), Health::Unhealthy) };
    let with_sick = || [old(), vec![sick.clone()]].concat();
    assert_eq!(decided(&it, with_sick()), []);
    it.change = Change::Updating { since: ago(601) };
    assert_eq!(decided(&it, with_sick()), [Action::FinishUpdating]);
}

#[test]
fn the_puller_role_comes_and_goes() {
    let mut it = service(None, None);
    it.change = Change::Updating { since: ago(10) };
    it.puller.wanted = true;
    assert_eq!(decided(&it, vec![]), [Action::MakePuller]);
    it.puller.role = Some(id("role"));
    assert_eq!(decided(&it, vec![]), [Action::FinishUpdating]);
    it.puller.wanted = false;
    assert_eq!(decided(&it, vec![]), [Action::RetirePuller]);
    it.puller = Puller { wanted: false, role: None, retired: vec![id("role")] };
    assert_eq!(decided(&it, vec![]), [Action::RemovePuller(id("role"))]);
    it.change = Change::Updating { since: ago(1) };
    it.puller.retired.clear();
    assert_eq!(decided(&it, vec![]), [], "clients see the transition");
}

#[test]
fn disabled_and_deleted_services_end_their_nodes() {
    let mut it = service(Some(1), None);
    it.disabled = true;
    assert_eq!(decided(&it, vec![healthy("a", 1)]), [Action::StopNode(id("a"))]);
    it.change = Change::Deleting;
    assert_eq!(decided(&it, vec![healthy("a", 1)]), [Action::StopNode(id("a"))]);
    let over = node("a", 1, Life::Ended(id("stopped")), Health::Unknown);
    let ending = NodeFacts { gone: false, ..over.clone() };
    assert_eq!(decided(&it, vec![ending]), [], "not before it is cleaned up");
    assert_eq!(decided(&it, vec![over]), [Action::ForgetNode(id("a"))]);
    assert_eq!(decided(&it, vec![]), [Action::Remove]);
    it.puller.role = Some(id("role"));
    assert_eq!(decided(&it, vec![]), [Action::RetirePuller]);
}

#[test]
fn an_unhealthy_node_of_the_serving_deployment_is_replaced_one_at_a_time() {
    let it = service(Some(1), None);
    let sick = |name| node(name, 1, Life::Running(ago(100)), Health::Unhealthy);
    assert_eq!(decided(&it, vec![sick("a"), sick("b")]), [Action::DrainNode(id("a"))]);
}
