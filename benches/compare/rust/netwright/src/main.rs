//! netwright in the comparison. This program also writes the models for the other engines.

mod models;
mod networks;
mod work;

use networks::{Mlp, MobileNetV2};
use netwright_zoo::{AlexNet, InceptionResNetV2, InceptionV3, LeNet5, ResNeXt50, ResNet50, Vgg16, Xception};
use speak::{Failure, Job};

/// Calls a function of `models` or `work` for the network with a name.
macro_rules! of_network {
    ($name:expr, $module:ident::$function:ident, $($argument:expr),*) => {
        match $name {
            "lenet5" => $module::$function::<LeNet5<f32>>($($argument),*),
            "mlp" => $module::$function::<Mlp<f32>>($($argument),*),
            "alexnet" => $module::$function::<AlexNet<f32>>($($argument),*),
            "vgg16" => $module::$function::<Vgg16<f32>>($($argument),*),
            "resnet50" => $module::$function::<ResNet50<f32>>($($argument),*),
            "resnext50" => $module::$function::<ResNeXt50<f32>>($($argument),*),
            "inception_v3" => $module::$function::<InceptionV3<f32>>($($argument),*),
            "inception_resnet_v2" => $module::$function::<InceptionResNetV2<f32>>($($argument),*),
            "xception" => $module::$function::<Xception<f32>>($($argument),*),
            "mobilenet_v2" => $module::$function::<MobileNetV2<f32>>($($argument),*),
            other => Err(format!("there is no network {other}").into()),
        }
    };
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["model", name, images, folder] => of_network!(*name, models::write, folder.as_ref(), images.parse()?),
        ["peak", threads] => {
            println!("{:e}", netwright_measure::peak(threads.parse()?));
            Ok(())
        }
        _ => {
            let job = Job::from_arguments()?;
            if job.trains {
                of_network!(job.model(), work::train, &job)
            } else {
                of_network!(job.model(), work::predict, &job)
            }
        }
    }
}
