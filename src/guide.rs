//! Training, from the data to a network one can trust, each part where it is needed first.
//!
//! # Data
//!
//! A [`Dataset`](crate::data::Dataset) is inputs and targets in memory: labels (`usize`, `bool`), a number for each output (`f32` for a
//! single one, `[f32; N]`), or a label or a number for each pixel. [`data`](crate::data) reads IDX files
//! ([`mnist`](crate::data::mnist)), CIFAR-10 ([`cifar10`](crate::data::cifar10)), tables ([`csv`](crate::data::csv)), and with the feature `images` a folder with a folder of pictures
//! for each class. What does not fit into memory comes from any iterator, by [`Stream`](crate::train::Stream) and
//! [`fit_stream`](crate::train::Trainer::fit_stream).
//!
//! ```no_run
//! use netwright::prelude::*;
//! use netwright::{Error, data};
//!
//! type Digits = Dataset<Tensor<28, 28, 1>>;
//!
//! /// What is trained on, what tells when to stop, and what nobody looks at before the end.
//! fn digits() -> Result<[Digits; 3], Error> {
//!     let (train, test) = data::mnist("mnist")?;
//!     let (train, validation) = train.dataset()?.split(0.1, 1)?; // a tenth of each class, drawn by the seed 1
//!     Ok([train, validation, test.dataset()?])
//! }
//! ```
//!
//! A table says by name, or as first and last, what its columns are; missing values are filled and categories become columns. What is
//! normalised by is kept beside the network, for rows to come. `examples/table` goes all the way from a file to another program.
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
//! # A run
//!
//! A [`Trainer`](crate::train::Trainer) needs a loss and an optimiser; all else has a usual value. Nonsense, such as a negative rate, is an error
//! where it is set. [`loss`](crate::loss) and the last layer belong together: `CrossEntropy` with `softmax N`, `BinaryCrossEntropy` with
//! `sigmoid`, `SquaredError` and `MeanAbsoluteError` with any. Each is the mean over outputs and pixels, unless
//! [`Reduction::Sum`](crate::loss::Reduction) is asked for. [`optim`](crate::optim) has `Sgd` (with momentum, also Nesterov's), `RmsProp`,
//! `Adam` and `AdamW`, each with clipping and with penalties, which touch weights alone unless asked. A
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
//!         .seed(1) // draws everything: the same seed gives the same bits on any number of threads
//!         .loss(CrossEntropy.label_smoothing(0.05)?)
//!         .optimizer(AdamW::new(0.002)?.weight_decay_for("features", 0.05)?.clip_norm(1.0)?)
//!         .schedule(WarmUp::new(1.0, Cosine)?)
//!         .fit(reader, train, Some(validation))
//! }
//! ```
//!
//! # Fine-tuning
//!
//! A network that has learnt one task starts another: [`copy_from`](crate::SaveWeights::copy_from) takes a part of its weights. What is to
//! stay as it is, an optimiser freezes by name, or the word `frozen` behind a stage for good, which spares the way back through it; what is
//! to move slowly has a rate of its own. Frozen batch normalisation uses its moving statistics and leaves them alone.
//!
//! ```
//! # use netwright::prelude::*;
//! # use netwright::Error;
//! netwright::network! {
//!     block features() { conv 3x3x8 bn relu; maxpool 2; conv 3x3x16 bn relu; maxpool 2 }
//!
//!     pub Digits(28x28x1) { features(); softmax 10 }
//!     pub Letters(28x28x1) { features(); softmax 26 }
//!     /// The features of another network for good, and a head of its own.
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
//! `dropout` and `tied` weights are words of the language. Augmentation, mixup and early stopping belong to the run. Several networks on
//! bootstrap samples answer together as an [`Ensemble`](crate::train::Ensemble), by their mean or by vote.
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
//!         .early_stopping(EarlyStopping::new(5)?.min_delta(0.001)?) // the best weights come back at the end
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
//! # Seeing what happens
//!
//! While it goes on, a run shows a line for each epoch where standard error is a terminal, or a bar with the feature `progress`, unless it is
//! [`quiet`](crate::train::Trainer::quiet). `Reader::summary()` is the table of its layers. What a run found, a report, a history, the table of a
//! network and every error read well by `{}`.
//!
//! A run returns its [`History`](crate::train::History), and [`see`](crate::see) draws it: in the terminal, and with the feature `plots` as
//! PNG or SVG. A [`StatisticsRecorder`](crate::train::statistics::StatisticsRecorder) notes for every layer and epoch how its activations lie,
//! which share is saturated or dead, and how long its gradient is.
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
//!         .on_epoch(|report| println!("{report}")) // `report.metric("validation_loss")?` is a number of it
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
//! # Stop and go on
//!
//! [`Checkpoints`](crate::train::Checkpoints) hold all that a run needs; one that was stopped, or killed, goes on to the same bits. With the
//! feature `ctrlc`, `Trainer::stop_on_ctrl_c` ends the step and saves. Weights alone are a safetensors file:
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
//! # Under attack
//!
//! [`adversarial`](crate::train::adversarial) moves an image by ε along the sign of the gradient of the loss, once or in steps, and trains
//! against it.
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
//! # Images larger than a stack
//!
//! An image is an array: `Tensor<1024, 1024, 3>` is 12 MiB, and a thread has a stack of 2 MiB as a rule. Everything here works on images where
//! they are, so that they have to be made on the heap, and stay there:
//!
//! - one image with [`Tensor::boxed_zeros`](crate::Tensor::boxed_zeros), `boxed_from_fn`, `boxed_from` (a vector of elements) and `boxed_clone`;
//!   the `clone` of a `Box` or a `Vec` of images takes the way over the stack in a debug build, [`memory::copies`](crate::memory::copies) does
//!   not;
//! - arrays, such as a label for each pixel, with [`memory`](crate::memory): `boxed_zeros`, `zeros`, `values_from`;
//! - a set with [`Dataset::from_fn`](crate::data::Dataset::from_fn), which writes every sample where it stays, or
//!   [`Dataset::from_elements`](crate::data::Dataset::from_elements), from the elements of all samples; readers do so by themselves. A
//!   [`Stream`](crate::train::Stream) may give inputs and targets in a `Box`;
//! - answers with `predict_into`, which writes them into memory of yours, or `predict_batch`, which gives a vector. `predict` returns an
//!   answer by value; of one of more than 256 KiB it does not compile.
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
//! /// Photos with a bright square in each, and where it is.
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
//! # A loop of one's own
//!
//! The trainer is made of public parts: [`Loader`](crate::train::Loader), [`GradientEngine`](crate::train::GradientEngine),
//! [`Run`](crate::train::Run), [`Validator`](crate::train::Validator). The example `own_loop` puts them together by hand and gets the
//! same bits.
//!
//! # Batch normalisation and threads
//!
//! While training, `bn` measures the whole batch, so that a batch cannot be cut: threads then share the kernels of a step one by one, unless
//! [`Trainer::ghost_batch`](crate::train::Trainer::ghost_batch) lets every so many images be measured on their own, and threads share these
//! groups. That is another network to train, often a better one (Hoffer et al., 2017); what it is depends on the size of the group and not on
//! the number of threads. Predictions use the moving averages and the usual number of threads either way, and take the normalisation into the
//! layer before it, where it costs nothing.
//!
//! A group of a few images measures badly: 16 and more are usual. With little memory, `layernorm` does not look at the batch at all.
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
//! [`pytorch`] takes over weights from PyTorch and Keras, and gives them back; [`onnx`] reads networks from ONNX files and writes them; [`serving`] predicts from several threads and with the weights once, swaps weights, chooses among networks, and says what gives the same bits everywhere. Part of
//! another network's weights come by [`load_matching`](crate::SaveWeights::load_matching) and [`copy_from`](crate::SaveWeights::copy_from).

pub mod onnx;
pub mod pytorch;
pub mod serving;
