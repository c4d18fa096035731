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
    std::io::stderr().is_terminal().then(|| Box::new(shown::Bar::default()) as Box<dyn Callback<N>>)
}

#[cfg(feature = "progress")]
mod shown {
    use core::ops::ControlFlow;

    use indicatif::{ProgressBar, ProgressStyle};

    use crate::error::Error;
    use crate::network::Network;
    use crate::train::callback::{Callback, EpochReport, RunReport, StepReport};
    use crate::train::history::History;

    /// A bar of steps with their rate and the time left, and a line for each epoch.
    #[derive(Debug, Default)]
    pub(super) struct Bar {
        bar: Option<ProgressBar>,
        epochs: u64,
    }

    impl<N: Network> Callback<N> for Bar {
        fn on_start(&mut self, run: &RunReport) -> Result<(), Error> {
            let bar = ProgressBar::new(run.epochs * run.steps_per_epoch);
            let template = "{msg} [{bar:30}] {pos}/{len} steps  {per_sec}  {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_position(run.step);
            bar.reset_eta();
            (self.bar, self.epochs) = (Some(bar), run.epochs);
            Ok(())
        }

        fn on_step(&mut self, step: &StepReport<'_, N>) -> Result<ControlFlow<()>, Error> {
            if let Some(bar) = &self.bar {
                let accuracy = step.running.accuracy().map_or(String::new(), |a| format!("  {:.2} %", 100.0 * a));
                let loss = step.running.mean();
                bar.set_message(format!("epoch {}/{}  loss {loss:.4}{accuracy}", step.epoch, self.epochs));
                bar.set_position(step.step);
            }
            Ok(ControlFlow::Continue(()))
        }

        fn on_epoch(&mut self, epoch: &EpochReport<'_, N>) -> Result<ControlFlow<()>, Error> {
            if let Some(bar) = &self.bar {
                let record = &epoch.record;
                let percent = |share: Option<f64>| share.map_or(String::new(), |a| format!("  {:.2} %", 100.0 * a));
                let mut line =
                    format!("epoch {:>3}  loss {:.4}{}", record.epoch, record.loss, percent(record.accuracy));
                if let Some(loss) = record.validation_loss {
                    line += &format!("  validation {loss:.4}{}", percent(record.validation_accuracy));
                }
                for series in &epoch.history.metrics {
                    line += &format!("  {} {:.4}", series.name, series.values.last().copied().unwrap_or(f64::NAN));
                }
                bar.println(line + &format!("  {:.1} s", record.seconds));
            }
            Ok(ControlFlow::Continue(()))
        }

        fn on_end(&mut self, _: &History) -> Result<(), Error> {
            if let Some(bar) = self.bar.take() {
                bar.finish_and_clear();
            }
            Ok(())
        }
    }
}
