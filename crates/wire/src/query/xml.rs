//! The little XML that answers need: a writer, and a reader into a tree.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use crate::DecodeError;

/// Elements inside each other. The deepest answers of IAM have about ten.
const MAX_DEPTH: usize = 64;

/// Text under construction.
#[derive(Default)]
pub(super) struct Writer(String);

impl Writer {
    pub(super) fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    pub(super) fn open_with_namespace(&mut self, name: &str, namespace: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push_str(" xmlns=\"");
        self.push_escaped(namespace);
        self.0.push_str("\">");
    }

    pub(super) fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    pub(super) fn leaf(&mut self, name: &str, text: &str) {
        self.open(name);
        self.push_escaped(text);
        self.close(name);
    }

    /// A carriage return would be read back as a line feed, so it goes as a reference. What XML cannot carry at all
    /// becomes U+FFFD: one odd byte in a description must not make the whole answer unreadable.
    fn push_escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\r' => self.0.push_str("&#xD;"),
                character if is_xml(character) => self.0.push(character),
                _ => self.0.push('\u{FFFD}'),
            }
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// `Char` of XML 1.0 §2.2.
fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// An element without attributes and prefixes.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

fn invalid(what: impl std::fmt::Display) -> DecodeError {
    DecodeError::new(format!("invalid XML: {what}"))
}

/// Reads a document into its root element. Entities other than XML's own five and character references are refused.
pub(super) fn parse(body: &[u8]) -> Result<Element, DecodeError> {
    let text = std::str::from_utf8(body).map_err(|_| invalid("not UTF-8"))?;
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(invalid)? {
            Event::Start(tag) => begin(&mut open, tag.local_name().as_ref())?,
            Event::Empty(tag) => {
                begin(&mut open, tag.local_name().as_ref())?;
                end(&mut open);
            }
            Event::End(_) => end(&mut open),
            Event::Text(text) => push_text(&mut open, &text.xml10_content()),
            Event::CData(text) => push_text(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => push_text(&mut open, &resolve(&reference)?),
            Event::Eof => break,
            Event::DocType(_) => return Err(invalid("a document type is not expected")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    root(open)
}

fn root(mut open: Vec<Element>) -> Result<Element, DecodeError> {
    let document =
        open.pop().filter(|_| open.is_empty()).ok_or_else(|| invalid("an element is not closed"))?;
    document.children.into_iter().next().ok_or_else(|| invalid("there is no element"))
}

fn begin(open: &mut Vec<Element>, name: &str) -> Result<(), DecodeError> {
    if open.len() > MAX_DEPTH {
        return Err(invalid(format_args!("more than {MAX_DEPTH} elements inside each other")));
    }
    open.push(Element { name: name.to_owned(), ..Element::default() });
    Ok(())
}

fn end(open: &mut Vec<Element>) {
    if let Some(element) = open.pop()
        && let Some(parent) = open.last_mut()
    {
        parent.children.push(element);
    }
}

fn push_text(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, DecodeError> {
    if let Some(character) = reference.resolve_char_ref().map_err(invalid)? {
        return Ok(character.to_string());
    }
    let name = reference.xml10_content();
    let text =
        quick_xml::escape::resolve_predefined_entity(&name).ok_or_else(|| invalid("unknown entity"))?;
    Ok(text.to_owned())
}
