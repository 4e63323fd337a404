//! Random operations on a store beside the same operations on a plain map, with reopening in between.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::collections::BTreeMap;
use std::ops::Bound;

use landfall_base::{AccountId, Region};
use landfall_store::{
    Begins, Key, KeyFor, Store, StoreError, Table, Tx, Value, WriteError, key_parts, text_key,
};
use proptest::prelude::*;

type RowKey = (u8, String);

const ROWS: Table<RowKey, String> = Table::new("row");
const OTHER: Table<String, u32> = Table::new("other");

fn put_row<K: Key, V: Value>(
    store: &Store,
    table: &Table<K, V>,
    key: &(impl KeyFor<K::Parts> + ?Sized),
    value: V,
) {
    let body = |tx: &mut Tx| {
        tx.put(table, key, value);
        Ok::<_, StoreError>(())
    };
    store.write("put", body).unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    Put(RowKey, String),
    Delete(RowKey),
}

#[derive(Debug, Clone)]
enum Op {
    Write(Vec<Step>),
    Rejected(Vec<Step>),
    Reopen,
}

fn key() -> impl Strategy<Value = RowKey> {
    (0..3u8, "[\0ab]{0,2}")
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => (key(), "[a-c]{0,3}").prop_map(|(key, value)| Step::Put(key, value)), 1 => key().prop_map(Step::Delete)]
}

fn op() -> impl Strategy<Value = Op> {
    let steps = || prop::collection::vec(step(), 0..5);
    prop_oneof![8 => steps().prop_map(Op::Write), 2 => steps().prop_map(Op::Rejected), 1 => Just(Op::Reopen)]
}

fn apply(store: &Store, model: &mut BTreeMap<RowKey, String>, steps: &[Step], accept: bool) {
    let mut after = model.clone();
    let result = store.write("steps", |tx| {
        for step in steps {
            match step {
                Step::Put(key, value) => {
                    tx.put(&ROWS, key, value);
                    after.insert(key.clone(), value.clone());
                }
                Step::Delete(key) => assert_eq!(tx.delete(&ROWS, key), after.remove(key).is_some()),
            }
            assert_eq!(rows(tx), after);
        }
        if accept { Ok(()) } else { Err("no") }
    });
    assert_eq!(result.is_ok(), accept);
    if accept {
        *model = after;
    }
}

fn rows(view: &landfall_store::View) -> BTreeMap<RowKey, String> {
    view.scan(&ROWS, ()).map(|row| row.map(|(key, value)| (key, value.to_string())).unwrap()).collect()
}

fn compare(store: &Store, model: &BTreeMap<RowKey, String>) {
    let view = store.view();
    assert_eq!(rows(&view), *model);
    assert_eq!(view.count(&ROWS, ()), model.len());
    let backwards: Vec<RowKey> = view.scan(&ROWS, ()).rev().map(|row| row.unwrap().0).collect();
    assert_eq!(backwards, model.keys().rev().cloned().collect::<Vec<_>>());
    for part in 0..3u8 {
        let keys: Vec<RowKey> = view.scan(&ROWS, (part,)).map(|row| row.unwrap().0).collect();
        assert_eq!(keys, model.keys().filter(|key| key.0 == part).cloned().collect::<Vec<_>>());
        let keys: Vec<RowKey> = view.scan(&ROWS, (part, Begins("a"))).map(|row| row.unwrap().0).collect();
        let begins = |key: &&RowKey| key.0 == part && key.1.starts_with('a');
        assert_eq!(keys, model.keys().filter(begins).cloned().collect::<Vec<_>>());
    }
    for (key, value) in model {
        assert_eq!(view.get(&ROWS, key).unwrap().as_deref(), Some(value));
        let behind: Vec<RowKey> = view.scan_after(&ROWS, (key.0,), key).map(|row| row.unwrap().0).collect();
        let expected =
            model.range((Bound::Excluded(key.clone()), Bound::Unbounded)).map(|(key, _)| key.clone());
        assert_eq!(behind, expected.filter(|other| other.0 == key.0).collect::<Vec<_>>());
        let from: Vec<RowKey> = view.range(&ROWS, key.clone()..).map(|row| row.unwrap().0).collect();
        assert_eq!(from, model.range(key.clone()..).map(|(key, _)| key.clone()).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_is_an_ordered_map(ops in prop::collection::vec(op(), 1..20)) {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open(directory.path()).unwrap();
        let mut model = BTreeMap::new();
        for op in ops {
            match op {
                Op::Write(steps) => apply(&store, &mut model, &steps, true),
                Op::Rejected(steps) => apply(&store, &mut model, &steps, false),
                Op::Reopen => {
                    let revision = store.view().revision();
                    drop(store);
                    store = Store::open(directory.path()).unwrap();
                    prop_assert_eq!(store.view().revision(), revision);
                }
            }
            compare(&store, &model);
        }
    }
}

#[test]
fn a_view_does_not_change() {
    let store = Store::in_memory().unwrap();
    let put = |value: u32| {
        put_row(&store, &OTHER, "k", value);
    };
    put(1);
    let before = store.view();
    put(2);
    assert_eq!(before.get(&OTHER, "k").unwrap().as_deref(), Some(&1));
    assert_eq!(store.view().get(&OTHER, "k").unwrap().as_deref(), Some(&2));
}

#[test]
fn the_same_bytes_again_are_no_commit() {
    let store = Store::in_memory().unwrap();
    for _ in 0..2 {
        put_row(&store, &OTHER, "k", 1);
    }
    assert_eq!(store.view().revision(), 1);
}

#[test]
fn put_and_delete_in_one_write_are_no_commit() {
    let store = Store::in_memory().unwrap();
    let body = |tx: &mut Tx| {
        tx.put(&OTHER, "k", 1);
        Ok::<_, StoreError>(tx.delete(&OTHER, "k"))
    };
    assert!(store.write("both", body).unwrap());
    assert_eq!(store.view().revision(), 0);
}

#[test]
fn a_value_json_cannot_hold_fails_the_write() {
    const TABLE: Table<String, BTreeMap<(u8, u8), u8>> = Table::new("no_json");
    let store = Store::in_memory().unwrap();
    let result = store.write("put", |tx| {
        tx.put(&OTHER, "k", 1);
        tx.put(&TABLE, "k", BTreeMap::from([((1, 2), 3)]));
        Ok::<_, StoreError>(())
    });
    assert!(matches!(result, Err(WriteError::Store(StoreError::Encode { table: "no_json", .. }))));
    assert!(!store.view().contains(&OTHER, "k"));
}

#[test]
fn a_row_of_another_form_is_an_error_in_its_place() {
    const AS_TEXT: Table<String, String> = Table::new("other");
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    store
        .write("put", |tx| {
            tx.put(&AS_TEXT, "a", "x".to_owned());
            tx.put(&OTHER, "b", 5);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    drop(store);
    let store = Store::open(directory.path()).unwrap();
    let view = store.view();
    let error = view.get(&OTHER, "a").unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { table: "other", .. }), "{error}");
    let read: Vec<bool> = view.scan(&OTHER, ()).map(|row| row.is_ok()).collect();
    assert_eq!(read, [false, true]);
    assert_eq!(view.verify(&OTHER).len(), 1);
    assert!(store.write("remove", |tx| Ok::<_, StoreError>(tx.delete(&OTHER, "a"))).unwrap());
    assert!(store.view().verify(&OTHER).is_empty());
}

#[test]
fn update_changes_what_is_there() {
    let store = Store::in_memory().unwrap();
    let add = |tx: &mut Tx| tx.update(&OTHER, "k", |value| *value += 1);
    assert!(!store.write("add", add).unwrap());
    put_row(&store, &OTHER, "k", 1);
    assert!(store.write("add", add).unwrap());
    assert_eq!(store.view().get(&OTHER, "k").unwrap().as_deref(), Some(&2));
}

#[derive(Debug, Clone, PartialEq)]
struct Name(String);

impl Name {
    fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Name {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

text_key!(Name);

#[derive(Debug, Clone, PartialEq)]
struct SecretKey {
    account: AccountId,
    region: Region,
    name: Name,
}

key_parts!(SecretKey { account: AccountId, region: Region, name: Name });

#[test]
fn structs_are_keys() {
    const SECRETS: Table<SecretKey, u32> = Table::new("secret");
    let account: AccountId = "123456789012".parse().unwrap();
    let region: Region = "eu-central-1".parse().unwrap();
    let key = |name: &str| SecretKey {
        account: account.clone(),
        region: region.clone(),
        name: Name(name.to_owned()),
    };
    let store = Store::in_memory().unwrap();
    let names = ["a", "b", "c"];
    store
        .write("put", |tx| {
            names.iter().for_each(|name| tx.put(&SECRETS, &key(name), 1));
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let view = store.view();
    assert!(view.contains(&SECRETS, &(&account, &region, Name("b".to_owned()))));
    assert_eq!(view.count(&SECRETS, (&account, &region)), 3);
    let behind = view.scan_after(&SECRETS, (&account,), &key("a")).map(|row| row.unwrap().0);
    assert_eq!(behind.collect::<Vec<_>>(), [key("b"), key("c")]);
}
