//! A checkpoint belongs to one network, of which its tensors do not tell everything.

use netwright::Error;
use netwright::prelude::*;
use netwright::schedule::ReduceOnPlateau;

mod before {
    netwright::network! { pub Net(4) { dense 5 tanh; dropout 0.5; softmax 2 } }
}
mod activation {
    netwright::network! { pub Net(4) { dense 5 relu; dropout 0.5; softmax 2 } }
}
mod shorter {
    netwright::network! { pub Net(4) { dense 5 tanh; softmax 2 } }
}
mod wider {
    netwright::network! { pub Net(4) { dense 6 tanh; dropout 0.5; softmax 2 } }
}

type Trained<'c, N> = Trainer<'c, N, usize, CrossEntropy, Sgd>;

#[test]
fn a_network_whose_layers_are_others_is_refused_by_the_first_of_them() -> Result<(), Error> {
    let file = std::env::temp_dir().join(format!("netwright-other-layers-{}", std::process::id()));
    let data: Dataset<[f32; 4]> = Dataset::from_pairs([([0.0, 1.0, 2.0, 3.0], 0), ([3.0, 2.0, 1.0, 0.0], 1)])?;
    fn refused<N>(data: &Dataset<[f32; 4]>, file: &std::path::Path, change: fn(Trained<N>) -> Trained<N>) -> Error
    where
        N: Network<Scalar = f32, Head = netwright::head::Softmax, Input = [f32; 4]>,
    {
        let trainer = || Ok(Trainer::new().epochs(2)?.loss(CrossEntropy::new()).optimizer(Sgd::new(0.1)?));
        let checkpoints = Checkpoints::new(file).resume(true);
        let mut network = N::init(7);
        let error =
            trainer().and_then(|t| change(t).checkpoints(checkpoints).fit(&mut network, data, None)).unwrap_err();
        assert!(network.parameters() == N::init(7).parameters(), "{error}");
        error
    }

    let trainer = Trainer::new().epochs(1)?.loss(CrossEntropy::new()).optimizer(Sgd::new(0.1)?);
    trainer.checkpoints(Checkpoints::new(&file)).fit(&mut before::Net::init(1), &data, None)?;
    let said = |error: Error| error.to_string().split_once(": ").map(|(_, said)| said.to_owned()).unwrap_or_default();
    let other = "a checkpoint of another run: ";
    assert_eq!(
        said(refused::<activation::Net>(&data, &file, |trainer| trainer)),
        format!("{other}a layer was `dense 5 tanh`, and is `dense 5 relu` now")
    );
    assert_eq!(
        said(refused::<shorter::Net>(&data, &file, |trainer| trainer)),
        format!("{other}a layer was `dropout 0.5`, and is `softmax 2` now")
    );
    assert_eq!(
        said(refused::<before::Net>(&data, &file, |t| t.schedule(ReduceOnPlateau::new(0.5, 1).unwrap()))),
        format!("{other}the schedule was one that remembers 0 numbers, and is one that remembers 3 numbers now")
    );
    let error = refused::<wider::Net>(&data, &file, |trainer| trainer);
    assert!(matches!(&error, Error::Weights { differences, .. } if differences.len() == 3), "{error}");
    std::fs::remove_file(file).ok();
    Ok(())
}
