//! Small schemas of every kind, and a JSON and a query service that use them.

use landfall_shape::{Kind, Member, OperationSchema, Protocol, Schema, ServiceSchema, TimestampFormat};

const fn shape(name: &'static str, kind: Kind) -> Schema {
    Schema { name, sensitive: false, kind }
}

const fn sensitive(name: &'static str, kind: Kind) -> Schema {
    Schema { name, sensitive: true, kind }
}

const fn text(max: Option<u64>) -> Kind {
    Kind::String { min: Some(1), max, pattern: None, values: &[] }
}

const fn member(name: &'static str, schema: &'static Schema) -> Member {
    Member { name, wire_name: name, required: false, idempotency_token: false, schema }
}

const fn required(name: &'static str, schema: &'static Schema) -> Member {
    Member { name, wire_name: name, required: true, idempotency_token: false, schema }
}

pub(crate) static STRING: Schema =
    shape("String", Kind::String { min: None, max: None, pattern: None, values: &[] });
pub(crate) static NAME: Schema =
    shape("Name", Kind::String { min: Some(2), max: Some(8), pattern: Some(r"[a-z\d]+"), values: &[] });
pub(crate) static MODE: Schema =
    shape("Mode", Kind::String { min: None, max: None, pattern: None, values: &["ON", "OFF"] });
pub(crate) static SECRET: Schema = sensitive("Secret", text(Some(4)));
pub(crate) static BYTES: Schema = shape("Bytes", Kind::Blob { min: None, max: Some(4) });
pub(crate) static SECRET_BYTES: Schema = sensitive("SecretBytes", Kind::Blob { min: None, max: Some(4) });
pub(crate) static FLAG: Schema = shape("Flag", Kind::Boolean);
pub(crate) static COUNT: Schema = shape("Count", Kind::Integer { min: Some(1), max: Some(10) });
pub(crate) static SIZE: Schema = shape("Size", Kind::Long { min: None, max: None });
pub(crate) static RATIO: Schema = shape("Ratio", Kind::Double { min: Some(0.5), max: None });
pub(crate) static MOMENT: Schema = shape("Moment", Kind::Timestamp { format: None });
pub(crate) static ISO_MOMENT: Schema =
    shape("IsoMoment", Kind::Timestamp { format: Some(TimestampFormat::Iso8601) });
pub(crate) static HTTP_MOMENT: Schema =
    shape("HttpMoment", Kind::Timestamp { format: Some(TimestampFormat::Rfc822) });
pub(crate) static UNIX_MOMENT: Schema =
    shape("UnixMoment", Kind::Timestamp { format: Some(TimestampFormat::UnixTimestamp) });
pub(crate) static TAG_KEY: Schema = shape("TagKey", text(Some(3)));
pub(crate) static TAG: Schema =
    shape("Tag", Kind::Structure { members: &[required("Key", &TAG_KEY), member("Value", &STRING)] });
pub(crate) static TAGS: Schema = shape(
    "Tags",
    Kind::List { member: &TAG, member_name: "member", flattened: false, min: None, max: Some(2) },
);
pub(crate) static MODES: Schema =
    shape("Modes", Kind::List { member: &MODE, member_name: "item", flattened: false, min: None, max: None });
pub(crate) static FLAT: Schema = shape(
    "Flat",
    Kind::List { member: &STRING, member_name: "member", flattened: true, min: None, max: None },
);
pub(crate) static LABELS: Schema =
    shape("Labels", Kind::Map { key: &NAME, value: &NAME, min: None, max: Some(3) });
pub(crate) static TAG_MAP: Schema =
    shape("TagMap", Kind::Map { key: &STRING, value: &TAG, min: None, max: None });
pub(crate) static EVERYTHING: Schema = shape(
    "Everything",
    Kind::Structure {
        members: &[
            required("SecretId", &STRING),
            Member {
                name: "Renamed",
                wire_name: "renamedOnWire",
                required: false,
                idempotency_token: false,
                schema: &STRING,
            },
            member("Name", &NAME),
            member("Mode", &MODE),
            member("Secret", &SECRET),
            member("Bytes", &BYTES),
            member("SecretBytes", &SECRET_BYTES),
            member("Flag", &FLAG),
            member("Count", &COUNT),
            member("Size", &SIZE),
            member("Ratio", &RATIO),
            member("Moment", &MOMENT),
            member("IsoMoment", &ISO_MOMENT),
            member("HttpMoment", &HTTP_MOMENT),
            member("UnixMoment", &UNIX_MOMENT),
            member("Tags", &TAGS),
            member("Modes", &MODES),
            member("Flat", &FLAT),
            member("Labels", &LABELS),
            member("TagMap", &TAG_MAP),
            member("Next", &EVERYTHING),
        ],
    },
);
pub(crate) static NOTHING: Schema = shape("Nothing", Kind::Structure { members: &[] });

pub(crate) static DO_IT: OperationSchema = OperationSchema {
    name: "DoIt",
    input: &EVERYTHING,
    output: &EVERYTHING,
    has_output: true,
    paginator: None,
};
pub(crate) static FORGET_IT: OperationSchema = OperationSchema {
    name: "ForgetIt",
    input: &EVERYTHING,
    output: &NOTHING,
    has_output: false,
    paginator: None,
};
pub(crate) static JSON: ServiceSchema = ServiceSchema {
    name: "secretsmanager",
    signing_name: "secretsmanager",
    api_version: "2017-10-17",
    protocol: Protocol::AwsJson11,
    target_prefix: "secretsmanager",
    xml_namespace: "",
    operations: &[&DO_IT, &FORGET_IT],
};
pub(crate) static ECS: ServiceSchema = ServiceSchema {
    name: "ecs",
    signing_name: "ecs",
    api_version: "2014-11-13",
    protocol: Protocol::AwsJson11,
    target_prefix: "AmazonEC2ContainerServiceV20141113",
    xml_namespace: "",
    operations: &[&DO_IT],
};
pub(crate) static EC2: ServiceSchema = ServiceSchema {
    name: "ec2",
    signing_name: "ec2",
    api_version: "2016-11-15",
    protocol: Protocol::Ec2Query,
    target_prefix: "",
    xml_namespace: "http://ec2.amazonaws.com/doc/2016-11-15",
    operations: &[&DO_IT, &FORGET_IT],
};
pub(crate) static QUERY: ServiceSchema = ServiceSchema {
    name: "iam",
    signing_name: "iam",
    api_version: "2010-05-08",
    protocol: Protocol::AwsQuery,
    target_prefix: "",
    xml_namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
    operations: &[&DO_IT, &FORGET_IT],
};
