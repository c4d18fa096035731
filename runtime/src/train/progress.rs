//! A progress bar on a terminal.

use super::callback::Callback;
use crate::network::Network;

/// The bar, where there is a terminal to show it on.
#[cfg(not(feature = "progress"))]
pub(crate) fn bar<N: Network>() -> Option<Box<dyn Callback<N>>> {
    None
}

/// The bar, where there is a terminal to show it on.
#[cfg(feature = "progress")]
pub(crate) fn bar<N: Network>() -> Option<Box<dyn Callback<N>>> {
    use std::io::IsTerminal;
    let bar = || Box::new(shown::Bar::new(indicatif::ProgressDrawTarget::stderr())) as Box<dyn Callback<N>>;
    std::io::stderr().is_terminal().then(bar)
}

#[cfg(feature = "progress")]
mod shown {
    use core::ops::ControlFlow;

    use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

    use crate::error::Error;
    use crate::network::Network;
    use crate::train::callback::{Callback, EpochReport, RunReport, StepReport};
    use crate::train::history::History;

    /// A bar of steps with their rate and the time left, and a line for each epoch.
    #[derive(Debug)]
    pub(super) struct Bar {
        bar: ProgressBar,
        epochs: u64,
    }

    impl Bar {
        /// A bar that is drawn there.
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
        fn on_start(&mut self, run: &RunReport) -> Result<(), Error> {
            self.bar.set_length(run.epochs.saturating_mul(run.steps_per_epoch));
            self.bar.set_position(run.step);
            self.bar.reset_eta();
            self.epochs = run.epochs;
            Ok(())
        }

        fn on_step(&mut self, step: &StepReport<'_, N>) -> Result<ControlFlow<()>, Error> {
            let loss = step.running.mean();
            let accuracy = percent(step.running.accuracy());
            self.bar.set_message(format!("epoch {}/{}  loss {loss:.4}{accuracy}", step.epoch, self.epochs));
            self.bar.set_position(step.step);
            Ok(ControlFlow::Continue(()))
        }

        fn on_epoch(&mut self, epoch: &EpochReport<'_, N>) -> Result<ControlFlow<()>, Error> {
            let record = &epoch.record;
            let mut line = format!("epoch {:>3}  loss {:.4}{}", record.epoch, record.loss, percent(record.accuracy));
            if let Some(loss) = record.validation_loss {
                line += &format!("  validation {loss:.4}{}", percent(record.validation_accuracy));
            }
            for series in &epoch.history.metrics {
                line += &format!("  {} {:.4}", series.name, series.values.last().copied().unwrap_or(f64::NAN));
            }
            self.bar.println(line + &format!("  {:.1} s", record.seconds));
            Ok(ControlFlow::Continue(()))
        }

        fn on_end(&mut self, _: &History) -> Result<(), Error> {
            self.bar.finish_and_clear();
            Ok(())
        }
    }

    /// A share as percent behind other numbers; nothing where there is none.
    fn percent(share: Option<f64>) -> String {
        share.map_or(String::new(), |share| format!("  {:.2} %", 100.0 * share))
    }
}

#[cfg(all(test, feature = "progress"))]
mod tests {
    use core::ops::ControlFlow;

    use indicatif::{InMemoryTerm, ProgressDrawTarget};

    use super::shown::Bar;
    use crate::network::Network;
    use crate::support;

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
