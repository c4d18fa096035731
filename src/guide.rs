//! Training, from the data to a network that can be trusted, topic by topic.
//!
//! # Data
//!
//! A [`Dataset`](crate::data::Dataset) holds inputs and targets in memory. Targets are labels (`usize`, `bool`), a value for each output (`f32` for a
//! single one, `[f32; N]`), or a label or a value for each pixel. [`data`](crate::data) reads IDX files
//! ([`mnist`](crate::data::mnist)), CIFAR-10 ([`cifar10`](crate::data::cifar10)), tables ([`csv`](crate::data::csv)), and with the feature `images` a
//! folder that has a subfolder of pictures for each class. Data that does not fit into memory comes from any iterator, by
//! [`Stream`](crate::train::Stream) and [`fit_stream`](crate::train::Trainer::fit_stream).
//!
//! ```no_run
//! use netwright::prelude::*;
//! use netwright::{Error, data};
//!
//! type Digits = Dataset<Tensor<28, 28, 1>>;
//!
//! /// The sets for training, for early stopping, and for the final test.
//! fn digits() -> Result<[Digits; 3], Error> {
//!     let (train, test) = data::mnist("mnist")?;
//!     let (train, validation) = train.dataset()?.split(0.1, 1)?; // a tenth of each class, drawn by the seed 1
//!     Ok([train, validation, test.dataset()?])
//! }
//! ```
//!
//! Columns of a table are chosen by name, or as the first or the last; missing values are filled and categories are one-hot encoded. The means and
//! standard deviations of a normalisation are saved beside the network, for rows to predict later. `examples/table` shows the whole way from a file
//! to a second program that predicts.
//!
//! ```no_run
//! use netwright::data::csv::{self, Column, Fill};
//! use netwright::data::{Dataset, Normalization};
//! use netwright::{Error, Tensor};
//!
//! fn houses() -> Result<Dataset<[f32; 8], [f32; 1]>, Error> {
//!     let table = csv::read("houses.csv")?.fill("age", Fill::Median)?.one_hot("district")?;
//!     let (mut train, _test) = table.regression(["price"])?.split(0.2, 1)?; // shuffled, for any target
//!     let inputs = Normalization::fit(train.inputs(), 8)?;
//!     inputs.apply(train.inputs_mut())?;
//!     inputs.save("houses.inputs.csv")?; // `Normalization::load(…)?.apply_one(&mut row)` where rows are predicted
//!     Ok(train)
//! }
//!
//! fn mnist() -> Result<Dataset<Tensor<28, 28, 1>>, Error> {
//!     csv::read("mnist_train.csv.gz")?.images([28, 28, 1], 255, Column::First, 10)?.dataset()
//! }
//! ```
//!
//! # A training run
//!
//! A [`Trainer`](crate::train::Trainer) needs a loss and an optimiser; all other settings have defaults. An invalid setting, such as a negative rate,
//! is an error where it is set. The [`loss`](crate::loss) and the last layer belong together: `CrossEntropy` with `softmax N`, `BinaryCrossEntropy`
//! with `sigmoid`, `SquaredError` and `MeanAbsoluteError` with any. Each is the mean over outputs and pixels, unless
//! [`Reduction::Sum`](crate::loss::Reduction) is set. [`optim`](crate::optim) has `Sgd` (with momentum, also Nesterov's), `RmsProp`,
//! `Adam` and `AdamW`, each with gradient clipping and with penalties, which by default apply to weights and not to biases. A
//! [`schedule`](crate::schedule) multiplies the learning rate.
//!
//! ```
//! use netwright::prelude::*;
//! use netwright::schedule::{Cosine, WarmUp};
//! use netwright::train::History;
//! use netwright::Error;
//!
//! netwright::network! {
//!     pub Reader(28x28x1) {
//!         conv 5x5x8 relu init he; maxpool 2;
//!         conv 5x5x16 relu; maxpool 2;
//!         dropout 0.3; dense 64 relu as features; softmax 10
//!     }
//! }
//!
//! type Digits = Dataset<Tensor<28, 28, 1>>;
//!
//! fn train(reader: &mut Reader, train: &Digits, validation: &Digits) -> Result<History, Error> {
//!     Trainer::new()
//!         .epochs(20)?
//!         .batch(64)?
//!         .seed(1) // seeds all random draws; the same seed gives the same bits on any number of threads
//!         .loss(CrossEntropy.label_smoothing(0.05)?)
//!         .optimizer(AdamW::new(0.002)?.weight_decay_for("features", 0.05)?.clip_norm(1.0)?)
//!         .schedule(WarmUp::new(1.0, Cosine)?)
//!         .fit(reader, train, Some(validation))
//! }
//! ```
//!
//! # Fine-tuning
//!
//! A network trained for one task can be the start for another: [`copy_from`](crate::SaveWeights::copy_from) copies a part of its weights. To keep
//! layers unchanged, freeze them by name in the optimiser, or for good by the word `frozen` behind a stage, which also saves their backward pass.
//! Layers that should change slowly get a learning rate of their own. Frozen batch normalisation uses its moving statistics and does not update them.
//!
//! ```
//! # use netwright::prelude::*;
//! # use netwright::Error;
//! netwright::network! {
//!     block features() { conv 3x3x8 bn relu; maxpool 2; conv 3x3x16 bn relu; maxpool 2 }
//!
//!     pub Digits(28x28x1) { features(); softmax 10 }
//!     pub Letters(28x28x1) { features(); softmax 26 }
//!     /// The frozen features of another network, and a new head.
//!     pub Signs(28x28x1) { features() frozen; softmax 4 }
//! }
//!
//! fn transfer(digits: &Digits, train: &Dataset<Tensor<28, 28, 1>>) -> Result<Letters, Error> {
//!     let mut letters = Letters::init(1);
//!     letters.copy_from(digits, "features")?;
//!     let head = Adam::new(0.01)?.freeze("features");
//!     Trainer::new().epochs(2)?.loss(CrossEntropy).optimizer(head).fit(&mut letters, train, None)?;
//!     let all = Adam::new(0.001)?.rate_for("features", 0.0001)?.freeze("features.conv1");
//!     Trainer::new().epochs(5)?.loss(CrossEntropy).optimizer(all).fit(&mut letters, train, None)?;
//!     Ok(letters)
//! }
//!
//! assert!(Signs::TRAINABLE < Signs::PARAMETERS);
//! ```
//!
//! # Against overfitting
//!
//! `dropout` and `tied` weights are words of the language. Augmentation, mixup and early stopping are settings of the trainer. Several networks
//! trained on bootstrap samples are combined in an [`Ensemble`](crate::train::Ensemble), by the mean of their answers or by vote.
//!
//! ```
//! # use netwright::prelude::*;
//! # netwright::network! { pub Reader(28x28x1) { dense 16 relu; softmax 10 } }
//! # type Digits = Dataset<Tensor<28, 28, 1>>;
//! use netwright::train::{Bagging, Ensemble, Mixup, Samples};
//! use netwright::Error;
//!
//! fn careful(reader: &mut Reader, train: &impl Samples<Tensor<28, 28, 1>, usize>, validation: &Digits) -> Result<(), Error> {
//!     Trainer::new()
//!         .loss(CrossEntropy)
//!         .optimizer(Sgd::new(0.05)?.momentum(0.9)?.l2(1e-4)?)
//!         .augment(Augmentation::new().shift(2.0)?.rotate(10.0)?.scale(0.1)?)
//!         .mixup(Mixup::new(0.2)?)
//!         .early_stopping(EarlyStopping::new(5)?.min_delta(0.001)?) // restores the best weights at the end
//!         .threads(1)?
//!         .progress(false)
//!         .fit(reader, train, Some(validation))
//!         .map(drop)
//! }
//!
//! fn together(train: &Digits, validation: &Digits, test: &Digits) -> Result<Ensemble<Reader>, Error> {
//!     let ensemble = Bagging::new(5)?.fit(train, |_, member: &mut Reader, sample| careful(member, sample, validation))?;
//!     println!("{}", ensemble.accuracy(test)?); // the mean, the vote, and every member alone
//!     Ok(ensemble)
//! }
//! ```
//!
//! # Monitoring a run
//!
//! While it runs, a trainer prints a line for each epoch if standard error is a terminal, or a progress bar with the feature `progress`, unless it is
//! [`quiet`](crate::train::Trainer::quiet). `Reader::summary()` is the table of layers. Reports, histories, the table of a network and every error
//! implement `Display`: print them by `{}`.
//!
//! A run returns its [`History`](crate::train::History), and [`see`](crate::see) draws it: in the terminal, and with the feature `plots` as
//! PNG or SVG. A [`StatisticsRecorder`](crate::train::statistics::StatisticsRecorder) records for every layer and epoch the distribution of its
//! activations, the share that is saturated or dead, and the norm of its gradient.
//!
//! ```
//! # use netwright::prelude::*;
//! # netwright::network! { pub Reader(28x28x1) { conv 5x5x4 tanh; dense 16 relu; softmax 10 } }
//! # type Digits = Dataset<Tensor<28, 28, 1>>;
//! use netwright::see::{Occlusion, Sheet, filters};
//! use netwright::train::statistics::StatisticsRecorder;
//! use netwright::Error;
//!
//! fn watch(reader: &mut Reader, train: &Digits, test: &Digits) -> Result<(), Error> {
//!     let (images, labels) = test.subset(&[0, 1, 2, 3, 4, 5, 6, 7])?.into_parts();
//!     let mut recorder = StatisticsRecorder::new(images, labels, CrossEntropy)?;
//!     let history = Trainer::new()
//!         .loss(CrossEntropy)
//!         .optimizer(Adam::new(0.001)?)
//!         .callback(&mut recorder)
//!         .on_epoch(|report| println!("{report}")) // `report.metric("validation_loss")?` is one of its values
//!         .fit(reader, train, Some(test))?;
//!     println!("{}\n{}", history.learning_curves(), recorder.history());
//!     println!("{}", ConfusionMatrix::of(&predict_all(reader, test), test.targets())?);
//!     println!("{}", Sheet::new("filters").numbered(filters(reader, "conv1")?));
//!     let hidden = Occlusion::new(5)?.map(reader, &test.inputs()[0], test.targets()[0])?;
//!     println!("where it looks:\n{}", hidden.drop());
//!     Ok(())
//! }
//! ```
//!
//! # Stopping and resuming
//!
//! [`Checkpoints`](crate::train::Checkpoints) hold the complete state of a run; a run that was stopped or killed resumes with the same bits. With the
//! feature `ctrlc`, `Trainer::stop_on_ctrl_c` finishes the current step and saves. Weights alone are saved as a safetensors file:
//! [`SaveWeights`](crate::SaveWeights).
//!
//! ```no_run
//! # use netwright::prelude::*;
//! # netwright::network! { pub Reader(28x28x1) { dense 16 relu; softmax 10 } }
//! # type Digits = Dataset<Tensor<28, 28, 1>>;
//! use netwright::Error;
//!
//! fn safely(reader: &mut Reader, train: &Digits) -> Result<(), Error> {
//!     let folder = RunFolder::new("runs/reader")?;
//!     Trainer::new()
//!         .loss(CrossEntropy)
//!         .optimizer(Adam::new(0.001)?)
//!         .checkpoints(Checkpoints::new(folder.file("last.checkpoint")).every_steps(500)?.resume(true))
//!         .callback(folder.clone()) // metrics.csv and metrics.jsonl, up to date after each epoch
//!         .fit(reader, train, None)?;
//!     reader.save(folder.file("reader.safetensors"))
//! }
//! ```
//!
//! # Adversarial attacks
//!
//! [`adversarial`](crate::train::adversarial) moves an image by ε along the sign of the gradient of the loss, once (FGSM) or in several steps, and
//! trains on such images.
//!
//! ```
//! # use netwright::prelude::*;
//! # netwright::network! { pub Reader(28x28x1) { dense 16 relu; softmax 10 } }
//! # type Digits = Dataset<Tensor<28, 28, 1>>;
//! use netwright::train::adversarial::evaluate_under;
//! use netwright::train::{AdversarialTraining, Attack};
//! use netwright::Error;
//!
//! fn harden(reader: &mut Reader, train: &Digits, test: &Digits) -> Result<(), Error> {
//!     let attack = Attack::fgsm(0.1)?.range(0.0, 1.0)?;
//!     let trainer = Trainer::new().loss(CrossEntropy).optimizer(Sgd::new(0.05)?.momentum(0.9)?);
//!     trainer.adversarial(AdversarialTraining::new(attack)).fit(reader, train, None)?;
//!     let (clean, attacked) = (evaluate(reader, test, &CrossEntropy)?, evaluate_under(reader, test, &CrossEntropy, &attack)?);
//!     println!("{:?} of clean images right, {:?} of attacked ones", clean.accuracy(), attacked.accuracy());
//!     Ok(())
//! }
//! ```
//!
//! # Images larger than the stack
//!
//! An image is an array: `Tensor<1024, 1024, 3>` is 12 MiB, and a thread usually has a stack of 2 MiB. Everything here processes images where
//! they are stored, so they must be created on the heap, and stay there:
//!
//! - one image by [`Tensor::boxed_zeros`](crate::Tensor::boxed_zeros), `boxed_from_fn`, `boxed_from` (from a vector of elements) and `boxed_clone`;
//!   the `clone` of a `Box` or a `Vec` of images goes through the stack in a debug build, [`memory::copies`](crate::memory::copies) does
//!   not;
//! - arrays, such as a label for each pixel, by [`memory`](crate::memory): `boxed_zeros`, `zeros`, `values_from`;
//! - a set by [`Dataset::from_fn`](crate::data::Dataset::from_fn), which writes every sample to its final location, or
//!   [`Dataset::from_elements`](crate::data::Dataset::from_elements), from the elements of all samples; the readers in `data` do so too. A
//!   [`Stream`](crate::train::Stream) accepts inputs and targets in a `Box`;
//! - answers by `predict_into`, which writes to memory of the caller, or `predict_batch`, which returns a vector. `predict` returns an
//!   answer by value; for an answer of more than 256 KiB it does not compile.
//!
//! ```
//! use netwright::prelude::*;
//! use netwright::Error;
//!
//! netwright::network! { pub Outlines(512x512x3) { conv 3x3x2 same softmax } }
//!
//! type Photo = Tensor<512, 512, 3>;
//! type Mask = [usize; 512 * 512];
//!
//! /// Photos with a bright square each, and masks of it.
//! fn squares(count: usize) -> Result<Dataset<Photo, Mask>, Error> {
//!     Dataset::from_fn(count, |sample, photo: &mut Photo, mask: &mut Mask| {
//!         for (row, column) in (100..200).flat_map(|row| (0..100).map(move |column| (row, 40 * sample + column))) {
//!             photo[[row, column, 0]] = 1.0;
//!             mask[512 * row + column] = 1;
//!         }
//!     })
//! }
//!
//! fn outlines(network: &mut Outlines, photo: &Photo) -> Result<Box<Tensor<512, 512, 2>>, Error> {
//!     Trainer::new().batch(4)?.loss(CrossEntropy).optimizer(Adam::new(0.001)?).fit(network, &squares(8)?, None)?;
//!     let mut answer = Tensor::boxed_zeros();
//!     network.predict_into(photo, &mut answer);
//!     Ok(answer)
//! }
//! ```
//!
//! ```compile_fail
//! # netwright::network! { pub Outlines(512x512x3) { conv 3x3x2 same softmax } }
//! # use netwright::Tensor;
//! let network = Outlines::init(1);
//! let answer = network.predict(&Tensor::boxed_zeros()); // an answer of 2 MiB, by value
//! ```
//!
//! # A training loop of your own
//!
//! The trainer is made of public parts: [`Loader`](crate::train::Loader), [`GradientEngine`](crate::train::GradientEngine),
//! [`Run`](crate::train::Run), [`Validator`](crate::train::Validator). The example `own_loop` combines them by hand and gives the
//! same bits.
//!
//! # Batch normalisation and threads
//!
//! While training, `bn` computes its statistics over the whole batch, so a batch cannot be split into micro-batches: threads then share the kernels
//! of a step one by one. [`Trainer::ghost_batch`](crate::train::Trainer::ghost_batch) instead normalises groups of a fixed number of images
//! separately, and threads share these groups. That changes the training, often for the better (Hoffer et al., 2017); the result depends on the size
//! of the group and not on the number of threads. In both cases predictions use the moving averages and as many threads as without `bn`, and fold the
//! normalisation into the layer before it, where it costs nothing.
//!
//! Statistics over a few images are noisy: groups of 16 and more are usual. Where memory is short, `layernorm` does not depend on the batch at all.
//!
//! ```
//! use netwright::prelude::*;
//! use netwright::Error;
//!
//! netwright::network! { pub Normed(8x8x1) { conv 3x3x8 same nobias bn relu; maxpool 2; softmax 10 } }
//!
//! fn on_four_threads(network: &mut Normed, data: &Dataset<Tensor<8, 8, 1>>) -> Result<(), Error> {
//!     let trainer = Trainer::new().batch(64)?.ghost_batch(16)?.threads(4)?;
//!     trainer.loss(CrossEntropy).optimizer(Adam::new(0.001)?).fit(network, data, None).map(drop)
//! }
//! ```
//!
//! # Further
//!
//! [`pytorch`] loads weights from PyTorch and Keras, and saves weights for them. [`onnx`] reads networks from ONNX files and writes them. [`serving`]
//! predicts from several threads with one copy of the weights, replaces weights, chooses among networks, and describes which settings give the same
//! bits everywhere. [`load_matching`](crate::SaveWeights::load_matching) and [`copy_from`](crate::SaveWeights::copy_from) take a part of another
//! network's weights.

pub mod onnx;
pub mod pytorch;
pub mod serving;
