//! Measures the compile time of networks: `cargo bench -p netwright-zoo --bench build` builds a crate with each and prints a table. It takes
//! minutes. Names of networks after `--` select these only, and `--ready` leaves out the builds from scratch.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{env, fs, io};

/// The files of the zoo with the types in them.
const NETWORKS: [(&str, &str); 10] = [
    ("toy", "ToyConvnet"),
    ("lenet5", "LeNet5"),
    ("lenet5_1998", "LeNet5Of1998"),
    ("alexnet", "AlexNet"),
    ("vgg16", "Vgg16"),
    ("resnet50", "ResNet50"),
    ("inception_v3", "InceptionV3"),
    ("xception", "Xception"),
    ("resnext50", "ResNeXt50"),
    ("inception_resnet_v2", "InceptionResNetV2"),
];

/// A crate that predicts with a network.
const PREDICTS: &str = "
use netwright::{Network, Output, Sample};

fn main() {
    let network = <Net as Network>::init(1);
    let image = <<Net as netwright::Architecture>::Input as Output<f32>>::zeros();
    println!(\"{:?}\", network.predict(&image).elements());
}
";

/// A crate that also runs a training step.
const TRAINS: &str = "
use netwright::{GradientSeed, Network, Output, Pass, Sample};

fn main() -> Result<(), netwright::PassError> {
    let mut network = <Net as Network>::init(1);
    let images = [<<Net as netwright::Architecture>::Input as Output<f32>>::zeros()];
    println!(\"{:?}\", network.predict(&images[0]).elements());
    let (mut workspace, mut gradients) = (<Net as Network>::workspace(1), <Net as Network>::gradients());
    network.forward(Pass::default(), &images, &mut workspace)?;
    network.backward(Pass::default(), GradientSeed::Logits, &images, &mut workspace, &mut gradients)?;
    println!(\"{:?}\", gradients.as_slice().first());
    Ok(())
}
";

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let is_chosen = |name: &str| named(name) || NETWORKS.iter().all(|(other, _)| !named(other));
    let guest = Guest::new()?;
    let cores = std::thread::available_parallelism()?;
    println!("{}, {cores} cores. Seconds, and bytes of the stripped program.\n", version()?);
    println!("| network | macro | build | from nothing | program that predicts | that runs a step as well |");
    println!("|---|---:|---:|---:|---:|---:|");
    guest.write("lenet5", "LeNet5", TRAINS)?;
    guest.build(&guest.ready, &[])?;
    for (file, network) in NETWORKS.into_iter().filter(|(file, _)| is_chosen(file)) {
        guest.write(file, network, PREDICTS)?;
        guest.build(&guest.ready, &[])?;
        let predicts = guest.size()?;
        guest.write(file, network, TRAINS)?;
        let start = Instant::now();
        guest.build(&guest.ready, &[])?;
        let build = start.elapsed().as_secs_f64();
        let trains = guest.size()?;
        let passes = guest.build(&guest.root.join("passes"), &["-Ztime-passes"])?;
        let from_nothing = if named("--ready") {
            "-".to_owned()
        } else {
            let target = guest.root.join("nothing");
            let start = Instant::now();
            guest.build(&target, &[])?;
            let seconds = start.elapsed().as_secs_f64();
            fs::remove_dir_all(&target)?;
            format!("{seconds:.1}")
        };
        let expansion = expansion(&passes).map_or("-".to_owned(), |seconds| format!("{seconds:.2}"));
        println!("| {network} | {expansion} | {build:.1} | {from_nothing} | {predicts} | {trains} |");
    }
    Ok(())
}

/// A crate outside the workspace, with a network of the zoo as its own.
struct Guest {
    root: PathBuf,
    ready: PathBuf,
}

impl Guest {
    fn new() -> io::Result<Self> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build");
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        fs::create_dir_all(root.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"guest\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\nnetwright = {{ path = {:?} }}\n\n\
             [profile.release]\nstrip = true\n\n[workspace]\n",
            ours.display().to_string()
        );
        fs::write(root.join("Cargo.toml"), manifest)?;
        // The same locked versions, so that nothing is fetched.
        fs::copy(ours.join("Cargo.lock"), root.join("Cargo.lock"))?;
        Ok(Self { ready: root.join("ready"), root })
    }

    /// Writes the program `main` with the network of a file of the zoo.
    fn write(&self, file: &str, network: &str, main: &str) -> io::Result<()> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file).with_extension("rs");
        let module =
            format!("#[path = {:?}]\nmod network;\nuse network::{network} as Net;\n", source.display().to_string());
        fs::write(self.root.join("src/main.rs"), module + main)
    }

    /// Builds in release mode, with flags for the crate itself, and returns the output of the compiler.
    fn build(&self, target: &Path, flags: &[&str]) -> io::Result<String> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(&self.root).args(["rustc", "--release", "--offline", "--target-dir"]).arg(target);
        if !flags.is_empty() {
            // The flags are unstable; this variable makes a stable compiler accept them.
            cargo.env("RUSTC_BOOTSTRAP", "1").arg("--").args(flags);
        }
        let output = cargo.output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if !output.status.success() {
            return Err(io::Error::other(text(&output.stderr)));
        }
        Ok(text(&output.stdout) + &text(&output.stderr))
    }

    fn size(&self) -> io::Result<u64> {
        let program = self.ready.join("release").join(format!("guest{}", env::consts::EXE_SUFFIX));
        Ok(fs::metadata(program)?.len())
    }
}

/// Returns the seconds of macro expansion from the output of `-Ztime-passes`.
fn expansion(passes: &str) -> Option<f64> {
    let line = passes.lines().find(|line| line.trim_end().ends_with("macro_expand_crate"))?;
    line.trim().strip_prefix("time:")?.split(';').next()?.trim().parse().ok()
}

fn version() -> io::Result<String> {
    let output = Command::new(env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned())).arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
