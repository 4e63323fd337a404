//! Availability Zones: three in every Region, `a` to `c`.

use landfall_base::Region;

/// The letters of the zones.
const LETTERS: [char; 3] = ['a', 'b', 'c'];

/// The names of a Region's zones: `us-east-1a`.
pub(super) fn names(region: &Region) -> impl Iterator<Item = String> {
    LETTERS.iter().map(move |letter| format!("{region}{letter}"))
}

/// The id of a zone, `use1-az1` for `us-east-1a`.
pub(super) fn id(region: &Region, name: &str) -> String {
    let letter = name.strip_prefix(region.as_str()).and_then(|rest| rest.chars().next());
    let number = letter.and_then(|letter| LETTERS.iter().position(|it| *it == letter)).unwrap_or_default();
    format!("{}-az{}", short(region.as_str()), number + 1)
}

/// The name of the zone with this id or name, if the Region has it.
pub(super) fn find(region: &Region, id_or_name: &str) -> Option<String> {
    names(region).find(|name| name == id_or_name || id(region, name) == id_or_name)
}

/// `use1` for `us-east-1`, `apse2` for `ap-southeast-2`.
fn short(region: &str) -> String {
    region.split('-').map(short_part).collect()
}

fn short_part(part: &str) -> String {
    match part {
        "gov" => "g".to_owned(),
        "northeast" => "ne".to_owned(),
        "northwest" => "nw".to_owned(),
        "southeast" => "se".to_owned(),
        "southwest" => "sw".to_owned(),
        "north" | "south" | "east" | "west" | "central" => part.chars().take(1).collect(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_as_aws_makes_them() {
        for (region, zone, expected) in [
            ("us-east-1", "us-east-1a", "use1-az1"),
            ("eu-central-1", "eu-central-1c", "euc1-az3"),
            ("ap-southeast-2", "ap-southeast-2b", "apse2-az2"),
            ("us-gov-west-1", "us-gov-west-1a", "usgw1-az1"),
        ] {
            let region: Region = region.parse().unwrap();
            assert_eq!(id(&region, zone), expected);
            assert_eq!(find(&region, expected).as_deref(), Some(zone));
        }
        assert_eq!(find(&"us-east-1".parse().unwrap(), "us-east-1q"), None);
    }
}
