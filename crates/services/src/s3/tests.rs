//! Table tests: rows, permissions, listings.

use super::*;

use landfall_api::iam;
use landfall_base::Timestamp;
use landfall_store::{Store, Tx, WriteError};

use crate::pipe::Failure;
use crate::testing::{START, TestInstallation, account, caller, nobody, region, root};
use record::{Attributes, Content, Object, SealedKey, Versioning};

fn write<T>(store: &Store, body: impl FnOnce(&mut Tx) -> Result<T, Failure>) -> Result<T, Failure> {
    store.write("test", body).map_err(WriteError::flatten)
}

fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> &'static str {
    match result.unwrap_err() {
        Failure::Service(error) => error.code,
        Failure::Internal(error) => panic!("{error}"),
    }
}

fn object(installation: &TestInstallation, bucket: &str, key: &str, bytes: &[u8]) -> Object {
    let installation = installation.call.installation();
    let caller = root();
    let cx = crate::pipe::Context::new(installation, &caller, crate::s3::access::call("PutObject"));
    let row = access::bucket(&installation.store.view(), bucket).unwrap();
    let (data_key, sealed) = encryption::WriteKey::find(&cx, &row, key, None).unwrap().make(&cx).unwrap();
    assert!(matches!(sealed, SealedKey::Vault(_)));
    let mut writer = installation.objects.create(&data_key).unwrap();
    writer.write(bytes).unwrap();
    let piece = writer.finish().unwrap();
    let mut hasher = checksum::Hasher::new(checksum::Algorithm::Crc64Nvme);
    hasher.update(bytes);
    Object {
        etag: hasher.finish().etag,
        size: bytes.len() as u64,
        content: Content { key: sealed, pieces: vec![piece] },
        attributes: Attributes::default(),
        checksum: None,
    }
}

fn put(installation: &TestInstallation, key: &str, bytes: &[u8]) -> Option<String> {
    put_in(installation, "bucket", key, bytes)
}

/// Puts an object, for tests of those who read some.
pub(crate) fn put_in(
    installation: &TestInstallation,
    bucket: &str,
    key: &str,
    bytes: &[u8],
) -> Option<String> {
    let object = object(installation, bucket, key, bytes);
    let store = &installation.call.installation().store;
    write(store, |tx| objects::put(tx, now(installation), (bucket, key), object, &Default::default()))
        .unwrap()
}

/// Makes a bucket, for tests of those who read from one.
pub(crate) fn make_bucket(installation: &TestInstallation, name: &str) {
    let store = &installation.call.installation().store;
    write(store, |tx| buckets::create(tx, START, &account(), &region(), name, None)).unwrap();
}

fn now(installation: &TestInstallation) -> Timestamp {
    installation.call.installation().clock.now()
}

/// Has an object be in an archive.
pub(crate) fn archive(installation: &TestInstallation, bucket: &str, key: &str) {
    let store = &installation.call.installation().store;
    write(store, |tx| {
        let found = objects::newest(tx, bucket, key)?.unwrap();
        let mut version = record::Version::clone(&found.version);
        version.object.as_mut().unwrap().attributes.storage_class = Some("GLACIER".to_owned());
        tx.put(&record::VERSIONS, &(bucket, key, found.order), version);
        Ok(())
    })
    .unwrap();
}

fn keep_versions(installation: &TestInstallation) {
    let store = &installation.call.installation().store;
    write(store, |tx| {
        buckets::update(tx, "bucket", |bucket| {
            bucket.versioning = Some(Versioning::Enabled);
            Ok(())
        })
    })
    .unwrap();
}

fn with_bucket() -> TestInstallation {
    let installation = TestInstallation::new(crate::TABLES);
    make_bucket(&installation, "bucket");
    installation
}

fn names(
    installation: &TestInstallation,
    query: listing::Query<'_>,
) -> (Vec<String>, Vec<String>, Option<String>) {
    let view = installation.call.installation().store.view();
    let page = listing::objects(&view, query).unwrap();
    let items = page.items.into_iter().map(|(key, _)| key).collect();
    (items, page.prefixes, page.next.map(|(key, _)| key))
}

const ALL: listing::Query<'static> =
    listing::Query { bucket: "bucket", prefix: "", delimiter: None, after: None, after_id: None, most: 1000 };

#[test]
fn the_facade_reads_what_was_put_and_records_its_checks() {
    let installation = with_bucket();
    put(&installation, "a/b.env", b"A=1\n");
    let outcome = get_object_for(installation.call.installation(), &root(), "bucket", "a/b.env", 100);
    assert_eq!(outcome.result.unwrap().expose(), b"A=1\n");
    assert_eq!(outcome.checks[0].action, "s3:GetObject");
    assert_eq!(outcome.checks[0].resource, "arn:aws:s3:::bucket/a/b.env");
    let location = get_bucket_location(installation.call.installation(), &root(), "bucket");
    assert_eq!(location.result.unwrap(), region());
}

#[test]
fn the_facade_refuses_in_s3s_words() {
    let installation = with_bucket();
    put(&installation, "k", b"1");
    let get = |caller, bucket: &str, key: &str| {
        let error =
            get_object_for(installation.call.installation(), &caller, bucket, key, 100).result.unwrap_err();
        (error.code, error.status, error.message)
    };
    let (code, status, message) = get(nobody(), "bucket", "k");
    assert_eq!((code, status), ("AccessDenied", 403));
    assert_eq!(
        message,
        "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: s3:GetObject on resource: \
         \"arn:aws:s3:::bucket/k\" because no identity-based policy allows the s3:GetObject action"
    );
    assert_eq!(get(root(), "bucket", "x").0, "NoSuchKey");
    assert_eq!(get(root(), "other", "x").0, "NoSuchBucket");
    assert_eq!(get(nobody(), "bucket", "x").0, "AccessDenied");
    let long =
        get_object_for(installation.call.installation(), &root(), "bucket", "k", 0).result.unwrap_err();
    assert_eq!(long.code, "EntityTooLarge");
}

/// A user of the bucket's account with a policy of these actions.
fn user(installation: &TestInstallation, actions: &[&str]) -> crate::pipe::Caller {
    let name = landfall_base::random::hex(16);
    let input = iam::CreateUserRequest { user_name: name.clone(), ..Default::default() };
    let made = installation.call.call::<iam::CreateUser>(&root(), input).result.unwrap().user.unwrap();
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    if !actions.is_empty() {
        let input = iam::PutUserPolicyRequest {
            user_name: name,
            policy_name: "own".to_owned(),
            policy_document: policy.to_string(),
        };
        installation.call.call::<iam::PutUserPolicy>(&root(), input).result.unwrap();
    }
    caller(landfall_iam::Principal::user(made.arn.parse().unwrap(), &account(), &made.user_id))
}

fn stranger() -> crate::pipe::Caller {
    caller(landfall_iam::Principal::root(&"444455556666".parse().unwrap()))
}

/// What a caller's policy allows, what the bucket's says to everybody it names, and what reading a key, reading a missing
/// key and asking for the location then answer.
#[test]
fn both_policies_decide() {
    const GET: &str = "s3:GetObject";
    const LIST: &str = "s3:ListBucket";
    const PLACE: &str = "s3:GetBucketLocation";
    const NO: &str = "AccessDenied";
    /// The actions of the caller, `None` for the root user of another account.
    type Own = Option<&'static [&'static str]>;
    /// The bucket policy's effect and actions.
    type Bucket = Option<(&'static str, &'static [&'static str])>;
    let cases: &[(Own, Bucket, [&str; 3])] = &[
        (Some(&[]), None, [NO, NO, NO]),
        (Some(&[GET]), None, ["ok", NO, NO]),
        (Some(&[LIST]), None, [NO, NO, NO]),
        (Some(&[GET, LIST]), None, ["ok", "NoSuchKey", NO]),
        (Some(&[PLACE]), None, [NO, NO, "ok"]),
        (Some(&["s3:*"]), None, ["ok", "NoSuchKey", "ok"]),
        (Some(&[]), Some(("Allow", &[GET])), ["ok", NO, NO]),
        (Some(&[GET]), Some(("Allow", &[LIST])), ["ok", "NoSuchKey", NO]),
        (Some(&[]), Some(("Allow", &[GET, LIST, PLACE])), ["ok", "NoSuchKey", "ok"]),
        (Some(&["s3:*"]), Some(("Deny", &[GET])), [NO, NO, "ok"]),
        (Some(&["s3:*"]), Some(("Deny", &[LIST])), ["ok", NO, "ok"]),
        (Some(&["s3:*"]), Some(("Deny", &[PLACE])), ["ok", "NoSuchKey", NO]),
        (None, None, [NO, NO, NO]),
        (None, Some(("Allow", &[GET])), ["ok", NO, NO]),
        (None, Some(("Allow", &[GET, LIST, PLACE])), ["ok", "NoSuchKey", "ok"]),
        (None, Some(("Deny", &[GET])), [NO, NO, NO]),
    ];
    for (own, bucket, expected) in cases {
        let installation = with_bucket();
        put(&installation, "k", b"1");
        let who = own.map_or_else(stranger, |actions| user(&installation, actions));
        let inner = installation.call.installation();
        if let Some((effect, actions)) = bucket {
            let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{
                "Effect": effect, "Principal": {"AWS": who.arn().to_string()}, "Action": actions,
                "Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]}]});
            write(&inner.store, |tx| buckets::put_policy(tx, "bucket", &policy.to_string())).unwrap();
        }
        let get =
            |key| get_object_for(inner, &who, "bucket", key, 10).result.map_or_else(|it| it.code, |_| "ok");
        let place = get_bucket_location(inner, &who, "bucket").result.map_or_else(|it| it.code, |_| "ok");
        assert_eq!([get("k"), get("missing"), place], *expected, "{own:?} {bucket:?}");
    }
}

#[test]
fn a_name_is_taken_once() {
    let installation = with_bucket();
    let store = &installation.call.installation().store;
    let (mine, other) = (account(), "444455556666".parse().unwrap());
    let again = |owner, place: &str| {
        write(store, |tx| buckets::create(tx, START, owner, &place.parse().unwrap(), "bucket", None))
    };
    assert!(again(&mine, "us-east-1").is_ok());
    assert_eq!(code(again(&mine, "eu-west-1")), "BucketAlreadyOwnedByYou");
    assert_eq!(code(again(&other, "us-east-1")), "BucketAlreadyExists");
}

#[test]
fn versions_come_and_go() {
    let installation = with_bucket();
    let store = &installation.call.installation().store;
    assert_eq!(put(&installation, "k", b"0"), None);
    keep_versions(&installation);
    let first = put(&installation, "k", b"1").unwrap();
    let second = put(&installation, "k", b"2").unwrap();
    let delete = |id: Option<&str>| {
        write(store, |tx| objects::delete(tx, START, ("bucket", "k"), id, &Default::default())).unwrap()
    };
    let marker = delete(None);
    assert!(marker.marker);
    assert_eq!(names(&installation, ALL).0, Vec::<String>::new());
    let found = |id: Option<&str>| objects::find(&store.view(), "bucket", "k", id).unwrap();
    assert!(found(None).unwrap().version.object.is_none());
    assert_eq!(found(Some(&first)).unwrap().version.object.as_ref().unwrap().size, 1);
    assert!(found(Some("null")).is_some());
    assert!(delete(marker.version_id.as_deref()).marker);
    assert_eq!(names(&installation, ALL).0, ["k"]);
    delete(Some(&second));
    assert_eq!(found(None).unwrap().version.id, first);
    let page = listing::versions(&store.view(), ALL).unwrap();
    let ids: Vec<_> = page.items.iter().map(|(_, it)| (it.version.id.as_str(), it.is_latest)).collect();
    assert_eq!(ids, [(first.as_str(), true), ("null", false)]);
    assert_eq!(code(write(store, |tx| buckets::delete(tx, START, "bucket"))), "BucketNotEmpty");
}

#[test]
fn conditions_hold_or_not() {
    let installation = with_bucket();
    let store = &installation.call.installation().store;
    put(&installation, "k", b"0");
    let etag = objects::newest(&store.view(), "bucket", "k").unwrap().unwrap();
    let etag = etag.version.object.as_ref().unwrap().etag.clone();
    let check = |key: &str, matches: Option<&str>, none: Option<&str>| {
        let condition = objects::Condition {
            if_match: matches.map(str::to_owned),
            if_none_match: none.map(str::to_owned),
        };
        objects::check_condition(&store.view(), "bucket", key, &condition)
    };
    assert!(check("k", Some(&etag), None).is_ok());
    assert_eq!(code(check("k", Some("x"), None)), "PreconditionFailed");
    assert_eq!(code(check("new", Some("x"), None)), "NoSuchKey");
    assert_eq!(code(check("k", None, Some("*"))), "PreconditionFailed");
    assert!(check("new", None, Some("*")).is_ok());
}

#[test]
fn listings_roll_up_and_go_on() {
    let installation = with_bucket();
    for key in ["a", "b/1", "b/2", "b/c/3", "c", "d/\u{10ffff}x", "d/1", "é"] {
        put(&installation, key, b"");
    }
    let slash = listing::Query { delimiter: Some("/"), ..ALL };
    let (keys, prefixes, next) = names(&installation, slash);
    assert_eq!(
        (keys, prefixes, next),
        (vec!["a".into(), "c".into(), "é".into()], vec!["b/".into(), "d/".into()], None)
    );
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let query = listing::Query { after: after.as_deref(), most: 2, ..slash };
        let (keys, prefixes, next) = names(&installation, query);
        seen.extend(keys);
        seen.extend(prefixes);
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, ["a", "b/", "c", "d/", "é"]);
    let within = listing::Query { prefix: "b/", ..slash };
    assert_eq!(names(&installation, within), (vec!["b/1".into(), "b/2".into()], vec!["b/c/".into()], None));
}

#[test]
fn public_policies_are_blocked_and_restricted() {
    let installation = with_bucket();
    let store = &installation.call.installation().store;
    let policy = |principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}}]}}"#
        )
    };
    put(&installation, "k", b"1");
    let set = |text: &str| write(store, |tx| buckets::put_policy(tx, "bucket", text));
    assert_eq!(code(set(&policy(r#""*""#))), "AccessDenied");
    assert_eq!(code(set("{")), "MalformedPolicy");
    assert_eq!(code(set(&policy(r#""*""#).replace(":bucket/", ":other/"))), "MalformedPolicy");
    let canonical = names::canonical_user(&account());
    for nobody in [
        r#"{"AWS":"AROAJQABLZS4A3QDU576Q"}"#,
        r#"{"AWS":"arn:aws:iam::111122223333:user/nobody-there"}"#,
        &format!(r#"{{"CanonicalUser":"{}"}}"#, canonical.chars().rev().collect::<String>()),
    ] {
        let refused = set(&policy(nobody)).unwrap_err();
        let Failure::Service(refused) = refused else { panic!("{refused:?}") };
        assert_eq!(
            (refused.code, refused.message.as_str()),
            ("MalformedPolicy", "Invalid principal in policy")
        );
    }
    set(&policy(r#"{"AWS":"444455556666"}"#)).unwrap();
    let block = |block| {
        write(store, |tx| {
            buckets::update(tx, "bucket", |bucket| {
                bucket.public_access = block;
                Ok(())
            })
        })
        .unwrap();
    };
    block(None);
    set(&policy(r#""*""#)).unwrap();
    let mut stranger = root();
    stranger.principal = landfall_iam::Principal::anonymous();
    let get = || get_object_for(installation.call.installation(), &stranger, "bucket", "k", 10).result;
    assert!(get().is_ok());
    block(Some(record::PublicAccess::ALL));
    assert_eq!(get().unwrap_err().message, "Access Denied");
    assert!(get_object_for(installation.call.installation(), &nobody(), "bucket", "k", 10).result.is_ok());
}

#[test]
fn files_nobody_needs_go() {
    let installation = with_bucket();
    put(&installation, "k", b"1");
    put(&installation, "k", b"2");
    let inner = installation.call.installation();
    assert_eq!(inner.store.view().count(&record::GARBAGE, ()), 1);
    reconcile(inner).unwrap();
    assert_eq!(inner.store.view().count(&record::GARBAGE, ()), 1);
    installation.clock.advance_seconds(301);
    reconcile(inner).unwrap();
    assert_eq!(inner.store.view().count(&record::GARBAGE, ()), 0);
    assert_eq!(sweep(inner).unwrap(), 0);
    assert!(get_object_for(installation.call.installation(), &root(), "bucket", "k", 10).result.is_ok());
}

/// Begins an upload of one small part: its id.
fn begin_upload(installation: &TestInstallation, key: &str) -> (String, Vec<uploads::Listed>) {
    let made = object(installation, "bucket", key, b"1");
    let id = landfall_base::random::alphanumeric(64);
    let upload = record::Upload {
        initiated_at: now(installation),
        initiator: "arn:aws:iam::111122223333:root".to_owned(),
        attributes: Attributes::default(),
        key: made.content.key,
        algorithm: checksum::Algorithm::Crc64Nvme,
        asked: false,
        composite: false,
    };
    let mut hasher = checksum::Hasher::new(checksum::Algorithm::Crc64Nvme);
    hasher.update(b"1");
    let hashes = hasher.finish();
    let piece = made.content.pieces[0].clone();
    let part =
        record::Part { etag: hashes.etag, modified_at: now(installation), checksum: hashes.checksum, piece };
    let listed = vec![(1, part.etag.clone(), None)];
    let store = &installation.call.installation().store;
    write(store, |tx| {
        tx.put(&record::UPLOADS, &("bucket", key, id.as_str()), upload);
        uploads::put_part(tx, now(installation), ("bucket", key, &id), 1, part)
    })
    .unwrap();
    (id, listed)
}

fn complete(
    installation: &TestInstallation,
    id: &str,
    listed: &[uploads::Listed],
    condition: &objects::Condition,
) -> Result<record::Completed, Failure> {
    let store = &installation.call.installation().store;
    let place = ("bucket", "k", id);
    write(store, |tx| uploads::complete(tx, now(installation), place, listed, None, condition))
}

#[test]
fn completing_again_answers_the_same() {
    let installation = with_bucket();
    let store = &installation.call.installation().store;
    keep_versions(&installation);
    let (id, listed) = begin_upload(&installation, "k");
    let first = complete(&installation, &id, &listed, &Default::default()).unwrap();
    assert!(first.version_id.is_some());
    put(&installation, "k", b"newer");
    let absent = objects::Condition { if_none_match: Some("*".to_owned()), ..Default::default() };
    assert_eq!(complete(&installation, &id, &listed, &absent).unwrap(), first);
    let versions = store.view().count(&record::VERSIONS, ("bucket", "k"));
    assert_eq!(versions, 2, "completing again makes no version");
    assert_eq!(
        code(write(store, |tx| uploads::abort(tx, now(&installation), ("bucket", "k", &id)))),
        "NoSuchUpload"
    );

    let others = [(2, listed[0].1.clone(), None)];
    assert_eq!(code(complete(&installation, &id, &others, &Default::default())), "InvalidPart");
    assert_eq!(code(complete(&installation, &id, &[], &Default::default())), "MalformedXML");

    installation.clock.advance_seconds(24 * 60 * 60);
    assert_eq!(code(complete(&installation, &id, &listed, &Default::default())), "NoSuchUpload");
    reconcile(installation.call.installation()).unwrap();
    assert_eq!(store.view().count(&record::COMPLETED, ()), 0);
    assert_eq!(store.view().count(&record::COMPLETED_BY_AGE, ()), 0);
}

#[test]
fn an_aborted_upload_is_not_completed_again_and_completed_ones_go_with_their_bucket() {
    let installation = with_bucket();
    let store = &installation.call.installation().store;
    let (id, listed) = begin_upload(&installation, "k");
    write(store, |tx| uploads::abort(tx, now(&installation), ("bucket", "k", &id))).unwrap();
    assert_eq!(code(complete(&installation, &id, &listed, &Default::default())), "NoSuchUpload");

    let (id, listed) = begin_upload(&installation, "k");
    complete(&installation, &id, &listed, &Default::default()).unwrap();
    write(store, |tx| objects::delete(tx, now(&installation), ("bucket", "k"), None, &Default::default()))
        .unwrap();
    write(store, |tx| buckets::delete(tx, now(&installation), "bucket")).unwrap();
    assert_eq!(store.view().count(&record::COMPLETED, ()), 0);
    assert_eq!(store.view().count(&record::COMPLETED_BY_AGE, ()), 0);
    make_bucket(&installation, "bucket");
    assert_eq!(code(complete(&installation, &id, &listed, &Default::default())), "NoSuchUpload");
}

#[test]
fn lifecycle_rules_are_applied_once_a_day() {
    let t = with_bucket();
    keep_versions(&t);
    let store = &t.call.installation().store;
    let days = |days| Some(lifecycle::Expiration::At(lifecycle::When::Days(days)));
    let older = lifecycle::Noncurrent { days: 2, keep: None };
    let rule = lifecycle::Rule {
        id: "all".to_owned(),
        enabled: true,
        prefix: Some(String::new()),
        expiration: days(1),
        noncurrent_expiration: Some(older),
        abort_after: Some(1),
        ..Default::default()
    };
    write(store, |tx| {
        let lifecycle = lifecycle::Lifecycle { rules: vec![rule], ..Default::default() };
        tx.put(&record::LIFECYCLES, "bucket", lifecycle);
        Ok(())
    })
    .unwrap();
    put(&t, "k", b"1");
    put(&t, "k", b"2");
    let versions = || store.view().list(&record::VERSIONS, ("bucket", "k")).unwrap();
    let current = || store.view().contains(&record::CURRENT, &("bucket", "k"));
    reconcile(t.call.installation()).unwrap();
    assert_eq!((versions().len(), current()), (2, true));
    // The newest gives way to a delete marker; then the older ones end, and the marker when it is alone and old enough.
    t.clock.advance_seconds(2 * 86_400);
    reconcile(t.call.installation()).unwrap();
    assert_eq!((versions().len(), current()), (3, false));
    assert!(versions()[0].1.object.is_none());
    t.clock.advance_seconds(3 * 86_400);
    reconcile(t.call.installation()).unwrap();
    assert_eq!(versions().len(), 1);
    t.clock.advance_seconds(86_400);
    reconcile(t.call.installation()).unwrap();
    assert!(versions().is_empty());
}
