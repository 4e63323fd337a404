//! Requests whose signatures are known. Key `AKIDEXAMPLE`, Region `us-east-1`.

/// SHA-256 of nothing.
pub(super) const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A signed request as it arrives.
pub(super) struct Case {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) query: &'static str,
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// Scope service, signed headers, signature; `None` for presigned requests.
    pub(super) authorization: Option<(&'static str, &'static str, &'static str)>,
    pub(super) body: &'static [u8],
}

const DATE: (&str, &str) = ("x-amz-date", "20150830T123600Z");
const EXAMPLE: (&str, &str) = ("host", "example.amazonaws.com");

/// The first six are AWS's (get-vanilla, get-vanilla-query-order-key-case, get-header-key-duplicate,
/// get-header-value-trim, post-vanilla, post-x-www-form-urlencoded), the others botocore's.
pub(super) const CASES: &[Case] = &[
    Case {
        method: "GET",
        path: "/",
        query: "",
        headers: &[EXAMPLE, DATE],
        authorization: Some((
            "service",
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        )),
        body: b"",
    },
    Case {
        method: "GET",
        path: "/",
        query: "Param2=value2&Param1=value1",
        headers: &[EXAMPLE, DATE],
        authorization: Some((
            "service",
            "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        )),
        body: b"",
    },
    Case {
        method: "GET",
        path: "/",
        query: "",
        headers: &[
            EXAMPLE,
            ("my-header1", "value2"),
            ("my-header1", "value2"),
            ("my-header1", "value1"),
            DATE,
        ],
        authorization: Some((
            "service",
            "host;my-header1;x-amz-date",
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        )),
        body: b"",
    },
    Case {
        method: "GET",
        path: "/",
        query: "",
        headers: &[EXAMPLE, ("my-header1", " value1"), ("my-header2", " \"a   b   c\""), DATE],
        authorization: Some((
            "service",
            "host;my-header1;my-header2;x-amz-date",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        )),
        body: b"",
    },
    Case {
        method: "POST",
        path: "/",
        query: "",
        headers: &[EXAMPLE, DATE],
        authorization: Some((
            "service",
            "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        )),
        body: b"",
    },
    Case {
        method: "POST",
        path: "/",
        query: "",
        headers: &[EXAMPLE, ("content-type", "application/x-www-form-urlencoded"), DATE],
        authorization: Some((
            "service",
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        )),
        body: b"Param1=value1",
    },
    Case {
        method: "POST",
        path: "/",
        query: "",
        headers: &[
            ("host", "localhost:4566"),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "AmazonEC2ContainerServiceV20141113.ListTasks"),
            DATE,
        ],
        authorization: Some((
            "ecs",
            "content-type;host;x-amz-date;x-amz-target",
            "a13e27e75f5987db547a53f327234d817181ad8cf4ca482e9676afd0f58af5df",
        )),
        body: b"{\"cluster\":\"default\"}",
    },
    Case {
        method: "POST",
        path: "/",
        query: "",
        headers: &[
            ("host", "secretsmanager.us-east-1.amazonaws.com"),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "secretsmanager.GetSecretValue"),
            DATE,
            ("x-amz-security-token", "session-token-value"),
        ],
        authorization: Some((
            "secretsmanager",
            "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
            "d098c1f16784629f19ab1bee5f042868820eaa210114f62f52a6b3aed1818623",
        )),
        body: b"{\"SecretId\":\"a\"}",
    },
    Case {
        method: "GET",
        path: "/a%20b/./c/../d//e",
        query: "b=2&a=1&a=0&c=%20x%2Fy&d",
        headers: &[EXAMPLE, ("x-spaces", "  a   b  "), DATE],
        authorization: Some((
            "service",
            "host;x-amz-date;x-spaces",
            "24fa475bf65f90035b1fe60ffbe01acb6cea9ceadea61dffabdfe14a0e2b5b48",
        )),
        body: b"",
    },
    Case {
        method: "GET",
        path: "/a%20b//./c",
        query: "prefix=x%2Fy",
        headers: &[("host", "bucket.s3.amazonaws.com"), DATE, ("x-amz-content-sha256", EMPTY)],
        authorization: Some((
            "s3",
            "host;x-amz-content-sha256;x-amz-date",
            "835781c27ecfb30c475945bdf22980ce88822b0476ba905e4af8cbed1ec7371c",
        )),
        body: b"",
    },
    Case {
        method: "PUT",
        path: "/key%2Bplus",
        query: "",
        headers: &[
            ("host", "bucket.s3.amazonaws.com"),
            DATE,
            ("x-amz-content-sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
        ],
        authorization: Some((
            "s3",
            "host;x-amz-content-sha256;x-amz-date",
            "8cc62e8b0847888f48c918971947abb825185e048b0c6e70345011b53c1a603e",
        )),
        body: b"hello",
    },
    Case {
        method: "GET",
        path: "/",
        query: "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Security-Token=session%2Ftoken%2Bvalue%3D%3D&X-Amz-Signature=296318dd2eee78a77c4a09c7373c67bbe086db76b1a532bd99ea9772fc9a9eec",
        headers: &[("host", "sts.us-east-1.amazonaws.com"), ("x-k8s-aws-id", "cluster")],
        authorization: None,
        body: b"",
    },
    Case {
        method: "GET",
        path: "/dir/a%20b.txt",
        query: "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Signature=5fe26af51c461676b011b83eabeeae5f5fc9a9efd7492274711b35878cf997a9",
        headers: &[("host", "bucket.s3.amazonaws.com")],
        authorization: None,
        body: b"",
    },
];
