//! Parameter policies: when a parameter expires, and when somebody is told (User Guide, "Assigning parameter policies").
//! Notifications go to EventBridge, which is not here: their policies are kept and shown, and nobody is told.

use landfall_api::ssm::error;
use landfall_base::Timestamp;
use landfall_shape::ServiceError;
use serde_json::Value;

use super::record::Policy;

const MOST: usize = 10;
const EXPIRATION: &str = "Expiration";

/// Reads the policies of a request. `[{}]` stands for none.
///
/// # Errors
/// `InvalidPolicyTypeException`, `InvalidPolicyAttributeException`, `IncompatiblePolicyException`,
/// `PoliciesLimitExceededException`
pub(super) fn parse(text: &str, now: Timestamp) -> Result<Vec<Policy>, ServiceError> {
    let policies: Vec<Value> = match serde_json::from_str(text) {
        Ok(Value::Array(policies)) => policies,
        _ => return Err(invalid_attribute()),
    };
    if policies.len() > MOST {
        return Err(error::policies_limit_exceeded_exception(
            "You specified more than the maximum number of allowed policies for the parameter. The maximum is 10.",
        ));
    }
    let given = policies.iter().filter(|policy| policy.as_object().is_none_or(|it| !it.is_empty()));
    let parsed = given.map(|policy| read(policy, now)).collect::<Result<Vec<_>, _>>()?;
    if parsed.iter().filter(|policy| policy.kind == EXPIRATION).count() > 1 {
        return Err(error::incompatible_policy_exception(
            "There is a conflict in the policies specified for this parameter. You can't, for example, specify two \
             Expiration policies for a parameter. Review your policies, and try again.",
        ));
    }
    Ok(parsed)
}

fn read(policy: &Value, now: Timestamp) -> Result<Policy, ServiceError> {
    let kind = policy.get("Type").and_then(Value::as_str).unwrap_or_default();
    let attributes = policy.get("Attributes");
    let attribute = |name: &str| attributes.and_then(|it| it.get(name)).and_then(Value::as_str);
    let valid = match kind {
        EXPIRATION => attribute("Timestamp").and_then(Timestamp::parse_iso8601).is_some_and(|at| at > now),
        "ExpirationNotification" => is_span(attribute("Before"), attribute("Unit")),
        "NoChangeNotification" => is_span(attribute("After"), attribute("Unit")),
        _ => {
            return Err(error::invalid_policy_type_exception(
                "The policy type isn't supported. Parameter Store supports the following policy types: Expiration, \
                 ExpirationNotification, and NoChangeNotification.",
            ));
        }
    };
    if !valid {
        return Err(invalid_attribute());
    }
    Ok(Policy { kind: kind.to_owned(), text: policy.to_string() })
}

fn is_span(number: Option<&str>, unit: Option<&str>) -> bool {
    number.is_some_and(|number| number.parse::<u32>().is_ok_and(|number| number > 0))
        && unit.is_some_and(|unit| matches!(unit, "Days" | "Hours"))
}

fn invalid_attribute() -> ServiceError {
    error::invalid_policy_attribute_exception("A policy attribute or its value is invalid.")
}

/// When the policies let the parameter expire.
pub(super) fn expires_at(policies: &[Policy]) -> Option<Timestamp> {
    let policy = policies.iter().find(|policy| policy.kind == EXPIRATION)?;
    let json: Value = serde_json::from_str(&policy.text).ok()?;
    Timestamp::parse_iso8601(json.get("Attributes")?.get("Timestamp")?.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::START;

    const LATER: &str =
        r#"{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2026-12-02T21:34:33.000Z"}}"#;

    fn code(text: &str) -> Option<&'static str> {
        parse(text, START).err().map(|error| error.code)
    }

    #[test]
    fn policies_are_checked() {
        let past = LATER.replace("2026", "2018");
        let notice =
            r#"{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"20","Unit":"Days"}}"#;
        let cases = [
            (format!("[{LATER},{notice}]"), None),
            ("[{}]".to_owned(), None),
            (format!("[{past}]"), Some("InvalidPolicyAttributeException")),
            (format!("[{LATER},{LATER}]"), Some("IncompatiblePolicyException")),
            (format!("[{}]", notice.replace("Days", "Weeks")), Some("InvalidPolicyAttributeException")),
            (r#"[{"Type":"Other"}]"#.to_owned(), Some("InvalidPolicyTypeException")),
            ("x".to_owned(), Some("InvalidPolicyAttributeException")),
            (format!("[{}]", [notice; 11].join(",")), Some("PoliciesLimitExceededException")),
        ];
        for (text, wanted) in cases {
            assert_eq!(code(&text), wanted, "{text}");
        }
    }

    #[test]
    fn the_end_is_read_back() {
        let policies = parse(&format!("[{LATER}]"), START).unwrap();
        assert_eq!(expires_at(&policies), Timestamp::parse_iso8601("2026-12-02T21:34:33Z"));
        assert_eq!(expires_at(&[]), None);
    }
}
