//! A network has elements of `f32` unless its type names another one, whatever its inputs are.

use netwright::{Network, SaveWeights, network};

network! { Small(2) { dense 3 tanh; dense 1 sigmoid } }

#[test]
fn the_plan_names_the_library_that_computes_a_product() {
    use netwright::plan::{Direction, Library};

    let by = |product: fn(&netwright::plan::PlannedCall) -> Option<Library>| -> Vec<Option<Library>> {
        let products = Small::PLAN.of(Direction::Predicting).filter(|call| call.is_product);
        products.map(|call| product(&call)).collect()
    };
    assert_eq!(by(|call| call.library::<f32>()), [Some(Library::Netwright); 2]);
    assert_eq!(by(|call| call.library::<f64>()), [Some(Library::MatrixMultiply); 2], "a default feature");
    let sigmoid = Small::PLAN.of(Direction::Predicting).last().expect("a last call");
    assert_eq!((sigmoid.kernel, sigmoid.library::<f64>()), ("activation_forward", None));
}

struct File(std::path::PathBuf);

impl File {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("netwright-precision-{}-{name}", std::process::id())))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// No trait is in scope and no type is written: the literals alone could be of either precision.
mod without_traits {
    use super::Small;
    use netwright::Error;

    pub(super) fn answer(path: &std::path::Path) -> Result<f64, Error> {
        let network = Small::from_file(path)?;
        Ok(network.predict(&[0.3, -0.4])[0].into())
    }

    pub(super) fn loads(path: &std::path::Path) -> bool {
        Small::from_file(path).is_ok()
    }
}

#[test]
fn a_network_from_a_file_is_f32_unless_asked() {
    let (single, double) = (File::new("f32"), File::new("f64"));
    let saved = Small::init(1);
    saved.save(&single.0).unwrap();
    Small::<f64>::init(1).save(&double.0).unwrap();
    assert_eq!(without_traits::answer(&single.0).unwrap(), f64::from(saved.predict(&[0.3, -0.4])[0]));
    assert!(without_traits::loads(&single.0) && !without_traits::loads(&double.0));
    // With the traits in scope too.
    let network = Small::from_file(&single.0).unwrap();
    assert_eq!(network.predict(&[0.3, -0.4]), saved.predict(&[0.3, -0.4]));
    assert!(Small::from_file(&single.0).is_ok());
}

#[test]
fn double_precision_is_selected_by_the_type() {
    let file = File::new("asked");
    let network = Small::<f64>::init(1);
    network.save(&file.0).unwrap();
    let loaded = Small::<f64>::from_file(&file.0).unwrap();
    assert_eq!(loaded.predict(&[0.3, -0.4]), network.predict(&[0.3, -0.4]));
    let inferred: Small<f64> = SaveWeights::from_file(&file.0).unwrap();
    assert_eq!(inferred.parameters(), loaded.parameters());
}

#[test]
fn constants_need_no_type() {
    assert_eq!((Small::NAME, Small::PARAMETERS), ("Small", 2 * 3 + 3 + 3 + 1));
    assert_eq!((Small::INPUT.to_string(), Small::OUTPUT.to_string()), ("2".to_owned(), "1".to_owned()));
    assert_eq!(Small::workspace(2).capacity(), 2);
    assert_eq!(Small::gradients().as_slice().len(), Small::PARAMETERS);
}
