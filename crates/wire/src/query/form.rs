//! Forms: `application/x-www-form-urlencoded` text as a tree along the dots of its keys.

use std::collections::HashMap;

use percent_encoding::percent_decode;

use crate::DecodeError;

/// Parts of one key. The deepest IAM and STS inputs have seven.
const MAX_DEPTH: usize = 32;
/// Places in the tree of one form: a small body of many dots must not become a large tree.
const MAX_NODES: usize = 50_000;

/// A form, read once: for routing (`Action`, `Version`) and for decoding.
#[derive(Default)]
pub struct Form {
    root: Node,
    nodes: usize,
}

/// Parameters may be secrets: only the operation is shown.
impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Form").field("action", &self.action()).finish_non_exhaustive()
    }
}

/// What stands at a key, and what stands below it.
#[derive(Default)]
pub(super) struct Node {
    pub(super) text: Option<String>,
    children: HashMap<String, Node>,
}

impl Form {
    /// Reads a form body, or a query string.
    ///
    /// # Errors
    /// It is not UTF-8 once decoded, a key has more than 32 parts, or there are more than 50,000 different keys and
    /// beginnings of keys.
    pub fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        let mut form = Self::default();
        let pairs = body.split(|byte| *byte == b'&').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty());
        for pair in pairs {
            let (key, value) = split(pair);
            form.insert(&unescape(key)?, unescape(value)?)?;
        }
        Ok(form)
    }

    fn insert(&mut self, key: &str, text: String) -> Result<(), DecodeError> {
        let mut node = &mut self.root;
        for (depth, segment) in key.split('.').enumerate() {
            if depth >= MAX_DEPTH {
                return Err(DecodeError::new(format!("a parameter's name has more than {MAX_DEPTH} parts")));
            }
            node = node.children.entry(segment.to_owned()).or_insert_with(|| {
                self.nodes += 1;
                Node::default()
            });
            if self.nodes > MAX_NODES {
                return Err(DecodeError::new(format!("the form has more than {MAX_NODES} parameters")));
            }
        }
        node.text = Some(text);
        Ok(())
    }

    /// The parameter `Action`.
    pub fn action(&self) -> Option<&str> {
        self.parameter("Action")
    }

    /// The parameter `Version`.
    pub fn version(&self) -> Option<&str> {
        self.parameter("Version")
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.root.child(name)?.text.as_deref()
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }
}

impl Node {
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.get(name)
    }

    /// An empty list or map is written as a parameter without value.
    pub(super) fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    /// Children by number, in order.
    pub(super) fn numbered(&self, path: &str) -> Result<Vec<&Self>, DecodeError> {
        let mut found = Vec::with_capacity(self.children.len());
        for (name, node) in &self.children {
            let index = name.parse::<u32>().ok().filter(|index| *index > 0);
            let index = index.ok_or_else(|| {
                DecodeError::new(format!("the parts of the list `{path}` must be numbered from 1"))
            })?;
            found.push((index, node));
        }
        found.sort_unstable_by_key(|(index, _)| *index);
        Ok(found.into_iter().map(|(_, node)| node).collect())
    }
}

fn split(pair: &[u8]) -> (&[u8], &[u8]) {
    match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default()),
        None => (pair, &[]),
    }
}

fn unescape(text: &[u8]) -> Result<String, DecodeError> {
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    let decoded: Vec<u8> = percent_decode(&spaced).collect();
    String::from_utf8(decoded).map_err(|_| DecodeError::new("the form is not UTF-8"))
}
