//! Batch normalisation needs two values: a batch with one value is refused, or its image joins another batch.

use netwright::PassError;
use netwright::optim::Adam;
use netwright::prelude::*;
use netwright::train::adversarial::input_gradient;
use netwright::train::{Checkpoints, GradientEngine, Loader, Preparation, Stream, statistics::layer_statistics};
use netwright::{Architecture, Error, Pass};

netwright::network! {
    Row(3) { dense 8 bn relu; softmax 2 }
    /// An image of one pixel is a row.
    Pixel(1x1x3) { conv 1x1x8 relu; conv 1x1x8; bn as narrow; relu; softmax 2 }
    /// Its last normalisation, after the pool, sees one pixel.
    Pooled(4x4x2) { conv 3x3x4 same bn relu; globalavgpool; bn as last; softmax 2 }
    Wide(4x4x2) { conv 3x3x4 same bn relu; globalavgpool; softmax 2 }
    Still(3) { dense 8; bn frozen; relu; softmax 2 }
    Plain(3) { dense 8 relu; softmax 2 }
}

#[test]
fn a_network_reports_the_layer_that_normalises_one_value() {
    fn layer<N: Architecture>() -> Option<&'static str> {
        N::NORMALISE_ONE_VALUE.first().map(|&layer| N::LAYERS[layer].name)
    }
    assert_eq!(
        [layer::<Row>(), layer::<Pixel>(), layer::<Pooled>()],
        [Some("batchnorm1"), Some("narrow"), Some("last")]
    );
    assert_eq!([layer::<Wide>(), layer::<Still>(), layer::<Plain>()], [None; 3]);
    assert_eq!([Row::FEWEST_IMAGES, Pooled::FEWEST_IMAGES, Wide::FEWEST_IMAGES, Plain::FEWEST_IMAGES], [2, 2, 1, 1]);
}

fn inputs(count: usize) -> Vec<[f32; 3]> {
    (0..count).map(|i| core::array::from_fn(|k| ((7 * i + 3 * k) % 11) as f32 / 5.0 - 1.0)).collect()
}

fn set(count: usize) -> Dataset<[f32; 3]> {
    Dataset::new(inputs(count), (0..count).map(|i| i / 2 % 2).collect()).unwrap()
}

fn trainer<'c, N: Network<Scalar = f32>>(batch: usize) -> Trainer<'c, N, usize, CrossEntropy, Adam> {
    let trainer = Trainer::new().epochs(3).unwrap().batch(batch).unwrap().seed(3).progress(false);
    trainer.loss(CrossEntropy::new()).optimizer(Adam::new(0.01).unwrap())
}

fn refused<R>(result: Result<R, Error>, layer: &str) -> String {
    match result {
        Err(Error::Pass(PassError::OneValue { layer: found })) if found == layer => {
            PassError::OneValue { layer: found }.to_string()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it trains on nothing"),
    }
}

#[test]
fn one_image_is_refused_in_every_way_of_training() {
    let mut network = Row::init(1);
    let before = network.parameters().to_vec();
    let text = refused(trainer(1).fit(&mut network, &set(10), None), "batchnorm1");
    assert!(text.contains("1 image") && text.contains("at least 2 images"), "{text}");
    refused(trainer(4).fit(&mut network, &set(1), None), "batchnorm1");
    let stream = Stream::new(1, |_| inputs(1).into_iter().map(|input| Ok::<_, Error>((input, 0)))).unwrap();
    refused(trainer(4).fit_stream(&mut network, &stream, None), "batchnorm1");

    let (images, labels, loss) = (inputs(1), [1], CrossEntropy::new());
    let mut engine = GradientEngine::<Row>::new(4, 1).unwrap();
    refused(engine.gradient(&mut network, &images, &labels, &loss, Pass::default()), "batchnorm1");
    let mut workspace = Row::workspace(4);
    let own = network.forward(Pass::default(), &images, &mut workspace).map(<[_]>::len);
    refused(own.map_err(Error::from), "batchnorm1");
    refused(input_gradient(&network, &images, &labels, &loss, Pass::default()), "batchnorm1");
    refused(layer_statistics(&network, &images, &labels, &loss), "batchnorm1");
    assert_eq!(network.parameters(), before);

    // A frozen pass uses the moving statistics, so one image is enough.
    let frozen = Pass { frozen: true, ..Pass::default() };
    engine.gradient(&mut network, &images, &labels, &loss, frozen).unwrap();
    assert!(engine.gradients().tensor("dense1", "kernel").unwrap().iter().any(|&slope| slope != 0.0));

    let pixels = Dataset::new(vec![Tensor::<1, 1, 3>::zeros(); 4], vec![0, 1, 0, 1]).unwrap();
    refused(trainer::<Pixel>(1).fit(&mut Pixel::init(1), &pixels, None), "narrow");
    let images = Dataset::new(vec![Tensor::<4, 4, 2>::zeros(); 4], vec![0, 1, 0, 1]).unwrap();
    refused(trainer::<Pooled>(1).fit(&mut Pooled::init(1), &images, None), "last");
    trainer::<Wide>(1).fit(&mut Wide::init(1), &images, None).unwrap();
    let frozen = trainer::<Row>(1).optimizer(Adam::new(0.01).unwrap().freeze("batchnorm1"));
    frozen.fit(&mut Row::init(1), &set(3), None).unwrap();
    trainer::<Still>(1).fit(&mut Still::init(1), &set(3), None).unwrap();
    trainer::<Plain>(1).fit(&mut Plain::init(1), &set(3), None).unwrap();
}

#[test]
fn one_image_left_over_of_an_epoch_joins_the_batch_before() -> Result<(), Error> {
    let data = set(9);
    let mut loader = Loader::new(&data, 4, Preparation::new(1))?.join_left_over(Row::FEWEST_IMAGES);
    assert_eq!((loader.steps_per_epoch(), loader.capacity()), (2, 5));
    let mut seen: Vec<u64> = Vec::new();
    let mut sizes = Vec::new();
    while let Some(batch) = loader.next_batch()? {
        sizes.push(batch.len());
        seen.extend(batch.numbers());
    }
    seen.sort_unstable();
    assert_eq!((sizes, seen), (vec![4, 5], (0..9).collect()));
    let loader = Loader::new(&data, 4, Preparation::new(1))?.join_left_over(Plain::FEWEST_IMAGES);
    assert_eq!((loader.steps_per_epoch(), loader.capacity()), (3, 4));
    Ok(())
}

/// Trains a network; returns the bits of its weights and the number of steps.
fn run(
    threads: usize,
    change: impl Fn(Trainer<'static, Row, usize, CrossEntropy, Adam>) -> Trainer<'static, Row, usize, CrossEntropy, Adam>,
) -> (Vec<u32>, u64) {
    let mut network = Row::init(1);
    let trainer = change(trainer(4)).threads(threads).unwrap();
    let history = trainer.fit(&mut network, &set(9), None).unwrap();
    (network.parameters().iter().map(|number| number.to_bits()).collect(), history.last().unwrap().step)
}

#[test]
fn a_run_with_one_left_over_has_the_same_bits_on_any_threads_and_after_a_stop() {
    let whole = run(1, |trainer| trainer);
    assert_eq!(whole.1, 6, "two steps an epoch");
    assert!(run(2, |trainer| trainer) == whole && run(7, |trainer| trainer) == whole);
    let folder = std::env::temp_dir().join(format!("netwright-one-value-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for stop in 1..6 {
        let path = folder.join(format!("{stop}.checkpoint"));
        let saved = || Checkpoints::new(&path).resume(true);
        let mut network = Row::init(1);
        let stopped = trainer(4).checkpoints(saved()).on_step(move |report| {
            if report.step == stop { core::ops::ControlFlow::Break(()) } else { core::ops::ControlFlow::Continue(()) }
        });
        stopped.fit(&mut network, &set(9), None).unwrap();
        assert!(run(2, |trainer| trainer.checkpoints(saved())) == whole, "stopped after step {stop}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn one_image_left_over_of_ghost_batches_joins_them() {
    let (images, labels, loss) = (inputs(7), [0, 1, 1, 0, 1, 0, 0], CrossEntropy::new());
    let gradient = |threads: usize, count: usize| {
        let mut network = Row::init(1);
        let mut engine = GradientEngine::ghost_batches(7, 2, threads).unwrap();
        engine.gradient(&mut network, &images[..count], &labels[..count], &loss, Pass::default()).unwrap();
        let statistics = network.statistics().to_vec();
        (engine.gradients().as_slice().to_vec(), statistics, engine.micro_batch_size())
    };
    for count in [2, 3, 5, 6, 7] {
        assert!(gradient(1, count) == gradient(3, count), "{count} images");
    }
    // Three images, of ghost batches of two, are one of three.
    let mut engine = GradientEngine::<Row>::new(3, 1).unwrap();
    engine.gradient(&mut Row::init(1), &images[..3], &labels[..3], &loss, Pass::default()).unwrap();
    assert_eq!((gradient(2, 3).0, gradient(2, 3).2), (engine.gradients().as_slice().to_vec(), 3));
    assert_eq!(GradientEngine::<Plain>::ghost_batches(7, 2, 1).unwrap().micro_batch_size(), 2);
    let trainer = trainer(5).ghost_batch(2).unwrap();
    trainer.fit(&mut Row::init(1), &set(11), None).unwrap();
}

#[test]
fn one_image_left_over_of_a_gradient_by_images_is_not_alone() -> Result<(), Error> {
    let (network, images) = (Row::init(1), inputs(33));
    let gradient = input_gradient(&network, &images, &[0; 33], &CrossEntropy::new(), Pass::default())?;
    assert!(gradient[32 * 3..].iter().any(|&slope| slope != 0.0), "{:?}", &gradient[96..]);
    Ok(())
}
