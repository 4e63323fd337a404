//! Listings: in the order of keys, a page at a time, keys that share a beginning up to a delimiter rolled up. A page costs
//! what is on it: what is rolled up is stepped over.

use std::sync::Arc;

use landfall_store::{Begins, StoreError, View};

use super::record::{CURRENT, UPLOADS, Upload, VERSIONS, Version};

/// What is listed.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// Keys must begin with this.
    pub prefix: &'a str,
    /// Keys are rolled up to the first of this behind the prefix.
    pub delimiter: Option<&'a str>,
    /// Keys must come after this.
    pub after: Option<&'a str>,
    /// And, of versions and uploads of that very key, after this.
    pub after_id: Option<&'a str>,
    /// Keys and rolled up beginnings, together.
    pub most: usize,
}

/// A page.
#[derive(Debug)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<(String, T)>,
    /// Rolled up beginnings.
    pub prefixes: Vec<String>,
    /// There is more after this: a key or rolled up beginning, and the id of a version or upload.
    pub next: Option<(String, Option<String>)>,
}

/// A version in a listing.
#[derive(Debug)]
pub struct Listed {
    /// The version.
    pub version: Arc<Version>,
    /// It is the newest of its key.
    pub is_latest: bool,
}

/// Sorts after every key that begins with a prefix, but for those that go on with this very letter.
fn behind(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

enum Step {
    Take,
    Jump,
    Full,
}

struct Collector<'a, T> {
    query: Query<'a>,
    page: Page<T>,
    last: Option<(String, Option<String>)>,
}

impl<'a, T> Collector<'a, T> {
    fn new(query: Query<'a>) -> Self {
        Self { query, page: Page { items: Vec::new(), prefixes: Vec::new(), next: None }, last: None }
    }

    fn rolled(&self, key: &str) -> Option<String> {
        let delimiter = self.query.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let rest = key.strip_prefix(self.query.prefix)?;
        let end = rest.find(delimiter)? + delimiter.len();
        key.get(..self.query.prefix.len() + end).map(str::to_owned)
    }

    fn offer(&mut self, key: &str) -> Step {
        let rolled = self.rolled(key);
        if let Some(prefix) = &rolled {
            let before = self.query.after.is_some_and(|after| prefix.as_str() <= after);
            if before || self.page.prefixes.last() == Some(prefix) {
                return Step::Jump;
            }
        }
        if self.page.items.len() + self.page.prefixes.len() >= self.query.most {
            self.page.next = self.last.take();
            return Step::Full;
        }
        let Some(prefix) = rolled else { return Step::Take };
        self.last = Some((prefix.clone(), None));
        self.page.prefixes.push(prefix);
        Step::Jump
    }

    fn take(&mut self, key: String, id: Option<String>, item: T) {
        self.last = Some((key.clone(), id));
        self.page.items.push((key, item));
    }
}

/// Objects.
///
/// # Errors
/// A row cannot be read.
pub fn objects(view: &View, query: Query<'_>) -> Result<Page<Arc<Version>>, StoreError> {
    let mut collector = Collector::new(query);
    if query.most == 0 {
        return Ok(collector.page);
    }
    let mut from = query.after.map(str::to_owned);
    'again: loop {
        let within = (query.bucket, Begins(query.prefix));
        let scan = match &from {
            Some(after) => view.scan_after(&CURRENT, within, &(query.bucket, after.as_str())),
            None => view.scan(&CURRENT, within),
        };
        for row in scan {
            let ((bucket, key), order) = row?;
            match collector.offer(&key) {
                Step::Full => break 'again,
                Step::Jump => {
                    from = collector.rolled(&key).map(|prefix| behind(&prefix)).max(Some(key));
                    continue 'again;
                }
                Step::Take => {
                    let version = view.get(&VERSIONS, &(bucket.as_str(), key.as_str(), *order))?;
                    if let Some(version) = version {
                        collector.take(key, None, version);
                    }
                }
            }
        }
        break;
    }
    Ok(collector.page)
}

/// Versions.
///
/// # Errors
/// A row cannot be read.
pub fn versions(view: &View, query: Query<'_>) -> Result<Page<Listed>, StoreError> {
    let mut collector = Collector::new(query);
    if query.most == 0 {
        return Ok(collector.page);
    }
    let mut from = query.after.map(|key| (key.to_owned(), u64::MAX));
    if let (Some(key), Some(id)) = (query.after, query.after_id)
        && let Some(found) = super::objects::find(view, query.bucket, key, Some(id))?
    {
        from = Some((key.to_owned(), found.order));
    }
    let mut previous = from.as_ref().filter(|(_, order)| *order != u64::MAX).map(|(key, _)| key.clone());
    'again: loop {
        let within = (query.bucket, Begins(query.prefix));
        let scan = match &from {
            Some((key, order)) => view.scan_after(&VERSIONS, within, &(query.bucket, key.as_str(), *order)),
            None => view.scan(&VERSIONS, within),
        };
        for row in scan {
            let ((_, key, _), version) = row?;
            match collector.offer(&key) {
                Step::Full => break 'again,
                Step::Jump => {
                    let to = collector.rolled(&key).map(|prefix| behind(&prefix)).max(Some(key));
                    let to = to.unwrap_or_default();
                    from = Some((to, u64::MAX));
                    continue 'again;
                }
                Step::Take => {
                    let is_latest = previous.as_ref() != Some(&key);
                    previous = Some(key.clone());
                    collector.take(key, Some(version.id.clone()), Listed { version, is_latest });
                }
            }
        }
        break;
    }
    Ok(collector.page)
}

/// Uploads that are under way, with their ids.
///
/// # Errors
/// A row cannot be read.
pub fn uploads(view: &View, query: Query<'_>) -> Result<Page<(String, Arc<Upload>)>, StoreError> {
    let mut collector = Collector::new(query);
    if query.most == 0 {
        return Ok(collector.page);
    }
    let after_id = query.after_id.map_or_else(|| char::MAX.to_string(), str::to_owned);
    let mut from = query.after.map(|key| (key.to_owned(), after_id));
    'again: loop {
        let within = (query.bucket, Begins(query.prefix));
        let scan = match &from {
            Some((key, id)) => view.scan_after(&UPLOADS, within, &(query.bucket, key.as_str(), id.as_str())),
            None => view.scan(&UPLOADS, within),
        };
        for row in scan {
            let ((_, key, id), upload) = row?;
            match collector.offer(&key) {
                Step::Full => break 'again,
                Step::Jump => {
                    let to = collector.rolled(&key).map(|prefix| behind(&prefix)).max(Some(key));
                    let to = to.unwrap_or_default();
                    from = Some((to, String::new()));
                    continue 'again;
                }
                Step::Take => collector.take(key, Some(id.clone()), (id, upload)),
            }
        }
        break;
    }
    Ok(collector.page)
}
