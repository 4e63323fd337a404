//! How far a task or a check is: a bar on a terminal, plain lines elsewhere, on standard error.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use landfall_api::landfall::PullProgress;

use crate::terminal;

/// Shows a status and a pull.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: Shown,
    status: String,
    /// Layers of which a plain line has been written.
    layers: Option<(i64, i64)>,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines,
    /// After a bar: the task's own output has the terminal.
    Nothing,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let shown = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(120));
            Shown::Bar(bar)
        } else {
            Shown::Lines
        };
        Self { shown, status: String::new(), layers: None }
    }

    /// The task's status, told when it changes.
    pub(crate) fn status(&mut self, status: &str) {
        if self.status == status {
            return;
        }
        status.clone_into(&mut self.status);
        match &self.shown {
            Shown::Bar(bar) => {
                bar.set_style(ProgressStyle::default_spinner());
                bar.set_message(status.to_owned());
            }
            Shown::Lines => terminal::note(status),
            Shown::Nothing => {}
        }
    }

    /// How far the images are.
    pub(crate) fn pull(&mut self, pull: &PullProgress) {
        match &self.shown {
            Shown::Bar(bar) => show(bar, pull),
            Shown::Lines => self.tell(pull),
            Shown::Nothing => {}
        }
    }

    /// One line for each layer that is done, so that a log does not fill with numbers.
    fn tell(&mut self, pull: &PullProgress) {
        let layers = (pull.layers_done, pull.layers_total);
        if pull.layers_total > 0 && self.layers.replace(layers) != Some(layers) {
            terminal::note(&pull_line(pull));
        }
    }

    /// Takes the bar away: what follows is the task's own output.
    pub(crate) fn end(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
            self.shown = Shown::Nothing;
        }
    }
}

fn show(bar: &ProgressBar, pull: &PullProgress) {
    let template = "{spinner} {msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}";
    if pull.bytes_total > 0
        && let Ok(style) = ProgressStyle::with_template(template)
    {
        bar.set_style(style.progress_chars("=> "));
        bar.set_length(pull.bytes_total.unsigned_abs());
        bar.set_position(pull.bytes_done.unsigned_abs());
    }
    bar.set_message(format!("pulling, {} of {} layers", pull.layers_done, pull.layers_total));
}

fn pull_line(pull: &PullProgress) -> String {
    let PullProgress { layers_done, layers_total, bytes_done, bytes_total } = pull;
    format!(
        "pulling: {layers_done} of {layers_total} layers, {} of {}",
        size(*bytes_done),
        size(*bytes_total)
    )
}

/// Bytes in units of 1024.
fn size(bytes: i64) -> String {
    indicatif::BinaryBytes(bytes.unsigned_abs()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_is_a_line() {
        let pull = PullProgress { layers_done: 1, layers_total: 3, bytes_done: 2048, bytes_total: 5 << 20 };
        assert_eq!(pull_line(&pull), "pulling: 1 of 3 layers, 2.00 KiB of 5.00 MiB");
    }
}
