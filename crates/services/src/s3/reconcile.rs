//! Background work: lifecycle rules are applied, files that nothing needs go, and so does what old uploads made.

use std::collections::HashSet;

use landfall_store::WriteError;

use super::record::{GARBAGE, PARTS, VERSIONS};
use super::{completed, lifecycle};
use crate::pipe::{Failure, Installation};

/// How long a file stays that nothing needs any more, for those who are reading it.
const GRACE: i64 = 300;

/// How many go at a time.
const BATCH: usize = 1000;

/// Applies lifecycle rules, removes files whose objects were deleted or replaced, and forgets uploads that were completed long ago.
///
/// # Errors
/// A row cannot be read, or the disk did not take the change.
pub fn reconcile(installation: &Installation) -> Result<(), Failure> {
    lifecycle::apply(installation)?;
    forget_completed(installation)?;
    remove_garbage(installation)
}

fn forget_completed(installation: &Installation) -> Result<(), Failure> {
    let now = installation.clock.now();
    while completed::is_due(&installation.store.view(), now)? {
        let written =
            installation.store.write("forget completed uploads", |tx| completed::forget_old(tx, now));
        written.map_err(WriteError::flatten)?;
    }
    Ok(())
}

fn remove_garbage(installation: &Installation) -> Result<(), Failure> {
    let until = installation.clock.now().plus_seconds(-GRACE);
    loop {
        let mut due = Vec::new();
        for row in installation.store.view().scan(&GARBAGE, ()).take(BATCH) {
            let (key, _) = row?;
            if key.0 > until {
                break;
            }
            due.push(key);
        }
        if due.is_empty() {
            return Ok(());
        }
        for (_, id) in &due {
            installation.objects.remove(id).map_err(Failure::internal)?;
        }
        let written = installation.store.write("forget files of objects", |tx| -> Result<(), Failure> {
            for key in &due {
                tx.delete(&GARBAGE, key);
            }
            Ok(())
        });
        written.map_err(WriteError::flatten)?;
    }
}

/// Removes files that a server wrote which ended before a row named them. For once, at the start.
///
/// # Errors
/// A row cannot be read; what the disk said.
pub fn sweep(installation: &Installation) -> Result<usize, Failure> {
    let older = installation.objects.older_files().map_err(Failure::internal)?;
    let view = installation.store.view();
    let mut needed = HashSet::new();
    for row in view.scan(&VERSIONS, ()) {
        let (_, version) = row?;
        let pieces = version.object.iter().flat_map(|object| &object.content.pieces);
        needed.extend(pieces.map(|piece| piece.id.clone()));
    }
    for row in view.scan(&PARTS, ()) {
        needed.insert(row?.1.piece.id.clone());
    }
    for row in view.scan(&GARBAGE, ()) {
        needed.insert(row?.0.1);
    }
    let orphans: Vec<_> = older.into_iter().filter(|id| !needed.contains(id)).collect();
    for id in &orphans {
        installation.objects.remove(id).map_err(Failure::internal)?;
    }
    Ok(orphans.len())
}
