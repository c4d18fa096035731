//! Compares several steps of an optimiser.

use netwright::optim::{Adam, Optimizer, Sgd};
use netwright::private::{Network, Output, Sample, Scalar};

use super::figures::{Figures, Kind};
use super::training::{relative, run_step};
use super::{Golden, Trajectory, norm, off_logits, tensors};

/// For each step of each trajectory, whether the gradient of each parameter is set to 0.
pub(super) type ZeroedGradients = Vec<Vec<Vec<bool>>>;

impl Golden {
    pub(super) fn follow<N: Network>(&self, zeroed: &ZeroedGradients, figures: &mut Figures)
    where
        N::Input: Output<N::Scalar>,
        Sgd<N::Scalar>: Optimizer<N::Scalar>,
        Adam<N::Scalar>: Optimizer<N::Scalar>,
    {
        for (trajectory, zeroed) in self.trajectories.iter().zip(zeroed) {
            let name = if trajectory.momentum > 0.0 { "momentum" } else { trajectory.rule.as_str() };
            let (last, before) = trajectory.losses.split_last().expect("there are losses");
            let mut losses = Vec::new();
            let network = self.run::<N>(trajectory, |step, loss, gradients| {
                losses.push(loss);
                let zeroed = gradients.iter_mut().zip(&zeroed[step]).filter(|(_, zeroed)| **zeroed);
                zeroed.for_each(|(gradient, _)| *gradient = Scalar::ZERO);
            });
            for (step, (found, expected)) in losses.iter().zip(before).enumerate() {
                let place = format!("{name}, step {step}");
                figures.note(Kind::Trajectory, relative(*found, *expected), figures.tolerance.loss, place);
            }
            // On a copy, because computing the loss updates the moving statistics.
            let images = self.images::<N>(trajectory.labels.len());
            let loss = run_step::<N>(&mut network.clone(), &images, &trajectory.labels).loss;
            figures.note(
                Kind::Trajectory,
                relative(loss, *last),
                figures.tolerance.loss,
                format!("{name}, at the end"),
            );
            if !trajectory.logits.is_empty() {
                let off = off_logits(network.predict(&images[0]).elements(), &trajectory.logits);
                let most = figures.tolerance.forward.max(figures.tolerance.rounded);
                figures.note(Kind::Trajectory, off, most, format!("{name}, the prediction"));
            }
            self.compare_moved(&network, &trajectory.parameters, Kind::Trajectory, figures);
        }
    }

    /// Runs the steps of a trajectory. `before` receives the index and the loss of each step, and may change its gradient.
    fn run<N: Network>(&self, trajectory: &Trajectory, mut before: impl FnMut(usize, f64, &mut [N::Scalar])) -> N
    where
        N::Input: Output<N::Scalar>,
        Sgd<N::Scalar>: Optimizer<N::Scalar>,
        Adam<N::Scalar>: Optimizer<N::Scalar>,
    {
        let images = self.images::<N>(trajectory.labels.len());
        let mut network = self.network::<N>();
        let mut optimizer = optimizer::<N::Scalar>(trajectory);
        for step in 0..trajectory.losses.len() - 1 {
            let mut result = run_step::<N>(&mut network, &images, &trajectory.labels);
            before(step, result.loss, result.gradients.as_mut_slice());
            let parameters = network.parameters_mut();
            let stepped = optimizer.step(trajectory.rate, N::LAYERS, parameters, result.gradients.as_slice());
            stepped.expect("it fits");
        }
        network
    }

    /// Returns the tensors whose gradients were set to 0 for the golden values: a bias before batch normalisation has the gradient 0, and Adam
    /// would make its rounding as large as any other gradient.
    #[allow(dead_code)]
    pub(super) fn zeroed<N: Network>(&self) -> ZeroedGradients {
        let steps = self.trajectories.iter().map(|trajectory| vec![self.zeros::<N>(); trajectory.losses.len() - 1]);
        steps.collect()
    }

    /// Returns these, and for each step the parameters whose gradient is rounding only in double precision: a shift that no rectifier clips, and
    /// that batch normalisation removes.
    pub(super) fn zeroed_in_double_precision<N: Network<Scalar = f64>>(&self) -> ZeroedGradients
    where
        N::Input: Output<f64>,
    {
        let steps = |trajectory| {
            let mut zeroed = Vec::new();
            self.run::<N>(trajectory, |_, _, gradients| {
                let mut now = self.zeros::<N>();
                for (_, tensor) in tensors::<N>().iter().filter(|(_, tensor)| tensor.kind.is_trained()) {
                    let (start, own) = (tensor.offset, &gradients[tensor.offset..][..tensor.len]);
                    let rounding = 1e-13 * norm(own);
                    let tiny = own.iter().zip(&mut now[start..]).filter(|(number, _)| number.abs() < rounding);
                    tiny.for_each(|(_, now)| *now = true);
                }
                gradients.iter_mut().zip(&now).filter(|(_, now)| **now).for_each(|(gradient, _)| *gradient = 0.0);
                zeroed.push(now);
            });
            zeroed
        };
        self.trajectories.iter().map(steps).collect()
    }

    fn zeros<N: Network>(&self) -> Vec<bool> {
        let mut zeros = vec![false; N::PARAMETERS];
        let ours = tensors::<N>();
        for &number in self.train.iter().flat_map(|step| &step.zero) {
            let (_, tensor) = ours[self.index(number)];
            zeros[tensor.offset..][..tensor.len].fill(true);
        }
        zeros
    }
}

fn optimizer<T>(trajectory: &Trajectory) -> Box<dyn Optimizer<T>>
where
    T: netwright::Precision,
    Sgd<T>: Optimizer<T>,
    Adam<T>: Optimizer<T>,
{
    match trajectory.rule.as_str() {
        "sgd" => {
            let plain = Sgd::<T>::new(trajectory.rate).expect("a rate");
            Box::new(plain.momentum(trajectory.momentum).expect("a momentum"))
        }
        "adam" => Box::new(Adam::<T>::new(trajectory.rate).expect("a rate")),
        other => panic!("{other} is no optimiser of these numbers"),
    }
}
