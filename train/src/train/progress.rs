//! The progress of a run on a terminal: a bar with the feature `progress`, a line for each epoch without it. This is the only code
//! of the library that writes to a terminal.

use std::io::IsTerminal;

use super::callback::Callback;
use crate::network::Network;

/// Returns the callback that shows the progress, if standard error is a terminal.
pub(crate) fn shown<N: Network>() -> Option<Box<dyn Callback<N>>> {
    #[cfg(not(feature = "progress"))]
    let shown = || Box::new(lines::Lines(std::io::stderr())) as Box<dyn Callback<N>>;
    #[cfg(feature = "progress")]
    let shown = || Box::new(shown::Bar::new(indicatif::ProgressDrawTarget::stderr())) as Box<dyn Callback<N>>;
    std::io::stderr().is_terminal().then(shown)
}

#[cfg(any(test, not(feature = "progress")))]
mod lines {
    use core::ops::ControlFlow;
    use std::io::Write;

    use crate::error::Error;
    use crate::network::Network;
    use crate::train::callback::{Callback, EpochReport};
    use crate::train::history::{Ending, History};

    /// Prints a line for each epoch, and one for a run that ended early.
    #[derive(Debug)]
    pub(super) struct Lines<W>(pub(super) W);

    /// Ignores errors of writing: a terminal that has been closed does not end a run.
    impl<N: Network, W: Write + Send> Callback<N> for Lines<W> {
        fn reads_gradients(&self) -> bool {
            false
        }

        fn on_epoch(&mut self, epoch: &EpochReport<'_, N>) -> Result<ControlFlow<()>, Error> {
            let _ = writeln!(self.0, "{epoch}");
            Ok(ControlFlow::Continue(()))
        }

        fn on_end(&mut self, history: &History) -> Result<(), Error> {
            if history.ending != Ending::Finished {
                let _ = writeln!(
                    self.0,
                    "{} after {}",
                    history.ending,
                    crate::error::counted(history.epochs.len(), "epoch")
                );
            }
            Ok(())
        }
    }
}

#[cfg(feature = "progress")]
mod shown {
    use core::ops::ControlFlow;

    use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

    use crate::error::Error;
    use crate::network::Network;
    use crate::train::callback::{Callback, EpochReport, RunReport, StepReport};
    use crate::train::history::History;

    /// A progress bar of steps with their rate and the remaining time, and a line for each epoch.
    #[derive(Debug)]
    pub(super) struct Bar {
        bar: ProgressBar,
        epochs: u64,
    }

    impl Bar {
        /// Creates a bar that is drawn to `target`.
        pub(super) fn new(target: ProgressDrawTarget) -> Self {
            let bar = ProgressBar::with_draw_target(None, target);
            let template = "{msg} [{bar:30}] {pos}/{len} steps  {per_sec}  {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            Self { bar, epochs: 0 }
        }
    }

    impl<N: Network> Callback<N> for Bar {
        fn reads_gradients(&self) -> bool {
            false
        }

        fn on_start(&mut self, run: &RunReport) -> Result<(), Error> {
            self.bar.set_length(run.epochs.saturating_mul(run.steps_per_epoch));
            self.bar.set_position(run.step);
            self.bar.reset_eta();
            self.epochs = run.epochs;
            Ok(())
        }

        fn on_step(&mut self, step: &StepReport<'_, N>) -> Result<ControlFlow<()>, Error> {
            let loss = step.running.mean();
            let accuracy = crate::train::history::percent(step.running.accuracy());
            self.bar.set_message(format!("epoch {}/{}  loss {loss:.4}{accuracy}", step.epoch, self.epochs));
            self.bar.set_position(step.step);
            Ok(ControlFlow::Continue(()))
        }

        fn on_epoch(&mut self, epoch: &EpochReport<'_, N>) -> Result<ControlFlow<()>, Error> {
            self.bar.println(epoch.to_string());
            Ok(ControlFlow::Continue(()))
        }

        fn on_end(&mut self, _: &History) -> Result<(), Error> {
            self.bar.finish_and_clear();
            Ok(())
        }
    }
}

#[cfg(all(test, feature = "progress"))]
mod tests {
    use core::ops::ControlFlow;

    use indicatif::{InMemoryTerm, ProgressDrawTarget};

    use super::lines::Lines;
    use super::shown::Bar;
    use crate::network::Network;
    use crate::support;

    #[test]
    fn without_a_bar_each_epoch_is_a_line() {
        let (train, mut network, mut written) = (support::data(40, 1), support::Spot::init(1), Vec::new());
        let mut printed = Vec::new();
        support::quick()
            .callback(Lines(&mut written))
            .on_epoch(|report| {
                printed.push(report.to_string());
                let loss = report.metric("validation_loss")?;
                assert_eq!((report.metric("loss")?, Some(loss)), (report.record.loss, report.record.validation_loss));
                let unknown = report.metric("los").unwrap_err().to_string();
                assert!(unknown.starts_with("there is no `los` in this report; there are epoch, step, rate, loss"));
                assert!(unknown.ends_with("did you mean `loss`?"), "{unknown}");
                Ok::<_, crate::error::Error>(if report.record.epoch == 1 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                })
            })
            .fit(&mut network, &train, Some(&train))
            .unwrap();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written.lines().collect::<Vec<_>>(), [printed[0].as_str(), "ended by a callback after 1 epoch"]);
    }

    #[test]
    fn the_bar_shows_the_epochs_the_rate_and_the_time_left_and_goes_away() {
        let terminal = InMemoryTerm::new(30, 160);
        let (train, mut network) = (support::data(40, 1), support::Spot::init(1));
        let mut screens = Vec::new();
        support::quick()
            .callback(Bar::new(ProgressDrawTarget::term_like(Box::new(terminal.clone()))))
            .on_epoch(|_| {
                screens.push(terminal.contents());
                ControlFlow::Continue(())
            })
            .fit(&mut network, &train, Some(&train))
            .unwrap();
        let [first, second] = screens.try_into().unwrap();
        let lines: Vec<&str> = first.lines().collect();
        assert!(lines[0].starts_with("epoch   1  loss ") && lines[0].contains("validation"), "{first}");
        assert!(lines[1].contains(" 3/6 steps") && lines[1].contains("/s"), "{first}");
        assert!(lines[1].starts_with("epoch 1/2  loss ") && lines[1].ends_with(" left"), "{first}");
        assert!(second.contains("epoch   2  loss ") && second.contains(" 6/6 steps"), "{second}");
        let after = terminal.contents();
        assert_eq!(after.lines().count(), 2, "the two lines stay and the bar goes: {after}");
    }
}
