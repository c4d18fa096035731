//! Compares the output for the first image, and the values of every layer.

use netwright::Observer;
use netwright::private::{Network, Output, Sample, Scalar};

use super::figures::{Figures, Kind};
use super::{Golden, Layer, Summary, off_logits, ranked};

/// Summaries of the values of each layer: of its last ones, but of an output layer the first ones, which are its logits.
struct Seen(Vec<Option<(usize, Summary)>>, usize);

impl<T: Scalar> Observer<T> for Seen {
    fn computed(&mut self, layer: usize, values: &mut [T]) {
        if layer != self.1 || self.0[layer].is_none() {
            self.0[layer] = Some((values.len(), Summary::of(values)));
        }
    }
}

impl Golden {
    pub(super) fn predict<N: Network>(&self, figures: &mut Figures)
    where
        N::Input: Output<N::Scalar>,
    {
        let network = self.network::<N>();
        let image = &self.images::<N>(1)[0];
        let answer = network.predict(image);
        let most = figures.tolerance.forward.max(figures.tolerance.rounded);
        figures.note(Kind::Logits, off_logits(answer.elements(), &self.logits), most, "the prediction");
        let found = ranked(answer.elements().iter().map(|number| number.to_f64()));
        let expected = ranked(self.logits.iter().copied());
        if found[..10] != expected[..10] {
            figures.wrong(format!("the ten most probable are {:?}, expected {:?}", &found[..10], &expected[..10]));
        }
        let mut seen = Seen((0..N::LAYERS.len()).map(|_| None).collect(), N::LAYERS.len() - 1);
        let observed = network.predict_observed(image, &mut seen);
        assert_eq!(observed.elements(), answer.elements(), "an observer changes nothing");
        self.compare_layers::<N>(&seen, figures);
    }

    fn compare_layers<N: Network>(&self, seen: &Seen, figures: &mut Figures) {
        // Scaling a residual is a layer in netwright, and a part of the sum elsewhere; dropout is skipped in both.
        let ours = N::LAYERS.iter().enumerate().filter(|(_, layer)| !matches!(word(layer.name), "scale" | "dropout"));
        let theirs: Vec<&Layer> = self.layers.iter().filter(|layer| layer.0 != "dropout").collect();
        let ours: Vec<_> = ours.collect();
        assert_eq!(ours.len(), theirs.len(), "as many layers");
        let is_merged =
            |name| N::PLAN.of(netwright::plan::Direction::Predicting).any(|call| call.merged().any(|row| row == name));
        for ((index, layer), Layer(kind, shape, mean, deviation, norm, probes)) in ours.into_iter().zip(theirs) {
            assert_eq!(word(layer.name), kind, "{}", layer.name);
            let len: usize = shape.iter().product();
            assert_eq!(layer.output.len(), len, "{}", layer.name);
            if is_merged(layer.name) {
                continue;
            }
            match &seen.0[index] {
                Some((length, summary)) if *length == len => {
                    let off = summary.off(len, *mean, *deviation, *norm, probes);
                    figures.note(Kind::Layers, off, figures.tolerance.forward, layer.name);
                }
                _ => figures.wrong(format!("{} was not seen", layer.name)),
            }
        }
    }
}

/// Returns the word in a layer's name: `conv` of `identity3.conv2`.
fn word(name: &str) -> &str {
    let own = name.rsplit('.').next().unwrap_or(name);
    own.trim_end_matches(|letter: char| letter.is_ascii_digit())
}
