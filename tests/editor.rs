//! Checks what an editor shows, with a real rust-analyzer if one is installed.

#[path = "support/language_server.rs"]
mod language_server;
#[path = "support/resnet50.rs"]
mod resnet50;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use language_server::{Position, Server};
use resnet50::resnet50;

/// Loading builds the macro first; after that each answer takes milliseconds.
const LIMIT: Duration = Duration::from_secs(300);

const SMALL: &str = r"//! A crate in an editor.

netwright::network! {
    /// Two convolutions that keep the size.
    block pair(width, window = 3) {
        conv (window)x(window)x(width) same relu;
        conv (window)x(window)x(2*width) same relu
    }

    /// LeNet-5 (LeCun et al., 1998).
    pub LeNet5(28x28x1) {
        conv 5x5x6 same tanh;  avgpool 2;
        conv 5x5x16 tanh;      avgpool 2;
        dense 120 tanh;        dense 84 tanh as features;
        softmax 10
    }

    /// Blocks, a tied layer, and a value that is joined later.
    pub Paired(16x16x1) {
        pair(4); tap early; maxpool 2; 2 * pair(8, window = 5); deconv 2x2x8 stride 2; concat early;
        dense 9; dense 9 as encode; dense 9 tied encode; softmax 3
    }
}
";

/// Small networks and a large one.
static TEXT: LazyLock<String> = LazyLock::new(|| format!("{SMALL}\nnetwright::network! {{{}\n}}\n", resnet50()));

/// Creates a crate outside the workspace that depends on this one, with `text` as its library.
fn guest(text: &str) -> (PathBuf, PathBuf) {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("editor");
    let ours = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(root.join("src")).expect("a folder can be made");
    let manifest = format!(
        "[package]\nname = \"guest\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\nnetwright = {{ path = {:?} }}\n\n[workspace]\n",
        ours.display().to_string()
    );
    fs::write(root.join("Cargo.toml"), manifest).expect("the manifest can be written");
    // The same locked versions, so that nothing is fetched.
    let _ = fs::copy(ours.join("Cargo.lock"), root.join("Cargo.lock"));
    let file = root.join("src").join("lib.rs");
    fs::write(&file, text).expect("the source can be written");
    (root, file)
}

/// Prints past the capture of the test harness, so that a person can read what an editor shows.
fn print(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Returns the position of the last `what` in the first `context`.
fn position(text: &str, context: &str, what: &str) -> Position {
    let start = text.find(context).unwrap_or_else(|| panic!("`{context}` is in the text"));
    let inside = context.rfind(what).unwrap_or_else(|| panic!("`{what}` is in `{context}`"));
    Position::at(text, start + inside)
}

struct Editor {
    server: Server,
}

impl Editor {
    /// Returns the completions at the end of `typed`, which replaces `there` in the text.
    fn completion(&mut self, there: &str, typed: &str) -> Vec<String> {
        assert_eq!(TEXT.matches(there).count(), 1, "`{there}` is once in the text");
        let text = TEXT.replacen(there, typed, 1);
        self.server.change(&text);
        let at = Position::at(&text, TEXT.find(there).unwrap_or_default() + typed.len());
        let offered = self.server.completion(at);
        print(&format!("\nafter `{}`: {}", typed.trim(), offered.join(" ")));
        offered
    }
}

#[test]
fn an_editor_shows_completes_and_corrects() {
    let Some(program) = language_server::installed() else {
        print(
            "\nSKIPPED: no rust-analyzer runs here, so what editors show is not tested (NETWRIGHT_RUST_ANALYZER names one outside PATH)",
        );
        return;
    };
    let (root, file) = guest(&TEXT);
    let server = Server::start(&program, &root, &file, &TEXT, LIMIT);
    let mut editor = Editor { server };
    hovering(&mut editor);
    definitions(&mut editor);
    completions(&mut editor);
    mistakes(&mut editor);
}

fn hovering(editor: &mut Editor) {
    let mut hover = |context: &str, what: &str| {
        let shown = editor.server.hover(position(&TEXT, context, what));
        print(&format!("\nhovering over `{what}` in `{}`:\n{shown}", context.trim()));
        shown
    };
    let shown = hover("conv 5x5x16 tanh", "conv");
    assert!(shown.contains("14x14x6 → 10x10x16, 2,416 parameters, 240,000 multiply-adds"), "{shown}");
    assert!(shown.contains("Convolution (cross-correlation"), "{shown}");
    let shown = hover("conv 5x5x6 same tanh", "same");
    assert!(shown.contains("output = ceil(input / stride)"), "{shown}");
    let shown = hover("conv (window)x(window)x(2*width)", "conv");
    assert!(shown.contains("|`pair(4, 3)`|16x16x4 → 16x16x8|296|73,728|"), "{shown}");
    let shown = hover("2 * pair(8, window = 5)", "pair");
    assert!(shown.contains("block pair(width, window = 3)") && shown.contains("8x8x8 → 8x8x16"), "{shown}");
    let shown = hover("conv 7x7x64 stride 2", "conv");
    assert!(shown.contains("224x224x3 → 112x112x64, 9,472 parameters, 118,013,952 multiply-adds"), "{shown}");
    let shown =
        hover("residual {\n            conv 1x1x(width) bn eps 1.001e-5 relu;\n            conv 3x3x(width)", "conv");
    assert!(shown.contains("|5 × `identity(256)`|14x14x256 → 14x14x256|590,080|115,605,504|"), "{shown}");
    let shown = hover("residual {\n", "residual");
    assert!(shown.contains("What comes in plus what the stages make of it"), "{shown}");
    assert!(shown.contains("|2 × `identity(64)`|56x56x256 → 56x56x256|"), "{shown}");
    let shown = hover("pub ResNet50", "ResNet50");
    assert!(shown.contains("25,583,592 parameters and 53,120 statistics"), "{shown}");
    let shown = hover("pub LeNet5", "LeNet5");
    assert!(shown.contains("LeCun et al., 1998") && shown.contains("61,706 parameters"), "{shown}");
}

fn definitions(editor: &mut Editor) {
    let mut definition = |context: &str, what: &str| {
        let found = editor.server.definition(position(&TEXT, context, what));
        print(&format!("\n`{what}` in `{context}` leads to {found:?}"));
        found
    };
    for (context, word) in [("conv 5x5x16 tanh", "conv"), ("conv 5x5x6 same", "same"), ("residual {", "residual")] {
        let found = definition(context, word);
        assert!(matches!(found.as_slice(), [(file, _)] if file.ends_with("/src/words.rs")), "{word}: {found:?}");
    }
    for (context, name, declared) in [
        ("2 * pair(8, window = 5)", "pair", "block pair"),
        ("8, window = 5", "window", "window = 3"),
        ("x(2*width)", "width", "(width, "),
        ("tied encode", "encode", "as encode"),
        ("concat early", "early", "tap early"),
        ("2 * identity(512)", "identity", "block identity"),
    ] {
        let found = definition(context, name);
        let there = position(&TEXT, declared, name);
        assert!(
            matches!(found.as_slice(), [(file, position)] if file.ends_with("/src/lib.rs") && *position == there),
            "{name}: {found:?}"
        );
    }
}

fn completions(editor: &mut Editor) {
    let offers = |offered: &[String], words: &[&str]| {
        for word in words {
            assert!(offered.iter().any(|offer| offer == word), "`{word}` is not among {offered:?}");
        }
    };
    let refuses = |offered: &[String], words: &[&str]| {
        for word in words {
            assert!(!offered.iter().any(|offer| offer == word), "`{word}` is among {offered:?}");
        }
    };
    let stem = "conv 7x7x64 stride 2 pad 3 bn eps 1.001e-5 relu;";
    let head = editor.completion(stem, "co");
    offers(&head, &["conv", "concat", "maxpool", "relu", "identity"]);
    refuses(&head, &["stride", "LeNet5", "std"]);
    let options = editor.completion(stem, "conv 3x3x64 ");
    offers(&options, &["stride", "same", "pad", "relu", "bn", "as", "init"]);
    refuses(&options, &["conv", "maxpool", "identity", "LeNet5"]);
    offers(&editor.completion("conv 5x5x16 tanh;", "conv 3x3x64 relu str"), &["stride"]);
    offers(&editor.completion("2 * pair(8, window = 5)", "2 * pa"), &["pair"]);
    offers(&editor.completion("window = 5", "wi"), &["window", "width"]);
    offers(&editor.completion("2*width", "2*wi"), &["width", "window"]);
    offers(&editor.completion("tied encode", "tied en"), &["encode"]);
    offers(&editor.completion("concat early", "concat ea"), &["early"]);
    offers(&editor.completion("conv 5x5x16 tanh;", "conv 3x3x64 init he"), &["he", "he_uniform"]);
}

fn mistakes(editor: &mut Editor) {
    editor.server.change(&TEXT);
    let found = editor.server.mistakes();
    assert!(found.is_empty(), "{found:?}");
    for (there, wrong, under, message) in [
        ("conv 5x5x16 tanh", "conv 25x25x16 tanh", "conv", "the 25x25 window is larger than its 14x14x6 input"),
        ("avgpool 2;\n        dense", "avgpol 2;\n        dense", "avgpol", "did you mean `avgpool`?"),
        (
            "add\n            { conv 1x1x(4*width)",
            "add\n            { conv 1x1x(3*width)",
            "add",
            "in the block called as `bottleneck(64, 1)`",
        ),
        ("concat early", "concat eary", "eary", "did you mean `early`?"),
    ] {
        let text = TEXT.replacen(there, wrong, 1);
        editor.server.change(&text);
        let found = editor.server.mistakes();
        print(&format!("\nunder `{wrong}`: {found:?}"));
        let start = position(&text, wrong, under);
        assert!(
            matches!(found.as_slice(), [mistake] if mistake.message.contains(message) && mistake.start == start),
            "{found:?}"
        );
    }
}
