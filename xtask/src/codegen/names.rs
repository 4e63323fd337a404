//! Names of the models as names of Rust.

use heck::{ToShoutySnakeCase as _, ToSnakeCase as _, ToUpperCamelCase as _};

const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// A structure's or enumeration's type: the model's name, with a capital in front.
pub(super) fn type_name(shape: &str) -> String {
    let mut letters = shape.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// A member's field, or an error's function.
pub(super) fn snake_name(member: &str) -> String {
    let name = member.replace("GiB", "Gib").replace("MiB", "Mib").to_snake_case();
    if KEYWORDS.contains(&name.as_str()) { format!("r#{name}") } else { name }
}

/// A shape's or operation's static.
pub(super) fn static_name(shape: &str) -> String {
    shape.to_shouty_snake_case()
}

/// A value's variant. `Unknown` is taken by the variant for values that the model does not list.
pub(super) fn variant_name(value: &str) -> String {
    let name = camel_case(value);
    match name.as_str() {
        "Unknown" | "Self" => format!("{name}Value"),
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => format!("V{name}"),
        _ => name,
    }
}

/// Keeps an underscore between digits, without which `X86_64` is hard to recognize.
fn camel_case(value: &str) -> String {
    let mut name = String::new();
    for part in value.split('_') {
        let part = part.to_upper_camel_case();
        let digits = name.ends_with(|it: char| it.is_ascii_digit())
            && part.starts_with(|it: char| it.is_ascii_digit());
        name.push_str(if digits { "_" } else { "" });
        name.push_str(&part);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_rust() {
        assert_eq!(type_name("statusType"), "StatusType");
        assert_eq!(type_name("CPUArchitecture"), "CPUArchitecture");
        assert_eq!(snake_name("taskDefinitionArn"), "task_definition_arn");
        assert_eq!(snake_name("type"), "r#type");
        assert_eq!(static_name("roleNameType"), "ROLE_NAME_TYPE");
        assert_eq!(variant_name("FARGATE_SPOT"), "FargateSpot");
        assert_eq!(variant_name("UNKNOWN"), "UnknownValue");
        assert_eq!(snake_name("sizeInGiB"), "size_in_gib");
        assert_eq!(variant_name("X86_64"), "X86_64");
        assert_eq!(variant_name("2xlarge"), "V2xlarge");
    }
}
