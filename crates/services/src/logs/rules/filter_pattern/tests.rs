//! Patterns and what they match, mostly after the examples of the user guide.

use proptest::prelude::*;

use super::*;

fn matches(pattern: &str, message: &str) -> bool {
    FilterPattern::parse(pattern).unwrap_or_else(|_| panic!("`{pattern}` is a pattern")).matches(message)
}

fn check(cases: &[(&str, &str, bool)]) {
    for (pattern, message, expected) in cases {
        assert_eq!(matches(pattern, message), *expected, "`{pattern}` on `{message}`");
    }
}

#[test]
fn terms() {
    check(&[
        ("", "anything", true),
        ("  ", "", true),
        ("ERROR", "[ERROR 400] BAD REQUEST", true),
        ("ERROR", "[error 400]", false),
        ("ERROR ARGUMENTS", "ERROR of ARGUMENTS", true),
        ("ERROR ARGUMENTS", "ERROR only", false),
        ("?ERROR ?ARGUMENTS", "ARGUMENTS only", true),
        ("?ERROR ?ARGUMENTS", "neither", false),
        ("ERROR -EXITING", "ERROR here", true),
        ("ERROR -EXITING", "ERROR: EXITING", false),
        ("-DEBUG", "INFO", true),
        ("-\"DEBUG x\"", "DEBUG x", false),
        ("ERROR ?WARN", "ERROR", true),
        ("ERROR ?WARN", "WARN", false),
        (r#""INTERNAL SERVER ERROR""#, "[500] INTERNAL SERVER ERROR!", true),
        (r#""INTERNAL SERVER ERROR""#, "INTERNAL ERROR", false),
        (r#""say \"hi\"""#, r#"they say "hi""#, true),
        (r#""a" "b""#, "a and b", true),
        ("%AUTHORIZED%", "UNAUTHORIZED REQUEST", true),
        (r"%4\d\d%", "status 404", true),
        (r"%4\d\d%", "status 500", false),
    ]);
}

#[test]
fn conditions_on_json() {
    let event = r#"{
        "eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "bandwidth": 75, "latency": 2.5e1,
        "arrayKey": ["value", "another"], "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": null, "ok": true, "bad": false, "nested": {"a key": {"n": "7"}}, "n.x": 1
    }"#;
    let cases = [
        (r#"{ $.eventType = "UpdateTrail" }"#, true),
        (r#"{$.eventType="UpdateTrail"}"#, true),
        (r#"{ $.eventType = UpdateTrail }"#, true),
        (r#"{ $.eventType = "Update*" }"#, true),
        (r#"{ $.eventType = *date* }"#, true),
        (r#"{ $.eventType != "UpdateTrail" }"#, false),
        (r#"{ $.nowhere != "UpdateTrail" }"#, false),
        ("{ $.sourceIPAddress != 123.123.* }", true),
        ("{ $.sourceIPAddress = 111.111.* }", true),
        (r#"{ $.arrayKey[0] = "value" }"#, true),
        (r#"{ $.arrayKey[1] = "value" }"#, false),
        (r#"{ $.arrayKey[*] = "another" }"#, true),
        ("{ $.objectList[1].id = 2 }", true),
        ("{ $.objectList[*].id > 1 }", true),
        ("{ $.objectList[*].id > 2 }", false),
        ("{ $.eventType = %Trail$% }", true),
        ("{ $.bandwidth > 74 }", true),
        ("{ $.bandwidth >= 75 && $.bandwidth <= 75 }", true),
        ("{ $.bandwidth < 75 }", false),
        ("{ $.bandwidth = 7.5e1 }", true),
        ("{ $.bandwidth = 7* }", true),
        ("{ $.latency = 25 }", true),
        ("{ $.SomeObject IS NULL }", true),
        ("{ $.nowhere IS NULL }", false),
        ("{ $.SomeOtherObject NOT EXISTS }", true),
        ("{ $.ok NOT EXISTS }", false),
        ("{ $.ok EXISTS }", true),
        ("{ $.ok IS TRUE }", true),
        ("{ $.bad IS FALSE && $.ok is true }", true),
        ("{ $.bad IS TRUE }", false),
        ("{ $.nested['a key'].n = 7 }", true),
        (r#"{ $.["n.x"] = 1 }"#, true),
        ("{ $.ok IS FALSE || $.ok IS TRUE && $.bandwidth = 75 }", true),
        ("{ ($.ok IS TRUE || $.bad IS TRUE) && $.bandwidth = 76 }", false),
        ("{ ($.bandwidth = 76) || (($.bandwidth = 75) && ($.ok IS TRUE)) }", true),
        ("{ $.arrayKey = value }", false),
    ];
    for (pattern, expected) in cases {
        assert_eq!(matches(pattern, event), expected, "`{pattern}`");
    }
    assert!(!matches("{ $.a = 1 }", "a = 1"));
    assert!(!matches("{ $.a NOT EXISTS }", "{ broken"));
}

#[test]
fn columns() {
    let line = r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
    let cases = [
        ("[ip, env, user, timestamp, request, status_code, bytes]", true),
        ("[ip, env, user, timestamp, request, status_code]", false),
        ("[ip, env, user, timestamp, request =*.html*, status_code = 4*, bytes]", true),
        ("[ip, ..., status_code = 404, bytes > 1000]", true),
        ("[..., bytes > 2000]", false),
        ("[ip=127.0.0.1, ...]", true),
        ("[ip!=127.0.0.1, ...]", false),
        ("[..., status_code = 4* || status_code = 5*, bytes]", true),
        ("[..., status_code=500||status_code=404, bytes]", true),
        ("[..., status_code = 4* && status_code != 404, bytes]", false),
        ("[..., (status = 404 || status = 500) && status > 403, bytes]", true),
        ("[ip, env=%Prod|Dev%, ...]", true),
        (r#"[ip, env, user, timestamp, request="GET *", ...]"#, true),
        ("[,,,,,,]", true),
        ("[...]", true),
        ("[a, ..., b, c, d, e, f, g, h]", false),
    ];
    for (pattern, expected) in cases {
        assert_eq!(matches(pattern, line), expected, "`{pattern}`");
    }
}

#[test]
fn what_is_no_pattern() {
    let wrong = [
        "\"open",
        "-",
        "?",
        "ab\"cd",
        "\"a\\",
        "{",
        "{}",
        "{ $ = 1 }",
        "{ a = 1 }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a = 1",
        "{ $.a = 1 } x",
        "{ $.a > x }",
        "{ $.a IS }",
        "{ $.a NOT }",
        "{ ($.a = 1 }",
        "{ $.a = 1 && }",
        "{ $.a[x] = 1 }",
        "{ $.a[0 = 1 }",
        "[",
        "[a",
        "[a,",
        "[..., ...]",
        "[a = ]",
        "[a > b]",
        "[a] b",
        "%(a)%",
        "%open",
        "%[%",
        "%%",
        "{ $.a = %.{9999}{9999}% }",
    ];
    for pattern in wrong {
        assert_eq!(FilterPattern::parse(pattern).err(), Some(InvalidPattern), "`{pattern}`");
    }
    let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(FilterPattern::parse(&deep).err(), Some(InvalidPattern));
}

proptest! {
    #[test]
    fn no_text_panics(pattern: String, message: String) {
        if let Ok(pattern) = FilterPattern::parse(&pattern) {
            pattern.matches(&message);
        }
    }

    #[test]
    fn nothing_like_a_pattern_panics(
        pattern in r#"[{\[?%"-]?[ $.a0*="'<>!&|()\[\]{},%IS\\-]{0,24}[}\]"%]?"#,
        message in r#"[ "\[\]{}:a0,\\-]{0,24}"#,
    ) {
        if let Ok(pattern) = FilterPattern::parse(&pattern) {
            pattern.matches(&message);
        }
    }

    #[test]
    fn a_quoted_message_matches_itself(message in "[^\"\\\\]+") {
        let pattern = format!("\"{message}\"");
        prop_assert!(matches(&pattern, &message));
    }

    #[test]
    fn a_json_text_equals_itself(text in "[^*\"\\\\\\p{C}]*") {
        let message = serde_json::json!({ "a": text }).to_string();
        let pattern = format!("{{ $.a = \"{text}\" }}");
        prop_assert!(matches(&pattern, &message));
    }
}
