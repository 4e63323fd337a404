//! Which node gets a request.

use landfall_services::lightsail::HealthBoard;
use landfall_services::lightsail::endpoint::Target;
use landfall_services::lightsail::rules::reconcile::Health;

/// The nodes that may have a request, in the order in which they should be tried: healthy ones, those with the least to do
/// first. Without any healthy one, those that nothing is known of yet: after a restart of the server the nodes that served
/// before go on serving while they are being checked.
pub(crate) fn order(targets: Vec<Target>, board: &HealthBoard, turn: usize) -> Vec<Target> {
    let of = |wanted: Health| -> Vec<Target> {
        targets.iter().filter(|target| board.health(&target.node) == wanted).cloned().collect()
    };
    let mut chosen = of(Health::Healthy);
    if chosen.is_empty() {
        chosen = of(Health::Unknown);
    }
    if !chosen.is_empty() {
        let first = turn % chosen.len();
        chosen.rotate_left(first);
    }
    // Stable: equally busy nodes stay in turn.
    chosen.sort_by_key(|target| board.in_flight(&target.node));
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(node: &str) -> Target {
        Target { node: node.to_owned(), address: "127.0.0.1:80".parse().unwrap() }
    }

    fn names(targets: &[Target]) -> Vec<&str> {
        targets.iter().map(|target| target.node.as_str()).collect()
    }

    #[test]
    fn healthy_nodes_take_turns_and_busy_ones_wait() {
        let board = HealthBoard::default();
        let all = || vec![target("a"), target("b"), target("c")];
        assert_eq!(names(&order(all(), &board, 0)), ["a", "b", "c"], "nothing is known yet");
        board.set_health("a", Health::Healthy);
        board.set_health("b", Health::Healthy);
        board.set_health("c", Health::Unhealthy);
        assert_eq!(names(&order(all(), &board, 0)), ["a", "b"]);
        assert_eq!(names(&order(all(), &board, 1)), ["b", "a"]);
        board.begin("b");
        assert_eq!(names(&order(all(), &board, 1)), ["a", "b"]);
        board.set_health("a", Health::Unhealthy);
        board.set_health("b", Health::Unhealthy);
        assert!(order(all(), &board, 0).is_empty());
    }
}
